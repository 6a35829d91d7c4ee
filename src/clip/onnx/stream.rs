use std::io::{self, Read};

use prost::Message;
use prost::bytes::Buf;
use tract_onnx::pb::ModelProto;

/// Read at once.
const PIECE: usize = 1 << 20;

/// Decodes a model of `bytes` bytes while it is read, so that memory holds its weights once and not
/// beside the file.
///
/// # Errors
/// Of the reader, `UnexpectedEof` when it ends early, and `InvalidData` when it is no model.
pub(crate) fn decode_stream(from: &mut impl Read, bytes: u64) -> io::Result<ModelProto> {
    let mut stream = Stream { from, left: bytes, piece: Vec::new(), start: 0, failed: None };
    stream.refill();
    let decoded = ModelProto::decode(&mut stream);
    match stream.failed {
        // What was decoded then are zeros.
        Some(error) => Err(error),
        None => decoded.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error)),
    }
}

/// A reader as a buffer. A buffer cannot fail, so after an error it holds zeros to its end.
struct Stream<'a, R> {
    from: &'a mut R,
    /// Bytes behind the piece.
    left: u64,
    piece: Vec<u8>,
    /// Bytes of the piece that were taken.
    start: usize,
    failed: Option<io::Error>,
}

impl<R: Read> Stream<'_, R> {
    fn refill(&mut self) {
        let count = usize::try_from(self.left).unwrap_or(PIECE).min(PIECE);
        self.piece.resize(count, 0);
        self.start = 0;
        self.left -= count as u64;
        if self.failed.is_none() {
            self.failed = self.from.read_exact(&mut self.piece).err();
        }
        if self.failed.is_some() {
            self.piece.fill(0);
        }
    }
}

impl<R: Read> Buf for Stream<'_, R> {
    fn remaining(&self) -> usize {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        left.saturating_add(self.piece.len() - self.start)
    }

    fn chunk(&self) -> &[u8] {
        &self.piece[self.start..]
    }

    fn advance(&mut self, mut count: usize) {
        while count > 0 {
            let taken = count.min(self.piece.len() - self.start);
            assert!(taken > 0, "advances {count} bytes beyond the end");
            self.start += taken;
            count -= taken;
            if self.start == self.piece.len() {
                self.refill();
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tract_onnx::pb::{GraphProto, TensorProto};

    use super::*;

    fn model() -> ModelProto {
        let tensor = |index: u8, len: usize| TensorProto {
            name: format!("w{index}"),
            raw_data: (0..len).map(|value| value as u8 ^ index).collect(),
            ..TensorProto::default()
        };
        // Some end within a piece, one spans three.
        let initializer = vec![tensor(1, 10), tensor(2, 2 * PIECE + 77), tensor(3, PIECE)];
        let graph = GraphProto { initializer, ..GraphProto::default() };
        ModelProto { graph: Some(graph), ..ModelProto::default() }
    }

    #[test]
    fn a_model_is_the_same_whether_streamed_or_whole() {
        let encoded = model().encode_to_vec();
        let decoded = decode_stream(&mut encoded.as_slice(), encoded.len() as u64).unwrap();
        assert_eq!(decoded, model());
        let empty = decode_stream(&mut [].as_slice(), 0).unwrap();
        assert_eq!(empty, ModelProto::default());
    }

    #[test]
    fn a_file_that_ends_early_or_is_none_is_refused() {
        let encoded = model().encode_to_vec();
        for len in [0, 1, 100, PIECE, PIECE + 1, encoded.len() - 1] {
            let cut = decode_stream(&mut &encoded[..len], encoded.len() as u64).unwrap_err();
            assert_eq!(cut.kind(), io::ErrorKind::UnexpectedEof, "{len}");
            let short = decode_stream(&mut &encoded[..len], len as u64);
            assert!(short.is_err() || len == 0, "{len}");
        }
        let noise: Vec<u8> = (0..3 * PIECE).map(|value| ((value * 7919) >> 3) as u8).collect();
        let refused = decode_stream(&mut noise.as_slice(), noise.len() as u64).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
    }
}

use std::io::{self, Read};

/// Transaction, protocol, length and unit (Modbus Messaging on TCP/IP Implementation Guide 1.0b,
/// 3.1.3).
const HEADER: usize = 7;
/// The most bytes of a request without its header (Modbus Application Protocol 1.1b3, 4.1).
const MAX_PDU: usize = 253;

/// A request as it came.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    transaction: [u8; 2],
    unit: u8,
    /// The function and what belongs to it; at least the one byte.
    pub(super) pdu: Vec<u8>,
}

/// Why there is no request.
#[derive(Debug)]
pub(super) enum Bad {
    Io(io::Error),
    Frame(String),
}

impl Frame {
    /// Reads one request; none where the stream ends before the first byte.
    pub(super) fn read(stream: &mut impl Read) -> Result<Option<Self>, Bad> {
        let mut header = [0; HEADER];
        match fill(stream, &mut header).map_err(Bad::Io)? {
            0 => return Ok(None),
            HEADER => {}
            read => return Err(Bad::Frame(format!("{read} bytes of a header"))),
        }
        let [t0, t1, p0, p1, l0, l1, unit] = header;
        let protocol = u16::from_be_bytes([p0, p1]);
        if protocol != 0 {
            return Err(Bad::Frame(format!("protocol {protocol}, expected 0")));
        }
        // The length counts the unit.
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        if !(2..=MAX_PDU + 1).contains(&length) {
            return Err(Bad::Frame(format!("a length of {length}, expected 2 to {}", MAX_PDU + 1)));
        }
        let mut pdu = vec![0; length - 1];
        let read = fill(stream, &mut pdu).map_err(Bad::Io)?;
        if read < pdu.len() {
            return Err(Bad::Frame(format!("{read} bytes of {}", pdu.len())));
        }
        Ok(Some(Self { transaction: [t0, t1], unit, pdu }))
    }

    /// The bytes of an answer to this request.
    pub(super) fn answered(&self, pdu: &[u8]) -> Vec<u8> {
        let length = (pdu.len() as u16 + 1).to_be_bytes();
        [&self.transaction[..], &[0, 0], &length, &[self.unit], pdu].concat()
    }
}

/// How many bytes there were up to the end of the stream.
fn fill(stream: &mut impl Read, bytes: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match stream.read(&mut bytes[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_request_and_its_answer_share_transaction_and_unit() {
        let bytes = [0xab, 0xcd, 0, 0, 0, 6, 9, 3, 0, 0, 0, 1];
        let frame = Frame::read(&mut &bytes[..]).unwrap().unwrap();
        assert_eq!(frame.pdu, [3, 0, 0, 0, 1]);
        assert_eq!(frame.answered(&[0x83, 2]), [0xab, 0xcd, 0, 0, 0, 3, 9, 0x83, 2]);
    }

    #[test]
    fn a_stream_that_ends_is_no_request_at_every_length() {
        let bytes = [0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 1];
        assert!(Frame::read(&mut &bytes[..0]).unwrap().is_none());
        for length in 1..bytes.len() {
            let read = Frame::read(&mut &bytes[..length]);
            assert!(matches!(read, Err(Bad::Frame(_))), "{length}");
        }
    }

    #[test]
    fn other_protocols_and_impossible_lengths_are_refused() {
        for header in [
            [0, 1, 0, 1, 0, 6, 1],
            [0, 1, 0, 0, 0, 0, 1],
            [0, 1, 0, 0, 0, 1, 1],
            [0, 1, 0, 0, 0, 255, 1],
            [0, 1, 0, 0, 255, 255, 1],
        ] {
            let bytes = [&header[..], &[0; 300]].concat();
            assert!(matches!(Frame::read(&mut &bytes[..]), Err(Bad::Frame(_))), "{header:?}");
        }
    }
}

//! However images are grouped and shared out, each gets the embedding that it has alone.

use std::num::NonZero;

use pairspec::clip::{ImageEncoder, relative_error};
use pairspec::frame::{Frame, Pixels};
use tempfile::TempDir;

use super::clip::{as_is, imported};

fn encoder() -> (TempDir, ImageEncoder) {
    let (folder, bundle) = imported("vision_only", &as_is());
    (folder, ImageEncoder::open(&bundle, None).unwrap())
}

#[test]
fn threads_and_batches_give_the_same_embeddings_in_order() {
    let (_place, encoder) = encoder();
    let size = encoder.tensor_len();
    let batch: Vec<f32> = (0..size * 21).map(|index| ((index * 31) % 101) as f32 / 50.0).collect();
    let alone: Vec<_> =
        batch.chunks(size).flat_map(|one| encoder.encode(one, 1).unwrap()).collect();
    for threads in 1..5 {
        let many = encoder.clone().with_threads(NonZero::new(threads).unwrap());
        for (many, alone) in many.encode(&batch, 21).unwrap().iter().zip(&alone) {
            let error = relative_error(many.values(), alone.values());
            assert!(error < 1e-5, "{threads} threads: {error}");
        }
    }
}

#[test]
fn frames_more_than_are_in_memory_at_once_come_back_in_order() {
    let (_place, encoder) = encoder();
    let frames: Vec<_> = (0..150u8)
        .map(|level| {
            let grey =
                image::GrayImage::from_fn(20, 20, |x, _| image::Luma([level * (x as u8 % 2)]));
            Frame::new(Pixels::Gray(grey), 8, "stripes").unwrap()
        })
        .collect();
    let together = encoder.encode_frames(&frames.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(together.len(), frames.len());
    for (frame, embedding) in frames.iter().zip(&together) {
        let alone = encoder.encode_frames(&[frame]).unwrap();
        let error = relative_error(embedding.values(), alone[0].values());
        assert!(error < 1e-5, "{error}");
    }
    assert_ne!(together[1], together[149]);
}

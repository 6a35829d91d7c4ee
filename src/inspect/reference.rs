use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::frame::{Frame, Rect};

/// More crops of one golden frame than this are not kept; a 4096x4096 frame has 4,096 tiles.
const MAX_KEPT: usize = 8192;

/// The frame that parts are compared with.
///
/// A golden frame stays the same for many parts, so the embeddings of its crops are kept, up to
/// a bound; those of a reference that was photographed with its part are not.
#[derive(Debug)]
pub struct Reference {
    frame: Frame,
    kept: Option<Mutex<HashMap<Rect, Vec<f32>>>>,
}

impl Reference {
    /// A reference for one part.
    pub fn once(frame: Frame) -> Self {
        Self { frame, kept: None }
    }

    /// A stored golden frame that many parts are compared with, always by the same inspector.
    pub fn golden(frame: Frame) -> Self {
        Self { frame, kept: Some(Mutex::default()) }
    }

    /// The frame.
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// The embedding of a crop, if it was kept.
    pub(super) fn kept(&self, crop: Rect) -> Option<Vec<f32>> {
        let kept = self.kept.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&crop).cloned()
    }

    /// Keeps the embedding of a crop where that makes sense and the bound allows it.
    pub(super) fn keep(&self, crop: Rect, embedding: &[f32]) {
        let Some(kept) = &self.kept else { return };
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MAX_KEPT {
            kept.insert(crop, embedding.to_vec());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::frame::Pixels;

    fn frame() -> Frame {
        Frame::new(Pixels::Gray(image::GrayImage::new(4, 4)), 8, "test").unwrap()
    }

    #[test]
    fn only_golden_frames_keep_embeddings_and_only_so_many() {
        let crop = Rect::new(0, 0, 2, 2);
        let once = Reference::once(frame());
        once.keep(crop, &[1.0]);
        assert_eq!(once.kept(crop), None);
        let golden = Reference::golden(frame());
        for x in 0..MAX_KEPT as u32 + 5 {
            golden.keep(Rect::new(x, 0, 2, 2), &[1.0]);
        }
        assert_eq!(golden.kept(crop), Some(vec![1.0]));
        assert_eq!(golden.kept(Rect::new(MAX_KEPT as u32 + 1, 0, 2, 2)), None);
    }
}

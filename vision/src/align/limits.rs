use super::motion::Similarity;
use super::patch::Reading;
use super::refine::residual;
use super::{AlignConfig, AlignMode, Error, LocalShifts};
use crate::frame::{Frame, Rect};

/// Least columns and rows of a frame that is aligned.
const LEAST_SIDE: u32 = 64;
/// Fewer blocks than this with structure do not determine a motion.
const LEAST_BLOCKS: usize = 3;

/// The limits a recipe sets for one pair, and the names its messages need.
#[derive(Clone, Copy)]
pub(super) struct Limits<'a> {
    pub(super) config: &'a AlignConfig,
    pub(super) reference: &'a Frame,
    pub(super) test: &'a Frame,
}

impl Limits<'_> {
    /// Refuses frames too small to align and sizes that no permitted motion explains.
    pub(super) fn check_sizes(&self) -> Result<(), Error> {
        let [wanted, found] = [self.reference, self.test].map(sizes);
        let config = self.config;
        let allowed = match config.mode {
            AlignMode::None => [0.0; 2],
            _ => wanted.map(|side| {
                2.0 * config.max_shift_px + side as f32 * config.max_scale_percent / 100.0
            }),
        };
        if (0..2).any(|i| wanted[i].abs_diff(found[i]) as f32 > allowed[i]) {
            return Err(Error::Sizes {
                test: self.origin(),
                test_size: found,
                reference_size: wanted,
            });
        }
        for frame in [self.reference, self.test] {
            let size = sizes(frame);
            if config.mode != AlignMode::None && size[0].min(size[1]) < LEAST_SIDE {
                let origin = frame.origin().to_owned();
                return Err(Error::TooSmall { origin, size, limit: LEAST_SIDE });
            }
        }
        Ok(())
    }

    /// Refuses a reference with too little structure, and a test frame with too little where the
    /// reference has it.
    pub(super) fn check_structure(&self, readings: &[Reading]) -> Result<(), Error> {
        let found = readings.iter().filter(|reading| !reading.blank).count();
        if found >= LEAST_BLOCKS {
            return Ok(());
        }
        let blank = if readings.len() < LEAST_BLOCKS { self.reference } else { self.test };
        Err(self.no_structure(blank, found))
    }

    pub(super) fn no_structure(&self, blank: &Frame, found: usize) -> Error {
        Error::NoTexture { origin: blank.origin().to_owned(), found, limit: LEAST_BLOCKS }
    }

    pub(super) fn check_residual(&self, readings: &[Reading]) -> Result<f32, Error> {
        let (residual, limit) = (residual(readings) as f32, self.config.max_residual);
        if residual <= limit {
            return Ok(residual);
        }
        Err(Error::NotAligned { test: self.origin(), residual, limit })
    }

    pub(super) fn check_motion(&self, found: &Similarity) -> Result<(), Error> {
        let config = self.config;
        let shift = found.shift[0].hypot(found.shift[1]) as f32;
        let turn = found.rotation_deg().abs() as f32;
        let growth = 100.0 * (found.scale() as f32 - 1.0).abs();
        self.check("shift", [shift, config.max_shift_px], "px")?;
        self.check("rotation", [turn, config.max_rotation_deg], "degrees")?;
        self.check("change of size", [growth, config.max_scale_percent], "%")
    }

    pub(super) fn check_local(&self, field: &LocalShifts) -> Result<(), Error> {
        self.check("local shift", [field.max_px(), self.config.max_local_px], "px")
    }

    pub(super) fn check_overlap(&self, overlap: Rect) -> Result<(), Error> {
        let found = 100.0 * overlap.area() as f32 / self.reference.bounds().area() as f32;
        let limit = self.config.min_overlap_percent;
        if found >= limit && !overlap.is_empty() {
            return Ok(());
        }
        Err(Error::Overlap { test: self.origin(), found, limit })
    }

    fn check(
        &self,
        quantity: &'static str,
        [found, limit]: [f32; 2],
        unit: &'static str,
    ) -> Result<(), Error> {
        if found <= limit {
            return Ok(());
        }
        Err(Error::Beyond { test: self.origin(), quantity, found, limit, unit })
    }

    fn origin(&self) -> String {
        self.test.origin().to_owned()
    }
}

/// Columns and rows.
pub(super) fn sizes(frame: &Frame) -> [u32; 2] {
    [frame.width(), frame.height()]
}

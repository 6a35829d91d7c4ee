use image::imageops::{self, FilterType};
use image::{DynamicImage, GrayImage, RgbImage};
use pairspec::align::{self, AlignConfig};
use pairspec::calibrate::RegionLabel;
use pairspec::frame::{Frame, Pixels, Rect};
use pairspec::manifest::LabelledBox;
use pairspec::region::{self, RegionConfig};

use super::pool::CropPair;

/// Part of a crop's side kept around it, so that it can be moved when it is drawn again.
const MARGIN: u32 = 8;

/// Pixels kept around a crop of `side` on every side.
pub fn margin_px(side: u32) -> u32 {
    side / MARGIN
}

/// Cuts pairs of frames into pairs of crops.
#[derive(Debug, Clone)]
pub struct Cutter {
    /// Registration, as in a recipe.
    pub align: AlignConfig,
    /// Where to look, as in a recipe.
    pub region: RegionConfig,
    /// Side of what the model sees, pixels.
    pub side: u32,
    /// Whether crops keep their colours.
    pub is_colour: bool,
}

impl Cutter {
    /// A cutter with a recipe's defaults, for a model that sees `side` pixels.
    pub fn new(side: u32, is_colour: bool) -> Self {
        let (align, region) = (AlignConfig::default(), RegionConfig::default());
        Self { align, region, side, is_colour }
    }

    /// Side of a stored crop with its margins, pixels.
    pub fn stored_side(&self) -> u32 {
        self.side + 2 * margin_px(self.side)
    }

    /// The crops of one pair; those that are neither fault nor conforming are left out.
    ///
    /// # Errors
    /// What would have kept inspection from judging the pair.
    pub fn cut(
        &self,
        [reference, test]: [&Frame; 2],
        boxes: &[LabelledBox],
    ) -> Result<Vec<CropPair>, String> {
        let aligned =
            align::align(reference, test, &self.align).map_err(|error| error.to_string())?;
        let found = region::regions(reference, &aligned.test, aligned.overlap, &self.region)
            .map_err(|error| error.to_string())?;
        let frames = [reference.to_rgb(), aligned.test.to_rgb()];
        let crops = found.regions.iter().filter_map(|region| {
            let class = match RegionLabel::of(&region.tight, boxes) {
                RegionLabel::Fault(labelled) => Some(labelled.class.clone()),
                RegionLabel::Conforming => None,
                RegionLabel::Unclear => return None,
            };
            let pixels = [0, 1].map(|which| self.crop(&frames[which], region.crop));
            let centre = place(region.tight.centre(), region.crop);
            Some(CropPair { pixels, class, centre, group: 0 })
        });
        Ok(crops.collect())
    }

    /// One frame's crop with its margins, `stored_side` square, one or three bytes a pixel.
    fn crop(&self, frame: &RgbImage, rect: Rect) -> Vec<u8> {
        let longer = rect.width.max(rect.height);
        let margin = longer / MARGIN;
        let side = longer + 2 * margin;
        let from = |start: u32, length: u32| {
            i64::from(start) - i64::from(margin) - i64::from((longer - length) / 2)
        };
        let (left, top) = (from(rect.x, rect.width), from(rect.y, rect.height));
        let (right, bottom) = (i64::from(frame.width()) - 1, i64::from(frame.height()) - 1);
        let square = RgbImage::from_fn(side, side, |x, y| {
            let x = (left + i64::from(x)).clamp(0, right) as u32;
            let y = (top + i64::from(y)).clamp(0, bottom) as u32;
            *frame.get_pixel(x, y)
        });
        let stored = self.stored_side();
        let square = if side == stored {
            square
        } else {
            imageops::resize(&square, stored, stored, FilterType::CatmullRom)
        };
        if self.is_colour {
            square.into_raw()
        } else {
            DynamicImage::ImageRgb8(square).into_luma8().into_raw()
        }
    }
}

/// One frame of a stored crop of `stored` pixels without its margins; none if it is too short.
pub fn frame(crop: &CropPair, which: usize, (stored, channels): (u32, usize)) -> Option<Frame> {
    // The margin is an eighth of the side on both sides: `stored` is ten eighths of it.
    let side = stored * 4 / 5;
    let (margin, stored) = (margin_px(side) as usize, stored as usize);
    let mut pixels = Vec::with_capacity((side * side) as usize * channels);
    for y in 0..side as usize {
        let start = ((y + margin) * stored + margin) * channels;
        pixels.extend(crop.pixels[which].get(start..start + side as usize * channels)?);
    }
    let pixels = match channels {
        1 => GrayImage::from_raw(side, side, pixels).map(Pixels::Gray),
        _ => RgbImage::from_raw(side, side, pixels).map(Pixels::Rgb),
    };
    Frame::new(pixels?, 8, "crop").ok()
}

/// Where a point lies in a crop, each coordinate 0 to 1.
fn place((x, y): (f32, f32), crop: Rect) -> [f32; 2] {
    [(x - crop.x as f32) / crop.width as f32, (y - crop.y as f32) / crop.height as f32]
        .map(|share| share.clamp(0.0, 1.0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::synth::{Config, Renderer};

    #[test]
    fn faults_of_a_rendered_board_become_crops_with_their_class() {
        let config = Config { size: 320, conforming_share: 0.0, ..Config::default() };
        let renderer = Renderer::new(5, config).unwrap();
        let cutter = Cutter::new(64, false);
        let (mut boxes, mut faults) = (0, 0);
        for index in 0..6 {
            let pair = renderer.pair(index);
            let crops = cutter.cut([&pair.reference, &pair.test], &pair.boxes).unwrap();
            boxes += pair.boxes.len();
            faults += crops.iter().filter(|crop| crop.class.is_some()).count();
            assert!(crops.iter().all(|crop| crop.pixels.iter().all(|side| side.len() == 80 * 80)));
            for crop in crops.iter().filter(|crop| crop.class.is_some()) {
                assert_ne!(crop.pixels[0], crop.pixels[1]);
            }
        }
        assert!(faults * 10 >= boxes * 9, "{faults} crops of {boxes} faults");
    }
}

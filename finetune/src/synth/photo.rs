use image::{GrayImage, RgbImage};
use pairspec::frame::Pixels;

use super::Style;
use super::raster::{BAND, DepthField, SmoothField};
use crate::dice::Dice;

/// Red, green, blue; 0 to 255, not rounded.
pub(crate) type Colour = [f32; 3];

/// Independent noise values kept; rows start at random places among them.
const GRAIN: usize = 1 << 14;

/// One material on top of what lies below.
#[derive(Debug)]
pub(crate) struct Layer<'a> {
    /// Where it is.
    pub(crate) contours: &'a DepthField,
    /// What it looks like.
    pub(crate) colour: Colour,
}

/// What lies in front of a camera: a ground, and layers from bottom to top.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    /// Where no layer is.
    pub(crate) ground: Colour,
    /// From bottom to top.
    pub(crate) layers: Vec<Layer<'a>>,
    /// Uneven brightness of the product itself, levels; the same in both frames.
    pub(crate) texture: &'a SmoothField,
}

/// Light, optics and sensor of one exposure.
#[derive(Debug, Clone)]
pub(crate) struct Photo {
    gain: Colour,
    slope: (f32, f32),
    shade: SmoothField,
    softness: f32,
    grain: Vec<f32>,
}

impl Photo {
    /// Conditions within those of one line, in proportion to `strength`.
    pub(crate) fn random(dice: &mut Dice, size: usize, strength: f32) -> Self {
        let common = dice.normal(0.07);
        let gain = [(); 3].map(|()| 1.0 + strength * (common + dice.normal(0.015)));
        let noise = strength * dice.log_between(1.0, 7.0);
        Self {
            gain,
            slope: (strength * dice.normal(0.05), strength * dice.normal(0.05)),
            shade: SmoothField::new(dice, size, 220.0, strength * 0.02),
            softness: 0.6 + strength * dice.between(0.0, 1.0),
            grain: (0..GRAIN).map(|_| dice.normal(noise)).collect(),
        }
    }

    /// Takes the picture; binary pictures are thresholded half-way between black and white.
    pub(crate) fn take(&self, dice: &mut Dice, subject: &Subject<'_>, style: Style) -> Pixels {
        let size = subject.texture_size();
        let (width, height) = size;
        let mut out =
            Vec::with_capacity(width * height * if style == Style::Colour { 3 } else { 1 });
        for y in 0..height {
            let mut grain = dice.below(GRAIN);
            for x in 0..width {
                let colour = subject.colour(x, y, self.softness);
                let (px, py) = (x as f32, y as f32);
                let light = 1.0
                    + self.slope.0 * (px / width as f32 - 0.5)
                    + self.slope.1 * (py / height as f32 - 0.5)
                    + self.shade.at(px, py);
                let texture = subject.texture.at(px, py);
                let value = |channel: usize, noise: f32| {
                    (colour[channel] + texture) * self.gain[channel] * light + noise
                };
                grain = (grain + 1) % GRAIN;
                let noise = self.grain[grain];
                match style {
                    Style::Colour => {
                        let other = self.grain[(grain + GRAIN / 2) % GRAIN];
                        let noises = [noise, other, (noise + other) * -0.7];
                        out.extend((0..3).map(|channel| level(value(channel, noises[channel]))));
                    }
                    Style::Grey => {
                        out.push(level(luma(&[0, 1, 2].map(|channel| value(channel, noise)))))
                    }
                    Style::Binary => {
                        let bright = luma(&[0, 1, 2].map(|channel| value(channel, noise))) > 127.5;
                        out.push(if bright { 255 } else { 0 });
                    }
                }
            }
        }
        pixels(out, size, style)
    }
}

impl Subject<'_> {
    fn texture_size(&self) -> (usize, usize) {
        self.layers
            .first()
            .map_or((1, 1), |layer| (layer.contours.width(), layer.contours.height()))
    }

    fn colour(&self, x: usize, y: usize, softness: f32) -> Colour {
        let mut colour = self.ground;
        for layer in &self.layers {
            let depth = layer.contours.values()[y * layer.contours.width() + x];
            if depth <= -BAND {
                continue;
            }
            let cover = coverage(depth, softness);
            for (under, over) in colour.iter_mut().zip(layer.colour) {
                *under += (over - *under) * cover;
            }
        }
        colour
    }
}

/// How much of a pixel a contour seen through optics covers: 0 to 1, smoothly.
fn coverage(depth: f32, softness: f32) -> f32 {
    let part = (0.5 + depth / (2.0 * softness)).clamp(0.0, 1.0);
    part * part * (3.0 - 2.0 * part)
}

/// ITU-R BT.601.
fn luma(colour: &Colour) -> f32 {
    0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
}

fn level(value: f32) -> u8 {
    // Saturates, as a sensor does.
    (value + 0.5) as u8
}

/// Packs values row by row; `out` holds as many as the size and style ask for.
pub(crate) fn pixels(out: Vec<u8>, (width, height): (usize, usize), style: Style) -> Pixels {
    let (width, height) = (width as u32, height as u32);
    match style {
        Style::Colour => Pixels::Rgb(
            RgbImage::from_raw(width, height, out).expect("three values were made for each pixel"),
        ),
        Style::Grey | Style::Binary => Pixels::Gray(
            GrayImage::from_raw(width, height, out).expect("one value was made for each pixel"),
        ),
    }
}

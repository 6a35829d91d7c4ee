use image::{GrayImage, RgbImage};

use crate::frame::{Frame, Pixels};

/// A rendered part for tests: shapes with known outlines under a known light.
#[derive(Clone)]
pub(super) struct Scene {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Grey level of the ground.
    pub(super) ground: f32,
    pub(super) strokes: Vec<Stroke>,
    /// How all shapes are displaced, in pixels.
    pub(super) offset: (f32, f32),
    /// Width of the edges, in pixels; 1 is sharp.
    pub(super) blur: f32,
    /// Light at the left edge and what is lost to the right edge, as factors.
    pub(super) light: (f32, f32),
    /// Deviation of the noise in grey levels, and its seed.
    pub(super) noise: (f32, u32),
}

/// A thick line with round ends; a disc where both ends are one point.
#[derive(Clone, Copy)]
pub(super) struct Stroke {
    pub(super) from: (f32, f32),
    pub(super) to: (f32, f32),
    pub(super) width: f32,
    pub(super) level: f32,
}

impl Stroke {
    pub(super) fn new(from: (f32, f32), to: (f32, f32), width: f32, level: f32) -> Self {
        Self { from, to, width, level }
    }

    pub(super) fn disc(centre: (f32, f32), diameter: f32, level: f32) -> Self {
        Self::new(centre, centre, diameter, level)
    }

    /// Distance from the outline, negative inside.
    fn distance(&self, (x, y): (f32, f32)) -> f32 {
        let (along_x, along_y) = (self.to.0 - self.from.0, self.to.1 - self.from.1);
        let (x, y) = (x - self.from.0, y - self.from.1);
        let length = along_x * along_x + along_y * along_y;
        let along = if length > 0.0 { (x * along_x + y * along_y) / length } else { 0.0 };
        let along = along.clamp(0.0, 1.0);
        (x - along * along_x).hypot(y - along * along_y) - self.width / 2.0
    }
}

impl Scene {
    /// Traces, pads and print on a dark ground, as on a board.
    pub(super) fn board(width: u32, height: u32) -> Self {
        let mut strokes = Vec::new();
        for index in 0..height / 40 {
            let y = 20.3 + 40.0 * index as f32;
            let bend = width as f32 * 0.4;
            let right = width as f32 + 20.0;
            strokes.push(Stroke::new((-20.0, y), (bend, y), 7.0, 190.0));
            strokes.push(Stroke::new((bend, y), (bend + 30.0, y + 14.7), 7.0, 190.0));
            strokes.push(Stroke::new((bend + 30.0, y + 14.7), (right, y + 14.7), 7.0, 190.0));
            strokes.push(Stroke::disc((0.2 * width as f32, y), 21.0, 205.0));
            strokes.push(Stroke::disc((0.2 * width as f32, y), 9.0, 30.0));
        }
        let (ground, offset, light, noise) = (70.0, (0.0, 0.0), (1.0, 0.0), (0.0, 0));
        Self { width, height, ground, strokes, offset, blur: 1.0, light, noise }
    }

    pub(super) fn with(mut self, stroke: Stroke) -> Self {
        self.strokes.push(stroke);
        self
    }

    pub(super) fn gray(&self) -> Frame {
        let level = |x: u32, y: u32| image::Luma([self.level(x, y).clamp(0.0, 255.0) as u8]);
        let image = GrayImage::from_fn(self.width, self.height, level);
        Frame::new(Pixels::Gray(image), 8, "scene").expect("a scene has pixels")
    }

    /// The same on a green board: `tint` scales red, green and blue.
    pub(super) fn rgb(&self, tint: [f32; 3]) -> Frame {
        let pixel = |x: u32, y: u32| {
            let level = self.level(x, y);
            image::Rgb(tint.map(|tint| (tint * level).clamp(0.0, 255.0) as u8))
        };
        let image = RgbImage::from_fn(self.width, self.height, pixel);
        Frame::new(Pixels::Rgb(image), 8, "scene").expect("a scene has pixels")
    }

    fn level(&self, x: u32, y: u32) -> f32 {
        let place = (x as f32 + 0.5 - self.offset.0, y as f32 + 0.5 - self.offset.1);
        let mut level = self.ground;
        for stroke in &self.strokes {
            let covered = (0.5 - stroke.distance(place) / self.blur).clamp(0.0, 1.0);
            level += (stroke.level - level) * covered;
        }
        let light = self.light.0 - self.light.1 * x as f32 / self.width as f32;
        level * light + self.noise.0 * normal(y * self.width + x, self.noise.1)
    }
}

/// Nearly normal, deviation 1: the sum of twelve uniform values, each from a mixed counter.
fn normal(place: u32, seed: u32) -> f32 {
    let uniform = |index: u32| {
        let mut state = (place * 12 + index) ^ seed.wrapping_mul(0x9e37_79b9);
        for _ in 0..2 {
            state = (state ^ (state >> 16)).wrapping_mul(0x45d9_f3b5);
        }
        (state ^ (state >> 16)) as f32 / 4_294_967_296.0
    };
    (0..12).map(uniform).sum::<f32>() - 6.0
}

//! Boards rendered for the tests: shapes with analytic edges, so that sub-pixel truth is known.

use image::{GrayImage, RgbImage};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use rand_distr::{Distribution, Normal};

use super::motion::Similarity;
use crate::frame::{Frame, Pixels};

/// Shapes are found by the cells of this many pixels they touch.
const CELL: f64 = 64.0;
/// Brightness of the bare board.
const BOARD: f64 = 60.0;

/// A board: shapes over a mottled ground, brighter the later they were drawn.
pub(super) struct Scene {
    size: [f64; 2],
    shapes: Vec<Shape>,
    /// Amplitude of the mottled ground in grey levels.
    ground: f64,
    columns: usize,
    cells: Vec<Vec<usize>>,
}

#[derive(Clone, Copy)]
enum Outline {
    /// Centre and radius.
    Disc([f64; 2], f64),
    /// Two ends and half the width.
    Trace([f64; 2], [f64; 2], f64),
    /// Centre and half the sides.
    Pad([f64; 2], [f64; 2]),
}

#[derive(Clone, Copy)]
struct Shape {
    outline: Outline,
    level: f64,
}

/// How a photo of a scene is taken.
#[derive(Clone, Copy)]
pub(super) struct Photo {
    pub(super) gain: f64,
    pub(super) offset: f64,
    /// Change of brightness from left to right, as a part of it.
    pub(super) gradient: f64,
    /// Standard deviation in grey levels.
    pub(super) noise: f64,
    /// Width in pixels over which an edge rises.
    pub(super) blur: f64,
    pub(super) seed: u64,
}

pub(super) const PLAIN: Photo =
    Photo { gain: 1.0, offset: 0.0, gradient: 0.0, noise: 0.0, blur: 1.5, seed: 0 };

impl Scene {
    /// A random board with traces, pads and vias, about as dense as a real one.
    pub(super) fn board(size: [usize; 2], seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut scene = Self::empty(size);
        let [width, height] = scene.size;
        let count = (width * height / 1500.0) as usize + 12;
        for _ in 0..count {
            let at = [
                random.random_range(-20.0..width + 20.0),
                random.random_range(-20.0..height + 20.0),
            ];
            let level = random.random_range(110.0..210.0);
            let outline = match random.random_range(0..4) {
                0 => Outline::Disc(at, random.random_range(3.0..12.0)),
                1 => {
                    let half = [random.random_range(3.0..14.0), random.random_range(3.0..14.0)];
                    Outline::Pad(at, half)
                }
                _ => {
                    let angle = f64::from(random.random_range(0..8)) * std::f64::consts::FRAC_PI_4;
                    let length = random.random_range(20.0..120.0);
                    let end = [at[0] + length * angle.cos(), at[1] + length * angle.sin()];
                    Outline::Trace(at, end, random.random_range(1.5..5.0))
                }
            };
            scene.add(outline, level);
        }
        scene
    }

    /// A few traces at the lower edge, and else nothing.
    pub(super) fn bare(size: [usize; 2], seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut scene = Self::empty(size);
        for _ in 0..4 {
            let x = random.random_range(0.3..0.7) * scene.size[0];
            let y = scene.size[1] - 60.0;
            scene.add(Outline::Trace([x, y], [x + 20.0, y + 80.0], 3.0), 180.0);
        }
        scene.ground = 0.0;
        scene
    }

    /// Upright stripes all over, at uneven distances, so that only a shift along them is open.
    pub(super) fn stripes(size: [usize; 2], pitch: f64) -> Self {
        let mut scene = Self::empty(size);
        scene.ground = 0.0;
        let count = (size[0] as f64 / pitch) as i32 + 4;
        for i in -4..count {
            let x = f64::from(i) * pitch + 6.0 * f64::from(i * i % 5);
            let ends = [[x, -200.0], [x, scene.size[1] + 200.0]];
            scene.add(Outline::Trace(ends[0], ends[1], 6.0), 170.0);
        }
        scene
    }

    /// Round pads at a fixed pitch all over, and nothing else.
    pub(super) fn pads(size: [usize; 2], pitch: f64) -> Self {
        let mut scene = Self::empty(size);
        scene.ground = 0.0;
        let count = |side: f64| (side / pitch) as i64 + 8;
        for row in -8..count(scene.size[1]) {
            for column in -8..count(scene.size[0]) {
                let at = [column as f64 * pitch, row as f64 * pitch];
                scene.add(Outline::Disc(at, pitch * 0.3), 180.0);
            }
        }
        scene
    }

    /// A square that occurs once.
    pub(super) fn with_mark(mut self, at: [f64; 2], half: f64) -> Self {
        self.add(Outline::Pad(at, [half, half]), 230.0);
        self
    }

    /// Squares of bare board and of copper until `part` of the frame is covered.
    pub(super) fn with_faults(mut self, part: f64, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let [width, height] = self.size;
        let mut covered = 0.0;
        while covered < part * width * height {
            let half = [random.random_range(5.0..30.0), random.random_range(5.0..30.0)];
            let at = [random.random_range(0.0..width), random.random_range(0.0..height)];
            let level = if random.random() { BOARD } else { 200.0 };
            self.add(Outline::Pad(at, half), level);
            covered += 4.0 * half[0] * half[1];
        }
        self
    }

    /// A photo under which the point `p` of the scene appears at `motion.apply(p)`.
    pub(super) fn photo(&self, motion: &Similarity, photo: Photo) -> GrayImage {
        let square = motion.a * motion.a + motion.b * motion.b;
        let origin = motion.apply([0.0, 0.0]);
        self.photo_by(photo, |[u, v]| {
            let (x, y) = (u - origin[0], v - origin[1]);
            [(motion.a * x + motion.b * y) / square, (motion.a * y - motion.b * x) / square]
        })
    }

    /// A photo in which pixel `q` shows the point `scene_point(q)`.
    pub(super) fn photo_by(
        &self,
        photo: Photo,
        scene_point: impl Fn([f64; 2]) -> [f64; 2],
    ) -> GrayImage {
        let mut random = ChaCha8Rng::seed_from_u64(photo.seed);
        let noise = Normal::new(0.0, photo.noise).unwrap();
        GrayImage::from_fn(self.size[0] as u32, self.size[1] as u32, |x, y| {
            let q = [f64::from(x), f64::from(y)];
            let light = 1.0 + photo.gradient * (q[0] / self.size[0] - 0.5);
            let mut value = photo.gain * light * self.level(scene_point(q), photo.blur);
            if photo.noise > 0.0 {
                value += noise.sample(&mut random);
            }
            image::Luma([(value + photo.offset).round().clamp(0.0, 255.0) as u8])
        })
    }

    fn empty(size: [usize; 2]) -> Self {
        let size = size.map(|side| side as f64);
        let [columns, rows] = size.map(|side| (side / CELL).ceil() as usize + 4);
        Self {
            size,
            ground: 3.0,
            shapes: Vec::new(),
            columns,
            cells: vec![Vec::new(); columns * rows],
        }
    }

    fn add(&mut self, outline: Outline, level: f64) {
        let ([x0, y0], [x1, y1]) = outline.bounds();
        let rows = self.cells.len() / self.columns;
        let cell =
            |value: f64, count: usize| (value / CELL + 2.0).clamp(0.0, count as f64 - 1.0) as usize;
        for row in cell(y0 - 4.0, rows)..=cell(y1 + 4.0, rows) {
            for column in cell(x0 - 4.0, self.columns)..=cell(x1 + 4.0, self.columns) {
                self.cells[row * self.columns + column].push(self.shapes.len());
            }
        }
        self.shapes.push(Shape { outline, level });
    }

    fn level(&self, [x, y]: [f64; 2], blur: f64) -> f64 {
        let ground = (x * 0.31).sin() * (y * 0.23).cos() + (x * 0.043 + y * 0.057).sin();
        let mut level = BOARD + self.ground * ground;
        let rows = self.cells.len() / self.columns;
        let column = ((x / CELL + 2.0).max(0.0) as usize).min(self.columns - 1);
        let row = ((y / CELL + 2.0).max(0.0) as usize).min(rows - 1);
        for shape in &self.cells[row * self.columns + column] {
            let shape = self.shapes[*shape];
            let cover = (0.5 - shape.outline.distance([x, y]) / blur).clamp(0.0, 1.0);
            level += cover * (shape.level - level);
        }
        level
    }
}

impl Outline {
    fn bounds(&self) -> ([f64; 2], [f64; 2]) {
        match *self {
            Self::Disc([x, y], r) => ([x - r, y - r], [x + r, y + r]),
            Self::Pad([x, y], [w, h]) => ([x - w, y - h], [x + w, y + h]),
            Self::Trace(p, q, r) => {
                ([p[0].min(q[0]) - r, p[1].min(q[1]) - r], [p[0].max(q[0]) + r, p[1].max(q[1]) + r])
            }
        }
    }

    /// Signed distance to the outline, negative inside.
    fn distance(&self, [x, y]: [f64; 2]) -> f64 {
        match *self {
            Self::Disc([cx, cy], r) => (x - cx).hypot(y - cy) - r,
            Self::Pad([cx, cy], [w, h]) => {
                let (dx, dy) = ((x - cx).abs() - w, (y - cy).abs() - h);
                dx.max(0.0).hypot(dy.max(0.0)) + dx.max(dy).min(0.0)
            }
            Self::Trace(p, q, r) => {
                let (ex, ey) = (q[0] - p[0], q[1] - p[1]);
                let (px, py) = (x - p[0], y - p[1]);
                let t = ((px * ex + py * ey) / (ex * ex + ey * ey)).clamp(0.0, 1.0);
                (px - t * ex).hypot(py - t * ey) - r
            }
        }
    }
}

/// A grey frame of 8 bits.
pub(super) fn grey(image: GrayImage) -> Frame {
    Frame::new(Pixels::Gray(image), 8, "scene").unwrap()
}

/// A colour frame: copper-tinted.
pub(super) fn colour(image: &GrayImage) -> Frame {
    let tint = RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let level = u16::from(image.get_pixel(x, y).0[0]);
        image::Rgb([level as u8, (level * 4 / 5) as u8, (level / 2) as u8])
    });
    Frame::new(Pixels::Rgb(tint), 8, "scene").unwrap()
}

/// A motion about the centre of a frame.
pub(super) fn motion(size: [usize; 2], shift: [f64; 2], degrees: f64, percent: f64) -> Similarity {
    let (sine, cosine) = degrees.to_radians().sin_cos();
    let scale = 1.0 + percent / 100.0;
    Similarity { shift, a: scale * cosine, b: scale * sine, ..Similarity::identity(size) }
}

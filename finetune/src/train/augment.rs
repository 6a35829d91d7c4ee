use serde::{Deserialize, Serialize};

use crate::crops::{CropPair, margin_px};
use crate::dice::Dice;

/// Farthest a crop moves when it is drawn, in 64ths of its side; the rest of the margin is for
/// `shifted`.
const JITTER: usize = 3;
/// Farthest that an allowed shift goes beyond that, in 64ths of the side.
const SHIFT: usize = 4;

/// How a product may be turned and mirrored and still be that product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Symmetry {
    /// Quarter turns and mirror images: etched boards.
    All,
    /// Quarter turns: round parts with a direction.
    Turns,
    /// Only as it is: print.
    None,
}

/// Differences that are no fault and can be made from any crop, by the keys of their meanings.
pub(super) const ALLOWED: [&str; 9] = [
    "brighter",
    "darker",
    "more-contrast",
    "less-contrast",
    "gradient",
    "shifted",
    "blurred",
    "sharper",
    "noisier",
];

/// What a crop goes through.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    /// Side of the stored crops and of the view, pixels.
    pub(super) sides: [usize; 2],
    /// Bytes a stored pixel.
    pub(super) channels: usize,
    pub(super) symmetry: Symmetry,
    /// One of [`ALLOWED`], done to the test frame.
    pub(super) allowed: Option<&'a str>,
}

impl View<'_> {
    /// Reference and test as planes `[3, side, side]` from -1 to 1, turned and moved together; and
    /// where the middle of the difference went, 0 to 1.
    pub(super) fn draw(&self, crop: &CropPair, dice: &mut Dice) -> ([Vec<f32>; 2], [f32; 2]) {
        let turn = Turn::any(self.symmetry, dice);
        let pixels = |share: usize| (share * self.sides[1]).div_ceil(64);
        let farthest = pixels(JITTER);
        let jitter = [0, 1].map(|_| dice.whole(0, 2 * farthest) as i32 - farthest as i32);
        let mut other = jitter;
        if self.allowed == Some("shifted") {
            let far = |dice: &mut Dice| dice.whole(1, pixels(SHIFT)) as i32 * dice.sign() as i32;
            let axis = dice.below(2);
            other[axis] += far(dice);
        }
        let mut views = [0, 1].map(|which| {
            let offset = if which == 0 { jitter } else { other };
            self.cut(&crop.pixels[which], offset, turn)
        });
        if let Some(key) = self.allowed {
            change(&mut views, key, self.sides[1], dice);
        }
        let middle = turn.point(std::array::from_fn(|axis| {
            crop.centre[axis] - jitter[axis] as f32 / self.sides[1] as f32
        }));
        (views, middle)
    }

    /// Reference and test as they are, in the middle of their margins.
    pub(super) fn centred(&self, crop: &CropPair) -> [Vec<f32>; 2] {
        let upright = Turn { transposes: false, flips: [false; 2] };
        [0, 1].map(|which| self.cut(&crop.pixels[which], [0, 0], upright))
    }

    fn cut(&self, stored: &[u8], offset: [i32; 2], turn: Turn) -> Vec<f32> {
        let [from, side] = self.sides;
        let margin = margin_px(side as u32) as i32;
        let start = offset.map(|offset| (margin + offset).clamp(0, 2 * margin) as usize);
        let mut planes = vec![0.0; 3 * side * side];
        for (channel, plane) in planes.chunks_exact_mut(side * side).enumerate() {
            let channel = channel.min(self.channels - 1);
            for (i, out) in plane.iter_mut().enumerate() {
                let [x, y] = turn.source([i % side, i / side], side);
                let at = ((start[1] + y) * from + start[0] + x) * self.channels + channel;
                *out = f32::from(stored[at]) / 127.5 - 1.0;
            }
        }
        planes
    }
}

/// One of the eight symmetries of a square.
#[derive(Debug, Clone, Copy)]
struct Turn {
    transposes: bool,
    flips: [bool; 2],
}

impl Turn {
    fn any(symmetry: Symmetry, dice: &mut Dice) -> Self {
        let mut coin = || dice.chance(0.5);
        match symmetry {
            Symmetry::All => Self { transposes: coin(), flips: [coin(), coin()] },
            // A quarter turn is a transposition and one flip.
            Symmetry::Turns => {
                let (transposes, first) = (coin(), coin());
                Self { transposes, flips: [first, first != transposes] }
            }
            Symmetry::None => Self { transposes: false, flips: [false; 2] },
        }
    }

    /// Where the pixel at `[x, y]` of the view comes from.
    fn source(self, [x, y]: [usize; 2], side: usize) -> [usize; 2] {
        let flip = |at: usize, flips: bool| if flips { side - 1 - at } else { at };
        let [x, y] = [flip(x, self.flips[0]), flip(y, self.flips[1])];
        if self.transposes { [y, x] } else { [x, y] }
    }

    /// Where a point of the stored crop is seen.
    fn point(self, [x, y]: [f32; 2]) -> [f32; 2] {
        let [x, y] = if self.transposes { [y, x] } else { [x, y] };
        let flip = |at: f32, flips: bool| (if flips { 1.0 - at } else { at }).clamp(0.0, 1.0);
        [flip(x, self.flips[0]), flip(y, self.flips[1])]
    }
}

/// Does an allowed change to the test frame; what makes it sharper blurs the reference.
fn change(views: &mut [Vec<f32>; 2], key: &str, side: usize, dice: &mut Dice) {
    let [reference, test] = views;
    let scale = |view: &mut [f32], gain: f32, offset: f32| {
        view.iter_mut().for_each(|x| *x = (*x * gain + offset).clamp(-1.0, 1.0));
    };
    match key {
        "brighter" => scale(test, dice.between(1.0, 1.15), dice.between(0.15, 0.5)),
        "darker" => scale(test, dice.between(0.85, 1.0), -dice.between(0.15, 0.5)),
        "more-contrast" => scale(test, dice.between(1.3, 2.0), 0.0),
        "less-contrast" => scale(test, dice.between(0.5, 0.75), 0.0),
        "gradient" => gradient(test, side, dice),
        "blurred" => blur(test, side, dice.whole(1, 3)),
        "sharper" => blur(reference, side, dice.whole(1, 3)),
        "noisier" => {
            let deviation = dice.between(0.08, 0.25);
            let plane = side * side;
            for i in 0..plane {
                let noise = dice.normal(deviation);
                for channel in 0..3 {
                    let x = &mut test[channel * plane + i];
                    *x = (*x + noise).clamp(-1.0, 1.0);
                }
            }
        }
        _ => {}
    }
}

/// Brightness that falls from one side to the other.
fn gradient(view: &mut [f32], side: usize, dice: &mut Dice) {
    let angle = dice.between(0.0, std::f32::consts::TAU);
    let strength = dice.between(0.2, 0.5);
    let (along, across) = (angle.cos() * strength, angle.sin() * strength);
    let share = |at: usize| 2.0 * at as f32 / side as f32 - 1.0;
    for plane in view.chunks_exact_mut(side * side) {
        for (i, x) in plane.iter_mut().enumerate() {
            let light = along * share(i % side) + across * share(i / side);
            *x = (*x + light).clamp(-1.0, 1.0);
        }
    }
}

/// The binomial `[1 2 1] / 4` both ways, so many times; edges repeat.
fn blur(view: &mut [f32], side: usize, times: usize) {
    for plane in view.chunks_exact_mut(side * side) {
        for _ in 0..times {
            for (stride, step) in [(1, side), (side, 1)] {
                for line in 0..side {
                    smooth(plane, (line * step, stride, side));
                }
            }
        }
    }
}

fn smooth(plane: &mut [f32], (start, stride, count): (usize, usize, usize)) {
    let mut before = plane[start];
    for i in 0..count {
        let here = plane[start + i * stride];
        let after = plane[start + (i + 1).min(count - 1) * stride];
        plane[start + i * stride] = (before + 2.0 * here + after) / 4.0;
        before = here;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stored crop whose test frame has one bright pixel.
    fn crop(at: [usize; 2]) -> CropPair {
        let mut pixels = [vec![100; 80 * 80], vec![100; 80 * 80]];
        pixels[1][(at[1] + 8) * 80 + at[0] + 8] = 255;
        let centre = at.map(|x| (x as f32 + 0.5) / 64.0);
        CropPair { pixels, class: None, centre, group: 0 }
    }

    fn view(symmetry: Symmetry, allowed: Option<&str>) -> View<'_> {
        View { sides: [80, 64], channels: 1, symmetry, allowed }
    }

    #[test]
    fn the_point_follows_the_pixel_through_every_turn() {
        for symmetry in [Symmetry::All, Symmetry::Turns, Symmetry::None] {
            for seed in 0..40 {
                let mut dice = Dice::new(seed, 0);
                let (views, [x, y]) = view(symmetry, None).draw(&crop([20, 41]), &mut dice);
                let bright = views[1][..64 * 64].iter().position(|x| *x > 0.9).unwrap_or(0);
                assert_eq!([(x * 64.0) as usize, (y * 64.0) as usize], [bright % 64, bright / 64]);
            }
        }
    }

    #[test]
    fn every_allowed_change_makes_the_frames_differ_and_stays_in_range() {
        for key in ALLOWED {
            let mut dice = Dice::new(3, 1);
            let ([reference, test], _) =
                view(Symmetry::All, Some(key)).draw(&crop([9, 9]), &mut dice);
            assert_ne!(reference, test, "{key}");
            let all = reference.iter().chain(&test);
            assert!(all.into_iter().all(|x| (-1.0..=1.0).contains(x)), "{key}");
            assert!(crate::describe::find(key).is_some(), "{key}");
        }
    }
}

//! Registration of rendered pairs, whose motion is known, and of real ones.

mod accuracy;
mod periodic;
mod pixels;
mod real;
mod refusals;

use super::motion::{Motion, Similarity};
use super::scene::{PLAIN, Photo, Scene, colour, grey, motion};
use super::*;
use crate::frame::{Frame, Pixels, Rect};

/// What the recipe's registration must reach: root mean square over the frame.
const RMS_PX: f64 = 0.1;
/// Where the truth is no similarity, or a tenth of the frame is faults.
const ROUGH_RMS_PX: f64 = 0.25;

/// Poor but usable light: dim, uneven, noisy, slightly out of focus.
const POOR: Photo =
    Photo { gain: 0.8, offset: 12.0, gradient: 0.3, noise: 4.0, blur: 2.0, seed: 9 };

/// Of these frames, which are small, more may be out of view than a recipe would allow.
fn only(mode: AlignMode) -> AlignConfig {
    AlignConfig { mode, min_overlap_percent: 80.0, ..AlignConfig::default() }
}

/// A reference and a test frame of a scene, the second under a motion and its own light.
fn pair(scene: &Scene, truth: &Similarity, photo: Photo) -> [Frame; 2] {
    let still = Similarity { shift: [0.0; 2], a: 1.0, b: 0.0, ..*truth };
    [grey(scene.photo(&still, PLAIN)), grey(scene.photo(truth, photo))]
}

/// Root mean square distance between where a registration and the truth put points of a frame.
fn error_px(found: &Registration, truth: impl Fn([f64; 2]) -> [f64; 2], size: [usize; 2]) -> f64 {
    let percent = 100.0 * (f64::from(found.scale) - 1.0);
    let shift = found.shift_px.map(f64::from);
    let similarity = motion(size, shift, f64::from(found.rotation_deg), percent);
    let found = Motion { similarity, local: found.local.clone(), size };
    let mut sum = 0.0;
    for i in 0..=20 {
        for k in 0..=20 {
            let p = [i, k].map(f64::from).map(|part| part / 20.0);
            let p = [p[0] * (size[0] as f64 - 1.0), p[1] * (size[1] as f64 - 1.0)];
            let (one, other) = (found.apply(p), truth(p));
            sum += (one[0] - other[0]).powi(2) + (one[1] - other[1]).powi(2);
        }
    }
    (sum / 441.0).sqrt()
}

/// Mean absolute difference of brightness inside a rectangle.
fn difference(one: &Frame, other: &Frame, inside: Rect) -> f64 {
    let [one, other] = [one, other].map(|frame| frame.crop(inside).unwrap().luma().into_owned());
    let sum: u64 = one.iter().zip(other.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / inside.area() as f64
}

//! Time of everything but decoding and encoding, on one core: `cargo bench --bench stages`.
//!
//! A rendered pair of boards of 640x640 and of 4096x4096, grey, shifted by a fraction of a pixel,
//! brighter and noisy, with a few faults. Prints the median and the slowest of the runs by stage.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use image::{GrayImage, Luma};
use pairspec::align::{self, AlignConfig, PhotoConfig};
use pairspec::diff::Difference;
use pairspec::frame::{Frame, Pixels, Rect};
use pairspec::region::{self, RegionConfig};
use pairspec::spec::Kind;
use pairspec::verdict::{Judge, JudgedRegion, Sentence, Thresholds, decide};

/// Values in an embedding of the usual models.
const DIMENSION: usize = 512;
const SENTENCES: usize = 12;
const STAGES: [&str; 4] = ["photo", "align", "region", "verdict"];

fn main() {
    for (side, runs, limit) in [(640, 61, 12.0), (4096, 15, 300.0)] {
        let pair = [frame(side, false), frame(side, true)];
        let mut times: [Vec<f64>; 4] = Default::default();
        let mut totals = Vec::new();
        let mut regions = 0;
        for _ in 0..runs {
            let (found, stages) = judge(&pair);
            regions = found;
            totals.push(stages.iter().sum::<f64>());
            times.iter_mut().zip(stages).for_each(|(times, time)| times.push(time));
        }
        let parts: Vec<String> = STAGES
            .iter()
            .zip(&mut times)
            .map(|(name, times)| format!("{name} {:.2}", median(times)))
            .collect();
        let slowest = totals.iter().copied().fold(0.0, f64::max);
        println!(
            "{side}x{side}: median {:.2} ms (asked: {limit} ms), slowest {slowest:.2} of {runs} runs; {}; {regions} regions",
            median(&mut totals),
            parts.join(", ")
        );
    }
}

/// Regions found, and milliseconds of each stage.
fn judge([reference, test]: &[Frame; 2]) -> (usize, [f64; 4]) {
    let mut times = [Duration::ZERO; 4];
    let start = Instant::now();
    let photo = PhotoConfig::default();
    for frame in [reference, test] {
        assert!(align::check(&align::measure(frame, photo.profile), &photo).is_empty());
    }
    times[0] = start.elapsed();
    let aligned = align::align(reference, test, &AlignConfig::default()).unwrap();
    times[1] = start.elapsed();
    let config = RegionConfig::default();
    let found = region::regions(reference, &aligned.test, aligned.overlap, &config).unwrap();
    times[2] = start.elapsed();
    let judged = judge_regions(&found.regions.iter().map(|it| it.tight).collect::<Vec<_>>());
    times[3] = start.elapsed();
    let milliseconds = times.map(|time| time.as_secs_f64() * 1e3);
    let lap =
        |stage: usize| milliseconds[stage] - if stage == 0 { 0.0 } else { milliseconds[stage - 1] };
    (judged, [lap(0), lap(1), lap(2), lap(3)])
}

fn judge_regions(boxes: &[Rect]) -> usize {
    let vector = |seed: usize| -> Vec<f32> {
        (0..DIMENSION).map(|index| ((index * 31 + seed * 17) % 97) as f32 / 97.0 - 0.5).collect()
    };
    let sentences: Vec<Sentence> = (0..SENTENCES)
        .map(|index| {
            let (id, region) = (index.to_string(), None);
            Sentence { id, kind: Kind::Fault, embedding: vector(index), region }
        })
        .collect();
    let judge = Judge::new(sentences, 10.0, 1.0);
    let judged: Vec<JudgedRegion> = boxes
        .iter()
        .enumerate()
        .map(|(index, tight)| {
            let difference = Difference::between(&vector(index), &vector(index + 1)).unwrap();
            JudgedRegion { tight: *tight, scores: judge.score(&difference, tight) }
        })
        .collect();
    decide(&judged, judge.sentences(), &Thresholds::default());
    judged.len()
}

/// A board of traces and pads; the test frame is moved by (0.4, -0.3) px, brighter, noisy and has
/// spots.
fn frame(side: u32, is_test: bool) -> Frame {
    let (dx, dy) = if is_test { (0.4, -0.3) } else { (0.0, 0.0) };
    let image = GrayImage::from_fn(side, side, |x, y| {
        let (px, py) = (f64::from(x) - dx, f64::from(y) - dy);
        let mut value = 60.0 + 140.0 * copper(px, py);
        if is_test {
            value = value * 1.05 + 4.0 + noise(x, y) + 120.0 * spots(px, py);
        }
        Luma([value.clamp(0.0, 255.0) as u8])
    });
    Frame::new(Pixels::Gray(image), 8, if is_test { "test" } else { "reference" }).unwrap()
}

/// Share of copper at a point, with edges a pixel wide; cells of 96 px differ from each other.
fn copper(x: f64, y: f64) -> f64 {
    let (column, row) = ((x / 96.0).floor(), (y / 96.0).floor());
    let kind = (column * 7.0 + row * 13.0).rem_euclid(5.0);
    let (u, v) = (x - column * 96.0 - 48.0, y - row * 96.0 - 48.0);
    let pad = 14.0 + 3.0 * kind - u.hypot(v);
    let trace = 6.0 + kind - if kind > 2.0 { u.abs() } else { v.abs() };
    pad.max(trace).clamp(-0.5, 0.5) + 0.5
}

fn spots(x: f64, y: f64) -> f64 {
    [(200.0, 210.0), (410.0, 330.0), (520.0, 90.0)]
        .map(|(cx, cy)| (5.0 - (x - cx).hypot(y - cy)).clamp(0.0, 1.0))
        .into_iter()
        .fold(0.0, f64::max)
}

/// Deterministic noise of about two grey levels.
fn noise(x: u32, y: u32) -> f64 {
    let mixed =
        (x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA6B)).wrapping_mul(0xC2B2_AE35);
    f64::from(mixed >> 24) / 64.0 - 2.0
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

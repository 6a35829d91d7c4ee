//! Time of everything but decoding and encoding, on one core: `cargo bench --bench stages`.
//!
//! A rendered pair of boards of 640x640 and of 4096x4096, grey and in colour, shifted by a fraction
//! of a pixel, brighter and noisy, with a few faults. Prints the least time, the median and the
//! slowest of the runs, and the least of each stage: what other programs on the machine cannot spoil.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use image::{GrayImage, Luma, Rgb, RgbImage};
use pairspec::align::{self, AlignConfig, PhotoConfig};
use pairspec::diff::Difference;
use pairspec::frame::{Frame, Pixels, Rect};
use pairspec::region::{self, RegionConfig};
use pairspec::spec::Kind;
use pairspec::verdict::{Judge, JudgedRegion, Sentence, Thresholds, decide};

/// Values in an embedding of the usual models.
const DIMENSION: usize = 512;
const SENTENCES: usize = 12;
/// The size of the bundled model's int8 file.
const MODEL_BYTES: usize = 2 << 20;
const STAGES: [&str; 4] = ["photo", "align", "region", "verdict"];

fn main() {
    // The product has read a model before its first pair, and from then on the system's allocator
    // keeps what a pair frees; without it every pair would wait for pages anew.
    drop(std::hint::black_box(vec![1_u8; MODEL_BYTES]));
    for (side, runs, limit) in [(640, 61, 12.0), (4096, 15, 300.0)] {
        println!("{side}x{side}, asked for grey: {limit} ms");
        for (name, pixels) in [("grey", Pixels::Gray as fn(_) -> _), ("colour", tinted)] {
            let pair = [frame(side, false, pixels), frame(side, true, pixels)];
            println!("  {name}: {}", summary(&pair, runs));
        }
    }
}

fn summary(pair: &[Frame; 2], runs: usize) -> String {
    let mut least = [f64::INFINITY; 4];
    let mut totals = Vec::new();
    let mut regions = 0;
    for _ in 0..runs {
        let (found, stages) = judge(pair);
        regions = found;
        totals.push(stages.iter().sum::<f64>());
        least.iter_mut().zip(stages).for_each(|(least, time)| *least = least.min(time));
    }
    let parts = STAGES.iter().zip(least).map(|(name, time)| format!("{name} {time:.2}"));
    let parts = parts.collect::<Vec<_>>().join(", ");
    totals.sort_by(f64::total_cmp);
    let [first, middle, last] = [0, runs / 2, runs - 1].map(|place| totals[place]);
    format!(
        "least {first:.2} ms, median {middle:.2}, slowest {last:.2} of {runs} runs; \
         least of each stage: {parts}; {regions} regions"
    )
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
fn frame(side: u32, is_test: bool, pixels: fn(GrayImage) -> Pixels) -> Frame {
    let (dx, dy) = if is_test { (0.4, -0.3) } else { (0.0, 0.0) };
    let image = GrayImage::from_fn(side, side, |x, y| {
        let (px, py) = (f64::from(x) - dx, f64::from(y) - dy);
        let mut value = 60.0 + 140.0 * copper(px, py);
        if is_test {
            value = value * 1.05 + 4.0 + noise(x, y) + 120.0 * spots(px, py);
        }
        Luma([value.clamp(0.0, 255.0) as u8])
    });
    Frame::new(pixels(image), 8, if is_test { "test" } else { "reference" }).unwrap()
}

/// The same picture, copper-tinted.
fn tinted(image: GrayImage) -> Pixels {
    let tint = |x, y| {
        let level = u16::from(image.get_pixel(x, y).0[0]);
        Rgb([level as u8, (level * 4 / 5) as u8, (level / 2) as u8])
    };
    Pixels::Rgb(RgbImage::from_fn(image.width(), image.height(), tint))
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

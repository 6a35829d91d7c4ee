//! The machine's peak rates, what each kernel makes of them, and how near whole towers come.
//!
//! `cargo bench --bench peak [-- BUNDLE...]`
//!
//! A tower's floor is its int8 products at the peak int8 rate and its other products at the peak f32
//! rate, all measured in turn within one run, on one thread. `PAIRSPEC_KERNEL` picks the kernel.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::time::Instant;

use pairspec::clip::{Bundle, FileName, ImageEncoder, Manifest, Precision, TextEncoder};
use pairspec::int8::kernels::{
    Activation, Linear, Output, PackedWeights, Weights, chosen, linear, peaks, supported,
};

/// Rows, input channels, output channels: layers of TinyCLIP-8M/16 and ViT-B/32.
const LAYERS: [(usize, usize, usize); 4] =
    [(197, 256, 1024), (197, 1024, 256), (50, 768, 3072), (50, 3072, 768)];
const REPEATS: usize = 60;

fn main() {
    let bundles: Vec<String> =
        std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    for folder in &bundles {
        let bundle = Bundle::open(folder.as_ref()).unwrap();
        let manifest = bundle.manifest();
        if manifest.files.contains_key(&FileName::VisionInt8) {
            let encoder = ImageEncoder::open(&bundle, Some(Precision::Int8)).unwrap();
            let pixels = vec![0.5; encoder.tensor_len()];
            let run = || drop(black_box(encoder.encode(&pixels, 1).unwrap()));
            floor(&format!("{folder} image"), &image_work(manifest), &run);
        }
        if manifest.files.contains_key(&FileName::TextInt8) {
            let encoder = TextEncoder::open(&bundle, Some(Precision::Int8)).unwrap();
            let (start, end) = (encoder.tokenizer().start_id(), encoder.tokenizer().end_id());
            let words = (2..encoder.context() as u32).map(|index| index % end.max(1));
            let ids: Vec<u32> = std::iter::once(start).chain(words).chain([end]).collect();
            let run = || drop(black_box(encoder.encode_ids(std::slice::from_ref(&ids)).unwrap()));
            floor(&format!("{folder} text"), &text_work(manifest), &run);
        }
    }
    if bundles.is_empty() {
        rates();
    }
}

/// Products of one inference.
struct Work {
    int8: usize,
    other: usize,
}

/// As [the graphs](pairspec::clip) are written: MLPs of four times the width; the last block
/// computes the class token alone, but for its keys and values.
fn image_work(manifest: &Manifest) -> Work {
    let sizes = manifest.vision.as_ref().unwrap();
    let (width, patches) = (sizes.hidden, (sizes.image / sizes.patch).pow(2));
    let tokens = patches + 1;
    let block = 12 * tokens * width * width;
    let last = (2 * tokens + 10) * width * width;
    let embedding = patches * 3 * sizes.patch.pow(2) * width;
    let projection = width * manifest.embedding_size;
    Work {
        int8: embedding + (sizes.layers - 1) * block + last + projection,
        other: (sizes.layers - 1) * 2 * tokens * tokens * width + 2 * tokens * width,
    }
}

fn text_work(manifest: &Manifest) -> Work {
    let sizes = manifest.text.as_ref().unwrap();
    let (width, tokens) = (sizes.hidden, sizes.context);
    Work {
        int8: sizes.layers * 12 * tokens * width * width + width * manifest.embedding_size,
        other: sizes.layers * 2 * tokens * tokens * width,
    }
}

fn floor(name: &str, work: &Work, run: &dyn Fn()) {
    const ROUNDS: usize = 9;
    let kernel = chosen().unwrap().name();
    let int8 = if kernel.starts_with("amx") { "tdpbssd" } else { "dp" };
    let mut ratios = Vec::new();
    let mut shown = (0.0, 0.0);
    for _ in 0..ROUNDS {
        let mut times: Vec<f64> = (0..30)
            .map(|_| {
                let started = Instant::now();
                run();
                started.elapsed().as_secs_f64()
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let peaks = peaks();
        let rate = |part: &str| {
            peaks.iter().find(|peak| peak.instruction.contains(part)).map(|peak| peak.rate)
        };
        let (Some(int8), Some(other)) = (rate(int8), rate("fm")) else {
            return println!("{name}: no peak rates for {kernel} here");
        };
        let least = work.int8 as f64 / int8 + work.other as f64 / other;
        shown = (times[times.len() / 2] * 1e3, least * 1e3);
        ratios.push(times[times.len() / 2] / least);
    }
    ratios.sort_by(f64::total_cmp);
    let (least, median, most) = (ratios[0], ratios[ROUNDS / 2], ratios[ROUNDS - 1]);
    let Work { int8, other } = work;
    println!(
        "{name}, {kernel}: {:.3} GMAC int8, {:.3} other, {:.2} ms, floor {:.2} ms, ratio {median:.2} \
         ({least:.2} to {most:.2})",
        *int8 as f64 / 1e9,
        *other as f64 / 1e9,
        shown.0,
        shown.1
    );
}

fn rates() {
    for peak in peaks() {
        println!("{:>12} {:8.1} GMAC/s", peak.instruction, peak.rate / 1e9);
    }
    for kernel in supported() {
        for (rows, inputs, outputs) in LAYERS {
            let activations: Vec<i8> = (0..rows * inputs).map(|i| (i * 7919 % 251) as i8).collect();
            let weights: Vec<i8> = (0..inputs * outputs)
                .map(|i| (i * 104_729 % 255) as u8 as i8)
                .map(symmetric)
                .collect();
            let scales = vec![1e-5; outputs];
            let weights = Weights { values: &weights, scales: &scales, bias: &scales };
            let weights = &PackedWeights::new(kernel, weights).unwrap();
            let activation = Activation::None;
            let job = Linear { activations: &activations, weights, activation, residual: None };
            let mut values = vec![0.0; rows * outputs];
            let best = (0..REPEATS)
                .map(|_| {
                    let started = Instant::now();
                    black_box(linear(kernel, &job, Output::Floats(&mut values)));
                    started.elapsed().as_secs_f64()
                })
                .fold(f64::MAX, f64::min);
            let rate = (rows * inputs * outputs) as f64 / best / 1e9;
            println!("{:>12} {rate:8.1} GMAC/s at {rows}x{inputs}x{outputs}", kernel.name());
        }
    }
}

fn symmetric(value: i8) -> i8 {
    value.max(-127)
}

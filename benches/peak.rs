//! The machine's peak rates, and what each kernel makes of them.
//!
//! `cargo bench --bench peak`

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::time::Instant;

use pairspec::int8::kernels::{
    Activation, Linear, Output, PackedWeights, Weights, linear, peaks, supported,
};

/// Rows, input channels, output channels: layers of TinyCLIP-8M/16 and ViT-B/32.
const LAYERS: [(usize, usize, usize); 4] =
    [(197, 256, 1024), (197, 1024, 256), (50, 768, 3072), (50, 3072, 768)];
const REPEATS: usize = 60;

fn main() {
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

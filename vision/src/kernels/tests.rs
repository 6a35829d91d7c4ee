#![allow(clippy::unwrap_used)]
use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

use super::scalar::Scalar;
use super::*;

/// Units in the last place between the f32 values of a kernel and of the scalar one.
const ULPS: u32 = 2;

fn bytes(random: &mut ChaCha8Rng, count: usize, least: i8) -> Vec<i8> {
    (0..count).map(|_| (random.next_u32() as u8 as i8).max(least)).collect()
}

fn floats(random: &mut ChaCha8Rng, count: usize, size: f32) -> Vec<f32> {
    let share = |word: u32| (word >> 8) as f32 / (1 << 23) as f32 - 1.0;
    (0..count).map(|_| size * share(random.next_u32())).collect()
}

/// Distance on the number line of f32.
fn ulps(a: f32, b: f32) -> u32 {
    let ordered = |x: f32| {
        let bits = x.to_bits() as i32;
        if bits < 0 { i32::MIN.wrapping_sub(bits) } else { bits }
    };
    ordered(a).abs_diff(ordered(b))
}

struct Case {
    rows: usize,
    inputs: usize,
    outputs: usize,
    activations: Vec<i8>,
    weights: Vec<i8>,
    scales: Vec<f32>,
    bias: Vec<f32>,
}

impl Case {
    fn random((rows, inputs, outputs): (usize, usize, usize), seed: u64) -> Self {
        let random = &mut ChaCha8Rng::seed_from_u64(seed);
        Self {
            rows,
            inputs,
            outputs,
            activations: bytes(random, rows * inputs, -128),
            weights: bytes(random, inputs * outputs, -127),
            scales: floats(random, outputs, 1e-4),
            bias: floats(random, outputs, 1.0),
        }
    }

    fn packed(&self, kernel: &dyn Kernel) -> PackedWeights {
        let weights = Weights { values: &self.weights, scales: &self.scales, bias: &self.bias };
        PackedWeights::new(kernel, weights).unwrap()
    }

    fn linear<'a>(&'a self, weights: &'a PackedWeights) -> Linear<'a> {
        let activations = &self.activations;
        Linear { activations, weights, activation: Activation::None, residual: None }
    }

    fn sums(&self, kernel: &dyn Kernel) -> Vec<i32> {
        kernel.sums(&self.linear(&self.packed(kernel)))
    }

    /// The definition, without any kernel.
    fn expected(&self) -> Vec<i32> {
        let dot = |row: &[i8], weights: &[i8]| -> i32 {
            row.iter().zip(weights).map(|(&a, &w)| i32::from(a) * i32::from(w)).sum()
        };
        let rows = self.activations.chunks_exact(self.inputs);
        rows.flat_map(|row| self.weights.chunks_exact(self.inputs).map(move |w| dot(row, w)))
            .collect()
    }
}

/// Heights about the tiles', depths about the steps', widths about the panels'.
fn shapes() -> Vec<(usize, usize, usize)> {
    let mut shapes = Vec::new();
    for rows in [0, 1, 2, 3, 5, 7, 11, 12, 13, 25, 50] {
        for inputs in [1, 2, 3, 4, 5, 63, 64, 65, 130] {
            for outputs in [1, 7, 15, 16, 17, 32, 33, 70] {
                shapes.push((rows, inputs, outputs));
            }
        }
    }
    shapes.extend([(197, 256, 40), (50, 768, 33), (3, 3072, 65), (33, 1024, 31)]);
    shapes
}

#[test]
fn integer_sums_are_exact_for_every_kernel_and_shape() {
    for (seed, shape) in shapes().into_iter().enumerate() {
        let case = Case::random(shape, seed as u64);
        let expected = case.expected();
        for kernel in supported() {
            assert_eq!(case.sums(kernel), expected, "{} {shape:?}", kernel.name());
        }
    }
}

#[test]
fn integer_sums_are_exact_at_the_ends_of_the_range() {
    for (activation, weight) in [(127, 127), (-128, 127), (127, -127), (-128, -127), (-127, 127)] {
        for inputs in [63, 64, 3072, MOST_INPUTS] {
            let mut case = Case::random((13, inputs, 17), 1);
            case.activations.fill(activation);
            case.weights.fill(weight);
            let sum = i32::from(activation) * i32::from(weight) * inputs as i32;
            for kernel in supported() {
                let found = case.sums(kernel);
                assert!(found.iter().all(|&it| it == sum), "{} {inputs}", kernel.name());
            }
        }
    }
}

#[test]
fn rows_need_no_alignment() {
    let case = Case::random((6, 68, 40), 3);
    let expected = case.expected();
    for kernel in supported() {
        let packed = case.packed(kernel);
        for shift in 0..64 {
            let mut moved = vec![99; shift];
            moved.extend_from_slice(&case.activations);
            let linear = Linear { activations: &moved[shift..], ..case.linear(&packed) };
            assert_eq!(kernel.sums(&linear), expected, "{} {shift}", kernel.name());
        }
    }
}

#[test]
fn weights_that_no_kernel_can_hold_are_not_packed() {
    let (scales, bias) = ([1.0, 1.0], []);
    for kernel in supported() {
        let packed = |values: &[i8], scales: &[f32]| {
            PackedWeights::new(kernel, Weights { values, scales, bias: &bias }).is_some()
        };
        assert!(packed(&[127, -127], &scales));
        assert!(!packed(&[127, -128], &scales), "-128");
        assert!(!packed(&[1, 2, 3], &scales), "not whole rows");
        assert!(!packed(&[], &scales) && !packed(&[], &[]), "nothing");
        assert!(!packed(&vec![0; 2 * MOST_INPUTS + 2], &scales), "sums would overflow");
    }
}

#[test]
fn values_are_within_two_ulps_of_the_scalar_kernel() {
    for (seed, shape) in [(13, 64, 33), (1, 20, 7), (50, 130, 64)].into_iter().enumerate() {
        let case = Case::random(shape, seed as u64);
        let residual = floats(&mut ChaCha8Rng::seed_from_u64(9), case.rows * case.outputs, 4.0);
        for activation in [Activation::None, Activation::Gelu, Activation::QuickGelu] {
            for residual in [None, Some(residual.as_slice())] {
                let values = |kernel: &dyn Kernel| {
                    let packed = case.packed(kernel);
                    let job = Linear { activation, residual, ..case.linear(&packed) };
                    let mut to = vec![f32::NAN; case.rows * case.outputs];
                    assert!(linear(kernel, &job, Output::Floats(&mut to)));
                    to
                };
                let expected = values(&Scalar);
                for kernel in supported() {
                    for (found, expected) in values(kernel).into_iter().zip(&expected) {
                        let near = ulps(found, *expected) <= ULPS;
                        assert!(near, "{} {activation:?} {found} {expected}", kernel.name());
                    }
                }
            }
        }
    }
}

/// A layer of f32 weights `[inputs, outputs]`, and the scalar kernel's values of it.
#[test]
fn float_linears_are_their_definition_and_the_same_for_every_kernel_and_batch() {
    let random = &mut ChaCha8Rng::seed_from_u64(11);
    for (rows, inputs, outputs) in
        [(1, 1, 1), (13, 64, 33), (7, 20, 70), (50, 130, 32), (25, 3, 17)]
    {
        let (values, weights) =
            (floats(random, rows * inputs, 2.0), floats(random, inputs * outputs, 1.0));
        let (bias, residual) = (floats(random, outputs, 1.0), floats(random, rows * outputs, 4.0));
        for activation in [Activation::None, Activation::Gelu, Activation::QuickGelu] {
            let computed = |kernel: &dyn Kernel, rows: Range<usize>| {
                let weights = FloatWeights::new(kernel, &weights, outputs, &bias).unwrap();
                let job = FloatLinear {
                    values: &values[rows.start * inputs..rows.end * inputs],
                    weights: &weights,
                    activation,
                    residual: Some(&residual[rows.start * outputs..rows.end * outputs]),
                };
                let mut to = vec![f32::NAN; rows.len() * outputs];
                assert!(float_linear(kernel, &job, Output::Floats(&mut to)));
                to
            };
            let expected = computed(&Scalar, 0..rows);
            for kernel in supported() {
                let found = computed(kernel, 0..rows);
                for (found, expected) in found.iter().zip(&expected) {
                    assert!(
                        ulps(*found, *expected) <= ULPS,
                        "{} {found} {expected}",
                        kernel.name()
                    );
                }
                let last = computed(kernel, rows - 1..rows);
                assert_eq!(last, found[(rows - 1) * outputs..], "{} alone", kernel.name());
            }
            if activation == Activation::None {
                for (place, found) in expected.iter().enumerate() {
                    let (row, output) = (place / outputs, place % outputs);
                    let terms = (0..inputs).map(|input| {
                        f64::from(values[row * inputs + input])
                            * f64::from(weights[input * outputs + output])
                    });
                    let others = f64::from(bias[output]) + f64::from(residual[place]);
                    let error = (f64::from(*found) - terms.sum::<f64>() - others).abs();
                    assert!(error < 1e-4, "{found} is {error} off");
                }
            }
        }
    }
}

#[test]
fn float_weights_whose_sizes_contradict_each_other_are_not_packed() {
    for kernel in supported() {
        let packed = |count: usize, outputs: usize, bias: usize| {
            let (values, bias) = (vec![1.0; count], vec![1.0; bias]);
            FloatWeights::new(kernel, &values, outputs, &bias).is_some()
        };
        assert!(packed(6, 3, 3) && packed(6, 3, 0));
        assert!(!packed(7, 3, 3) && !packed(6, 3, 2) && !packed(0, 3, 3) && !packed(6, 0, 0));
    }
}

#[test]
fn bytes_are_rounded_to_even_and_saturated() {
    let values = [0.5, 1.5, -0.5, -1.5, 2.4, 126.6, 300.0, -127.4, -128.6, -1e30, 1e30, 0.0];
    let expected = [0, 2, 0, -2, 2, 127, 127, -127, -128, -128, 127, 0];
    for kernel in supported() {
        for repeat in [1, 2, 3] {
            let values = values.map(|value| value * 0.25).repeat(repeat);
            let mut found = vec![99; values.len()];
            assert!(quantize(kernel, &values, 0.25, &mut found));
            assert_eq!(found, expected.repeat(repeat), "{}", kernel.name());
        }
    }
}

#[test]
fn a_value_that_is_not_finite_is_reported_wherever_it_stands() {
    for kernel in supported() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for place in 0..37 {
                let mut values = vec![1.0; 37];
                values[place] = bad;
                let mut to = vec![0; 37];
                assert!(!quantize(kernel, &values, 1.0, &mut to), "{} {place}", kernel.name());
            }
        }
    }
}

#[test]
fn layer_norm_is_its_definition() {
    let random = &mut ChaCha8Rng::seed_from_u64(4);
    for width in [1, 3, 8, 15, 16, 17, 64, 100, 768] {
        let rows = floats(random, 3 * width, 5.0);
        let (scale, shift) = (floats(random, width, 2.0), floats(random, width, 2.0));
        let norm = Norm { scale: &scale, shift: &shift, epsilon: 1e-5 };
        for kernel in supported() {
            let mut found = vec![f32::NAN; rows.len()];
            assert!(layer_norm(kernel, &rows, &norm, Output::Floats(&mut found)));
            for (row, found) in rows.chunks(width).zip(found.chunks(width)) {
                let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / width as f64;
                let square = row.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>();
                let deviation = (square / width as f64 + 1e-5).sqrt();
                for (index, found) in found.iter().enumerate() {
                    let value = (f64::from(row[index]) - mean) / deviation;
                    let value = value * f64::from(scale[index]) + f64::from(shift[index]);
                    let error = (f64::from(*found) - value).abs();
                    assert!(error < 2e-5, "{} {width}: {found}, expected {value}", kernel.name());
                }
            }
        }
    }
}

struct Heads {
    batch: usize,
    heads: usize,
    width: usize,
    queries: usize,
    keys: usize,
}

/// The definition, in f64.
fn attended(sizes: &Heads, job: &Attention) -> Vec<f64> {
    let row = sizes.heads * sizes.width;
    let mut all = vec![0.0; sizes.batch * sizes.queries * row];
    for (sequence, head) in
        (0..sizes.batch).flat_map(|s| (0..sizes.heads).map(move |head| (s, head)))
    {
        for query in 0..sizes.queries {
            let at = |values: &[f32], tokens: usize, token: usize, index: usize| {
                f64::from(values[(sequence * tokens + token) * row + head * sizes.width + index])
            };
            let score = |key: usize| {
                let dot = (0..sizes.width).map(|index| {
                    at(job.query, sizes.queries, query, index) * at(job.key, sizes.keys, key, index)
                });
                let mask = job.mask.map_or(0.0, |mask| {
                    let place = sequence * mask.of_sequence + head * mask.of_head;
                    f64::from(mask.values[place + query * mask.of_query + key])
                });
                dot.sum::<f64>() * f64::from(job.factor) + mask
            };
            let scores: Vec<f64> = (0..sizes.keys).map(score).collect();
            let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let shares: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
            let sum: f64 = shares.iter().sum();
            for index in 0..sizes.width {
                let mixed =
                    (0..sizes.keys).map(|key| shares[key] * at(job.value, sizes.keys, key, index));
                let place = (sequence * sizes.queries + query) * row + head * sizes.width + index;
                all[place] = mixed.sum::<f64>() / sum;
            }
        }
    }
    all
}

#[track_caller]
fn check_attention(sizes: &Heads, mask: Option<Mask>) {
    let random = &mut ChaCha8Rng::seed_from_u64(6);
    let row = sizes.heads * sizes.width;
    let query = floats(random, sizes.batch * sizes.queries * row, 2.0);
    let key = floats(random, sizes.batch * sizes.keys * row, 2.0);
    let value = floats(random, sizes.batch * sizes.keys * row, 2.0);
    let job = Attention {
        query: &query,
        key: &key,
        value: &value,
        batch: sizes.batch,
        heads: sizes.heads,
        width: sizes.width,
        factor: 0.25,
        mask,
    };
    let expected = attended(sizes, &job);
    for kernel in supported() {
        let mut found = vec![f32::NAN; query.len()];
        assert!(attention(kernel, &job, Output::Floats(&mut found)));
        for (found, expected) in found.iter().zip(&expected) {
            let error = (f64::from(*found) - expected).abs();
            assert!(error < 1e-5, "{}: {found}, expected {expected}", kernel.name());
        }
        let mut bytes = vec![0; query.len()];
        assert!(attention(kernel, &job, Output::Bytes(&mut bytes, 0.03)));
        for (found, expected) in bytes.iter().zip(&expected) {
            let error = (f64::from(*found) * 0.03 - expected).abs();
            assert!(error <= 0.015 + 1e-5, "{}: {found}, expected {expected}", kernel.name());
        }
    }
}

#[test]
fn attention_is_its_definition_for_any_size_of_head() {
    for (heads, width) in [(1, 1), (2, 7), (3, 16), (2, 32), (1, 64), (2, 80)] {
        for (queries, keys) in [(1, 1), (1, 50), (5, 3), (50, 50), (77, 77), (30, 33)] {
            check_attention(&Heads { batch: 2, heads, width, queries, keys }, None);
        }
    }
}

#[test]
fn masks_may_differ_by_sequence_head_and_query() {
    let sizes = Heads { batch: 2, heads: 3, width: 16, queries: 40, keys: 40 };
    let one = sizes.queries * sizes.keys;
    let causal: Vec<f32> =
        (0..one).map(|it| if it % sizes.keys > it / sizes.keys { -1e9 } else { 0.0 }).collect();
    let shared = Mask { values: &causal, of_sequence: 0, of_head: 0, of_query: sizes.keys };
    check_attention(&sizes, Some(shared));
    let infinite: Vec<f32> =
        causal.iter().map(|&it| if it == 0.0 { 0.5 } else { f32::NEG_INFINITY }).collect();
    check_attention(&sizes, Some(Mask { values: &infinite, ..shared }));
    let values = floats(&mut ChaCha8Rng::seed_from_u64(8), 6 * one, 3.0);
    let each = Mask { values: &values, of_sequence: 3 * one, of_head: one, of_query: sizes.keys };
    check_attention(&sizes, Some(each));
}

#[test]
fn attention_to_what_is_not_finite_is_not_finite() {
    for kernel in supported() {
        for (bad, place) in [(f32::NAN, 0), (f32::INFINITY, 1), (f32::NAN, 2)] {
            let mut all = [[0.5; 40], [0.5; 40], [0.5; 40]];
            all[place][37] = bad;
            let [query, key, value] = &all;
            let (batch, heads, width, factor) = (1, 1, 8, 1.0);
            let job = Attention { query, key, value, batch, heads, width, factor, mask: None };
            let mut found = [0.0; 40];
            attention(kernel, &job, Output::Floats(&mut found));
            let fine = found.iter().all(|value| value.is_finite());
            assert!(!fine, "{} {bad} {place}: {found:?}", kernel.name());
            let bytes = Output::Bytes(&mut [0; 40], 1.0);
            assert!(!attention(kernel, &job, bytes), "{} {bad} {place}", kernel.name());
        }
    }
}

#[test]
fn the_wrong_name_of_a_kernel_is_refused_with_those_there_are() {
    assert_eq!(kernel_named("scalar").unwrap().name(), "scalar");
    for name in ["", "sse9", "SCALAR", "scalar "] {
        let message = kernel_named(name).unwrap_err().to_string();
        assert!(message.starts_with("PAIRSPEC_KERNEL: kernel"), "{message}");
        assert!(message.ends_with("scalar"), "{message}");
    }
}

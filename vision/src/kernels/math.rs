use super::Activation;
use super::lanes::Lanes;

/// Below this the result is zero; the exponent of two is -127 there.
const LEAST: f32 = -88.1;
/// Above this an exponential leaves the range of f32.
const MOST: f32 = 88.02;
/// ln 2 in two parts, the first exact in products with small integers (Cody and Waite).
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;
/// Nearly 1, 1, 1/2! ... 1/6!: fitted to `e^r` on `|r| <= ln(2) / 2` with the first two fixed, so
/// that the largest relative error is least (3e-9, before rounding).
const EXPONENTIAL: [f32; 7] =
    [1.0, 1.0, 0.499_999_94, 0.166_665_2, 0.041_668_393, 0.008_368_781, 0.001_381_446_1];
/// `1 - erf(z)` is nearly `P(z)^-16` for `z >= 0`, with an error of at most 3e-7: Abramowitz and Stegun,
/// Handbook of Mathematical Functions, 7.1.28. Here of `z * sqrt(2)`, each factor divided by a power of it.
const ERFC: [f32; 7] = [
    1.0,
    0.049_867_347,
    0.021_141_006,
    0.003_277_626_3,
    3.800_357_5e-5,
    4.889_063_6e-5,
    5.382_975e-6,
];
/// Up to here the power is within the range of f32; nothing is left of `1 - erf` long before.
const MOST_ERFC: f32 = 16.9;

/// `e^x`, zero below -88.1, held at its value in 88.02 above; NaN does not stay NaN.
#[inline(always)]
pub(super) unsafe fn exponential<L: Lanes>(x: L::Vector) -> L::Vector {
    // SAFETY: the caller runs where the processor has the instructions of `L`.
    let [value] = unsafe { exponentials::<L, 1>([x]) };
    value
}

/// [`exponential`] of several vectors, step by step: they share the constants, which compilers
/// otherwise load anew for each, half of all instructions on ARM.
#[inline(always)]
pub(super) unsafe fn exponentials<L: Lanes, const N: usize>(
    mut x: [L::Vector; N],
) -> [L::Vector; N] {
    // SAFETY: as above.
    unsafe {
        let mut powers = x;
        for (x, power) in x.iter_mut().zip(&mut powers) {
            *x = L::min(L::max(*x, L::splat(LEAST)), L::splat(MOST));
            *power = L::round(L::mul(*x, L::splat(std::f32::consts::LOG2_E)));
            *x = L::fma(*power, L::splat(-LN_2_HIGH), *x);
            *x = L::fma(*power, L::splat(-LN_2_LOW), *x);
        }
        let mut values = [L::splat(EXPONENTIAL[6]); N];
        for term in (0..6).rev() {
            for (value, rest) in values.iter_mut().zip(x) {
                *value = L::fma(*value, rest, L::splat(EXPONENTIAL[term]));
            }
        }
        for (value, power) in values.iter_mut().zip(powers) {
            *value = L::times_power(*value, power);
        }
        values
    }
}

/// An [`Activation`] that is known where loops over values are compiled, of several vectors at once.
pub(super) trait Activate {
    unsafe fn of<L: Lanes, const N: usize>(x: [L::Vector; N]) -> [L::Vector; N];
}

/// [`Activation::None`].
pub(super) struct Nothing;

impl Activate for Nothing {
    #[inline(always)]
    unsafe fn of<L: Lanes, const N: usize>(x: [L::Vector; N]) -> [L::Vector; N] {
        x
    }
}

/// [`Activation::Gelu`].
pub(super) struct Gelu;

impl Activate for Gelu {
    #[inline(always)]
    unsafe fn of<L: Lanes, const N: usize>(mut x: [L::Vector; N]) -> [L::Vector; N] {
        // SAFETY: the caller runs where the processor has the instructions of `L`.
        unsafe {
            let mut sizes = x;
            for size in &mut sizes {
                *size = L::min(L::abs(*size), L::splat(MOST_ERFC));
            }
            let mut powers = [L::splat(ERFC[6]); N];
            for term in (0..6).rev() {
                for (power, size) in powers.iter_mut().zip(sizes) {
                    *power = L::fma(*power, size, L::splat(ERFC[term]));
                }
            }
            for power in &mut powers {
                for _ in 0..4 {
                    *power = L::mul(*power, *power);
                }
            }
            // As much is missing of x above zero as of zero below.
            for (x, power) in x.iter_mut().zip(powers) {
                let half = L::mul(L::abs(*x), L::splat(0.5));
                *x = L::sub(L::max(*x, L::splat(0.0)), L::div(half, power));
            }
            x
        }
    }
}

/// [`Activation::QuickGelu`].
pub(super) struct QuickGelu;

impl Activate for QuickGelu {
    #[inline(always)]
    unsafe fn of<L: Lanes, const N: usize>(mut x: [L::Vector; N]) -> [L::Vector; N] {
        // SAFETY: as above.
        unsafe {
            let mut falls = x;
            for fall in &mut falls {
                *fall = L::mul(*fall, L::splat(-1.702));
            }
            for (x, fall) in x.iter_mut().zip(exponentials::<L, N>(falls)) {
                *x = L::div(*x, L::add(L::splat(1.0), fall));
            }
            x
        }
    }
}

/// What stands between a linear layer and the next. Sources: see [`Activation`].
#[inline(always)]
pub(super) unsafe fn activate<L: Lanes>(kind: Activation, x: L::Vector) -> L::Vector {
    // SAFETY: as above.
    let [value] = unsafe {
        match kind {
            Activation::None => [x],
            Activation::Gelu => Gelu::of::<L, 1>([x]),
            Activation::QuickGelu => QuickGelu::of::<L, 1>([x]),
        }
    };
    value
}

#[cfg(test)]
mod tests {
    use super::super::lanes::One;
    use super::*;

    fn exact_erf(x: f64) -> f64 {
        // The series of the error function converges for every x; 200 terms do for |x| <= 6.
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            let n = f64::from(n);
            term *= -x * x / n;
            sum += term / (2.0 * n + 1.0);
        }
        sum * 2.0 / std::f64::consts::PI.sqrt()
    }

    #[test]
    fn exponentials_are_right_to_two_in_ten_million() {
        for step in -8_600..8_800 {
            let x = step as f32 / 100.0;
            // SAFETY: plain Rust runs everywhere.
            let found = f64::from(unsafe { exponential::<One>(x) });
            let expected = f64::from(x).exp();
            assert!((found / expected - 1.0).abs() < 2e-7, "{x}: {found}, expected {expected}");
        }
        // SAFETY: as above.
        unsafe {
            assert_eq!(exponential::<One>(0.0), 1.0);
            assert_eq!(exponential::<One>(-1e9), 0.0);
            assert_eq!(exponential::<One>(f32::NEG_INFINITY), 0.0);
        }
    }

    #[test]
    fn gelu_is_the_exact_one() {
        for step in -500..500 {
            let x = f64::from(step) / 100.0;
            let expected = 0.5 * x * (1.0 + exact_erf(x / std::f64::consts::SQRT_2));
            // SAFETY: plain Rust runs everywhere.
            let found = f64::from(unsafe { activate::<One>(Activation::Gelu, x as f32) });
            assert!((found - expected).abs() < 1e-6, "{x}: {found}, expected {expected}");
        }
    }

    #[test]
    fn activations_of_large_values_are_the_value_or_zero() {
        for kind in [Activation::Gelu, Activation::QuickGelu] {
            // SAFETY: plain Rust runs everywhere.
            unsafe {
                assert_eq!(activate::<One>(kind, 1e4), 1e4);
                assert!(activate::<One>(kind, -1e4).abs() < 1e-30);
                assert_eq!(activate::<One>(kind, 0.0), 0.0);
            }
        }
    }
}

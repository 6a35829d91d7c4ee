/// A vector of f32 values of one processor, and the few operations everything else is written in.
///
/// Implementations are zero-sized names. All methods are `unsafe` for one reason: they may be
/// called only where the processor has the instructions, from functions compiled for these.
///
/// `#[inline(always)]` on every method is what lets the instructions end up in the caller, which
/// alone carries the `#[target_feature]`.
pub(super) trait Lanes: Copy {
    /// Values in a vector.
    const COUNT: usize;
    /// Rows of a block of a matrix product with two vectors per row that stay in registers.
    const ROWS: usize;
    /// Whether a vector can be multiplied with one of four values of another: four terms of a
    /// product are then loaded at once. Elsewhere loading spreads a value over a vector at no cost.
    const BY_FOUR: bool = false;
    /// The vector.
    type Vector: Copy;

    unsafe fn splat(value: f32) -> Self::Vector;
    /// `four[WHICH] * vector + sum`, rounded once; asked only with `BY_FOUR`.
    #[inline(always)]
    unsafe fn fma_of<const WHICH: i32>(
        _four: Self::Vector,
        _vector: Self::Vector,
        sum: Self::Vector,
    ) -> Self::Vector {
        sum
    }
    /// `COUNT` values; no alignment is needed.
    unsafe fn load(from: *const f32) -> Self::Vector;
    /// The first `count < COUNT` values, zeros behind; reads nothing else.
    unsafe fn load_first(from: *const f32, count: usize) -> Self::Vector;
    /// Four values of each of `COUNT` rows, `stride` from row to row: all first ones, all second
    /// ones, and so on.
    unsafe fn load_turned(from: *const f32, stride: usize) -> [Self::Vector; 4];
    /// Calls a cache line into the second level; any address may be named.
    #[inline(always)]
    unsafe fn prefetch(_: *const f32) {}
    unsafe fn store(vector: Self::Vector, to: *mut f32);
    /// Writes the first `count < COUNT` values and nothing else.
    unsafe fn store_first(vector: Self::Vector, to: *mut f32, count: usize);
    /// `COUNT` integers, rounded to the nearest f32.
    unsafe fn load_integers(from: *const i32) -> Self::Vector;
    /// Values as bytes, rounded to the nearest (halves to even) and saturated to `-128..=127`; the
    /// first `count <= COUNT` of them.
    unsafe fn store_bytes(vector: Self::Vector, to: *mut i8, count: usize);
    unsafe fn add(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    unsafe fn sub(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    unsafe fn mul(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    unsafe fn div(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    unsafe fn max(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    unsafe fn min(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a * b + c`, rounded once.
    unsafe fn fma(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// To the nearest integer, halves to even.
    unsafe fn round(vector: Self::Vector) -> Self::Vector;
    /// `vector * 2^exponent` for integral exponents in `-127..=127`, where -127 gives zero.
    unsafe fn times_power(vector: Self::Vector, exponent: Self::Vector) -> Self::Vector;
    /// Without the sign.
    unsafe fn abs(vector: Self::Vector) -> Self::Vector;
    /// All values added.
    unsafe fn sum(vector: Self::Vector) -> f32;
    /// The largest value.
    unsafe fn largest(vector: Self::Vector) -> f32;
}

/// Plain Rust, one value at a time; the oracle of all others.
#[derive(Clone, Copy)]
pub(super) struct One;

impl Lanes for One {
    const COUNT: usize = 1;
    const ROWS: usize = 4;
    type Vector = f32;

    #[inline(always)]
    unsafe fn splat(value: f32) -> f32 {
        value
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> f32 {
        // SAFETY: the caller gives a place that holds a value.
        unsafe { from.read_unaligned() }
    }

    #[inline(always)]
    unsafe fn load_first(_: *const f32, _: usize) -> f32 {
        0.0
    }

    #[inline(always)]
    unsafe fn load_turned(from: *const f32, _: usize) -> [f32; 4] {
        // SAFETY: the caller gives a place that holds four values.
        unsafe { from.cast::<[f32; 4]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(vector: f32, to: *mut f32) {
        // SAFETY: the caller gives a place that takes a value.
        unsafe { to.write_unaligned(vector) }
    }

    #[inline(always)]
    unsafe fn store_first(_: f32, _: *mut f32, _: usize) {}

    #[inline(always)]
    unsafe fn load_integers(from: *const i32) -> f32 {
        // SAFETY: the caller gives a place that holds a value.
        unsafe { from.read_unaligned() as f32 }
    }

    #[inline(always)]
    unsafe fn store_bytes(vector: f32, to: *mut i8, count: usize) {
        if count > 0 {
            // SAFETY: the caller gives a place that takes `count` bytes.
            unsafe { to.write(vector.round_ties_even() as i8) }
        }
    }

    #[inline(always)]
    unsafe fn add(a: f32, b: f32) -> f32 {
        a + b
    }

    #[inline(always)]
    unsafe fn sub(a: f32, b: f32) -> f32 {
        a - b
    }

    #[inline(always)]
    unsafe fn mul(a: f32, b: f32) -> f32 {
        a * b
    }

    #[inline(always)]
    unsafe fn div(a: f32, b: f32) -> f32 {
        a / b
    }

    #[inline(always)]
    unsafe fn max(a: f32, b: f32) -> f32 {
        if a > b { a } else { b }
    }

    #[inline(always)]
    unsafe fn min(a: f32, b: f32) -> f32 {
        if a < b { a } else { b }
    }

    #[inline(always)]
    unsafe fn fma(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    unsafe fn round(vector: f32) -> f32 {
        vector.round_ties_even()
    }

    #[inline(always)]
    unsafe fn times_power(vector: f32, exponent: f32) -> f32 {
        vector * f32::from_bits(((exponent as i32 + 127) as u32) << 23)
    }

    #[inline(always)]
    unsafe fn abs(vector: f32) -> f32 {
        vector.abs()
    }

    #[inline(always)]
    unsafe fn sum(vector: f32) -> f32 {
        vector
    }

    #[inline(always)]
    unsafe fn largest(vector: f32) -> f32 {
        vector
    }
}

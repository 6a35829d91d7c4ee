use std::ops::Range;

use super::Norm;
use super::lanes::Lanes;
use super::linear::{Target, some, store_some};

/// See [`Kernel::layer_norm`](super::Kernel::layer_norm).
#[inline(always)]
pub(super) unsafe fn run<L: Lanes>(
    values: &[f32],
    norm: &Norm,
    target: &Target,
    rows: Range<usize>,
) -> bool {
    let width = norm.scale.len();
    assert!(values.len() == target.len() && norm.shift.len() == width, "sizes agree");
    assert!(rows.end * width <= values.len(), "rows of these values");
    // SAFETY: the caller runs where the processor has the instructions of `L`.
    unsafe {
        let mut poison = L::splat(0.0);
        for row in rows {
            let values = &values[row * width..][..width];
            poison = one::<L>(values, norm, (target, row * width), poison);
        }
        L::sum(poison) == 0.0
    }
}

/// The mean first, then the squares of what is left: one pass loses digits where the mean is large.
#[inline(always)]
unsafe fn one<L: Lanes>(
    row: &[f32],
    norm: &Norm,
    (target, start): (&Target, usize),
    mut poison: L::Vector,
) -> L::Vector {
    let width = row.len();
    let whole = width - width % L::COUNT;
    // SAFETY: as above; every place is below `width`, the length of all slices.
    unsafe {
        let mut sums = [L::splat(0.0); 2];
        for (index, place) in (0..whole).step_by(L::COUNT).enumerate() {
            sums[index % 2] = L::add(sums[index % 2], L::load(row.as_ptr().add(place)));
        }
        let tail: f32 = row[whole..].iter().sum();
        let mean = (L::sum(L::add(sums[0], sums[1])) + tail) / width as f32;
        let middle = L::splat(mean);
        let mut squares = [L::splat(0.0); 2];
        for (index, place) in (0..whole).step_by(L::COUNT).enumerate() {
            let rest = L::sub(L::load(row.as_ptr().add(place)), middle);
            squares[index % 2] = L::fma(rest, rest, squares[index % 2]);
        }
        let tail: f32 = row[whole..].iter().map(|value| (value - mean) * (value - mean)).sum();
        let variance = (L::sum(L::add(squares[0], squares[1])) + tail) / width as f32;
        let factor = L::splat((variance + norm.epsilon).sqrt().recip());
        for place in (0..width).step_by(L::COUNT) {
            let count = L::COUNT.min(width - place);
            let value = some::<L>(row.as_ptr().add(place), count);
            let value = L::mul(L::sub(value, middle), factor);
            let scale = some::<L>(norm.scale.as_ptr().add(place), count);
            let shift = some::<L>(norm.shift.as_ptr().add(place), count);
            let value = L::fma(value, scale, shift);
            match target {
                Target::Floats(to) => store_some::<L>(value, to.at(start + place), count),
                Target::Bytes(to, inverse) => {
                    poison = L::fma(value, L::splat(0.0), poison);
                    let value = L::mul(value, L::splat(*inverse));
                    L::store_bytes(value, to.at(start + place), count);
                }
            }
        }
        poison
    }
}

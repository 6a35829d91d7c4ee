use std::ops::Range;

use super::Norm;
use super::lanes::Lanes;
use super::linear::{Target, some};
use super::write::{TOGETHER, Writer};

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
        let mut writer = Writer::<L>::new(*target);
        for row in rows {
            let values = &values[row * width..][..width];
            one::<L>(values, norm, (&mut writer, row * width));
        }
        writer.all_finite()
    }
}

/// The mean first, then the squares of what is left: one pass loses digits where the mean is large.
#[inline(always)]
unsafe fn one<L: Lanes>(row: &[f32], norm: &Norm, (writer, start): (&mut Writer<L>, usize)) {
    let width = row.len();
    // SAFETY: as above; every place is below `width`, the length of all slices.
    unsafe {
        let mean = sum::<L, false>(row, 0.0) / width as f32;
        let variance = sum::<L, true>(row, mean) / width as f32;
        let factor = (variance + norm.epsilon).sqrt().recip();
        let (mean, factor) = (L::splat(mean), L::splat(factor));
        let row = Row::<L> { values: row, norm, mean, factor };
        let mut place = 0;
        while place + TOGETHER * L::COUNT <= width {
            let values = row.normalised::<TOGETHER>(place, L::COUNT);
            writer.put(values, (start + place, L::COUNT), L::COUNT);
            place += TOGETHER * L::COUNT;
        }
        while place < width {
            let count = L::COUNT.min(width - place);
            writer.put(row.normalised::<1>(place, count), (start + place, L::COUNT), count);
            place += count;
        }
    }
}

/// The sum of a row, or with `SQUARES` of the squares of what its values are above `middle`.
#[inline(always)]
unsafe fn sum<L: Lanes, const SQUARES: bool>(row: &[f32], middle: f32) -> f32 {
    let (whole, from) = (row.len() - row.len() % L::COUNT, row.as_ptr());
    // SAFETY: as above.
    unsafe {
        // Two sums, since one would wait for itself.
        let (mut even, mut odd) = (L::splat(0.0), L::splat(0.0));
        let mut place = 0;
        while place + 2 * L::COUNT <= whole {
            even = added::<L, SQUARES>(even, L::load(from.add(place)), middle);
            odd = added::<L, SQUARES>(odd, L::load(from.add(place + L::COUNT)), middle);
            place += 2 * L::COUNT;
        }
        if place < whole {
            even = added::<L, SQUARES>(even, L::load(from.add(place)), middle);
        }
        let rest = row[whole..].iter().map(|value| match SQUARES {
            true => (value - middle) * (value - middle),
            false => *value,
        });
        L::sum(L::add(even, odd)) + rest.sum::<f32>()
    }
}

#[inline(always)]
unsafe fn added<L: Lanes, const SQUARES: bool>(
    sum: L::Vector,
    value: L::Vector,
    middle: f32,
) -> L::Vector {
    // SAFETY: as above.
    unsafe {
        if SQUARES {
            let rest = L::sub(value, L::splat(middle));
            L::fma(rest, rest, sum)
        } else {
            L::add(sum, value)
        }
    }
}

/// A row that is about to be normalised.
struct Row<'a, L: Lanes> {
    values: &'a [f32],
    norm: &'a Norm<'a>,
    mean: L::Vector,
    /// One over the standard deviation.
    factor: L::Vector,
}

impl<L: Lanes> Row<'_, L> {
    /// `N` vectors from `place` on, of each the first `count` values.
    #[inline(always)]
    unsafe fn normalised<const N: usize>(&self, place: usize, count: usize) -> [L::Vector; N] {
        // SAFETY: as above.
        unsafe {
            let mut values = [self.mean; N];
            for (index, value) in values.iter_mut().enumerate() {
                let place = place + index * L::COUNT;
                let above = L::sub(some::<L>(self.values.as_ptr().add(place), count), self.mean);
                let scale = some::<L>(self.norm.scale.as_ptr().add(place), count);
                let shift = some::<L>(self.norm.shift.as_ptr().add(place), count);
                *value = L::fma(L::mul(above, self.factor), scale, shift);
            }
            values
        }
    }
}

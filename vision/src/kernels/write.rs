use super::lanes::Lanes;
use super::linear::{Target, store_some};

/// Vectors that are worked on together: they share constants, and what is decided once for all.
pub(super) const TOGETHER: usize = 4;

/// Where the values of an operator go, and whether all that became bytes were finite.
#[derive(Clone, Copy)]
pub(super) struct Writer<'a, L: Lanes> {
    target: Target<'a>,
    /// Zeros, or NaN as soon as a value was not finite: zero times that is NaN, and stays.
    poison: L::Vector,
}

impl<'a, L: Lanes> Writer<'a, L> {
    #[inline(always)]
    pub(super) unsafe fn new(target: Target<'a>) -> Self {
        // SAFETY: the caller runs where the processor has the instructions of `L`.
        Self { target, poison: unsafe { L::splat(0.0) } }
    }

    /// Writes the first `count` values of each vector, the vectors `step` values apart from `place`
    /// on.
    #[inline(always)]
    pub(super) unsafe fn put<const N: usize>(
        &mut self,
        values: [L::Vector; N],
        (place, step): (usize, usize),
        count: usize,
    ) {
        // SAFETY: as above, and the caller has these places in the target.
        unsafe {
            match self.target {
                Target::Floats(to) => {
                    for (index, value) in values.into_iter().enumerate() {
                        store_some::<L>(value, to.at(place + index * step), count);
                    }
                }
                Target::Bytes(to, inverse) => {
                    for (index, value) in values.into_iter().enumerate() {
                        self.poison = L::fma(value, L::splat(0.0), self.poison);
                        let value = L::mul(value, L::splat(inverse));
                        L::store_bytes(value, to.at(place + index * step), count);
                    }
                }
            }
        }
    }

    /// Whether all values that became bytes were finite.
    #[inline(always)]
    pub(super) unsafe fn all_finite(&self) -> bool {
        // SAFETY: as above.
        unsafe { L::sum(self.poison) == 0.0 }
    }
}

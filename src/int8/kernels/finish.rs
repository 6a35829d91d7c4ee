use super::Activation;
use super::lanes::Lanes;
use super::linear::{Target, some, store_some};
use super::math::activate;

/// What becomes of the values of a linear layer, integer or not: activation, residual, store.
#[derive(Clone, Copy)]
pub(super) struct Finish<'a, L: Lanes> {
    pub(super) activation: Activation,
    /// `[rows, outputs]`, added last.
    pub(super) residual: Option<&'a [f32]>,
    pub(super) target: Target<'a>,
    /// Zeros, or NaN as soon as a value was not finite: zero times that is NaN, and stays.
    pub(super) poison: L::Vector,
}

impl<L: Lanes> Finish<'_, L> {
    /// The first `count` values of a vector, at `place` of residual and target.
    #[inline(always)]
    pub(super) unsafe fn put(&mut self, value: L::Vector, place: usize, count: usize) {
        // SAFETY: the caller checked that residual and target hold `count` values there, and runs
        // where the processor has the instructions of `L`.
        unsafe {
            let mut value = activate::<L>(self.activation, value);
            if let Some(residual) = self.residual {
                value = L::add(value, some::<L>(residual.as_ptr().add(place), count));
            }
            match self.target {
                Target::Floats(to) => store_some::<L>(value, to.at(place), count),
                Target::Bytes(to, inverse) => {
                    self.poison = L::fma(value, L::splat(0.0), self.poison);
                    let value = L::mul(value, L::splat(inverse));
                    L::store_bytes(value, to.at(place), count);
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

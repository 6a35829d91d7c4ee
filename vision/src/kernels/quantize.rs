use super::Activation;
use super::lanes::Lanes;
use super::linear::{some, store_some};
use super::math;

/// See [`Kernel::quantize`](super::Kernel::quantize).
#[inline(always)]
pub(super) unsafe fn run<L: Lanes>(values: &[f32], scale: f32, bytes: &mut [i8]) -> bool {
    assert!(values.len() == bytes.len(), "a byte per value");
    // SAFETY: the caller runs where the processor has the instructions of `L`; both slices hold
    // `values.len()` values.
    unsafe {
        let (inverse, zero) = (L::splat(scale.recip()), L::splat(0.0));
        let mut poison = zero;
        let mut done = 0;
        while done < values.len() {
            let count = L::COUNT.min(values.len() - done);
            let value = some::<L>(values.as_ptr().add(done), count);
            // Zero times NaN or infinity is NaN, and stays.
            poison = L::fma(value, zero, poison);
            let value = L::mul(value, inverse);
            L::store_bytes(value, bytes.as_mut_ptr().add(done), count);
            done += count;
        }
        L::sum(poison) == 0.0
    }
}

/// See [`Kernel::activate`](super::Kernel::activate).
#[inline(always)]
pub(super) unsafe fn activate<L: Lanes>(kind: Activation, values: &mut [f32]) {
    let mut done = 0;
    while done < values.len() {
        let count = L::COUNT.min(values.len() - done);
        let place = values[done..].as_mut_ptr();
        // SAFETY: as above.
        unsafe {
            let value = some::<L>(place, count);
            store_some::<L>(math::activate::<L>(kind, value), place, count);
        }
        done += count;
    }
}

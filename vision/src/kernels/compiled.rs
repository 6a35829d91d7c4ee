/// Implements [`Kernel`](super::Kernel) for a unit type out of a [`Tile`](super::tile::Tile) and
/// [`Lanes`](super::lanes::Lanes), compiled for the named processor features.
macro_rules! compiled {
    ($kernel:ident, $name:literal, $tile:ty, $lanes:ty $(, $features:literal)?) => {
        impl $crate::kernels::Kernel for $kernel {
            fn name(&self) -> &'static str {
                $name
            }

            fn layout(&self) -> $crate::kernels::Layout {
                <$tile as $crate::kernels::tile::Tile>::LAYOUT
            }

            fn sums(&self, linear: &$crate::kernels::Linear) -> Vec<i32> {
                $(#[target_feature(enable = $features)])?
                unsafe fn run(linear: &$crate::kernels::Linear) -> Vec<i32> {
                    // SAFETY: the caller's.
                    unsafe { $crate::kernels::linear::sums::<$tile>(linear) }
                }
                // SAFETY: `choice` hands out only kernels whose features the processor has.
                unsafe { run(linear) }
            }

            fn linear(
                &self,
                linear: &$crate::kernels::Linear,
                target: &$crate::kernels::Target,
                panels: std::ops::Range<usize>,
            ) -> bool {
                $(#[target_feature(enable = $features)])?
                unsafe fn run(
                    linear: &$crate::kernels::Linear,
                    target: &$crate::kernels::Target,
                    panels: std::ops::Range<usize>,
                ) -> bool {
                    // SAFETY: the caller's.
                    unsafe {
                        $crate::kernels::linear::run::<$tile, $lanes>(
                            linear, target, panels,
                        )
                    }
                }
                // SAFETY: as in `sums`.
                unsafe { run(linear, target, panels) }
            }

            fn float_columns(&self) -> usize {
                $crate::kernels::float::columns::<$lanes>()
            }

            fn float_linear(
                &self,
                linear: &$crate::kernels::FloatLinear,
                target: &$crate::kernels::Target,
                panels: std::ops::Range<usize>,
            ) -> bool {
                $(#[target_feature(enable = $features)])?
                unsafe fn run(
                    linear: &$crate::kernels::FloatLinear,
                    target: &$crate::kernels::Target,
                    panels: std::ops::Range<usize>,
                ) -> bool {
                    // SAFETY: the caller's.
                    unsafe { $crate::kernels::float::run::<$lanes>(linear, target, panels) }
                }
                // SAFETY: as in `sums`.
                unsafe { run(linear, target, panels) }
            }

            fn quantize(&self, values: &[f32], scale: f32, bytes: &mut [i8]) -> bool {
                $(#[target_feature(enable = $features)])?
                unsafe fn run(values: &[f32], scale: f32, bytes: &mut [i8]) -> bool {
                    // SAFETY: the caller's.
                    unsafe {
                        $crate::kernels::quantize::run::<$lanes>(values, scale, bytes)
                    }
                }
                // SAFETY: as in `sums`.
                unsafe { run(values, scale, bytes) }
            }

            fn layer_norm(
                &self,
                values: &[f32],
                norm: &$crate::kernels::Norm,
                target: &$crate::kernels::Target,
                rows: std::ops::Range<usize>,
            ) -> bool {
                $(#[target_feature(enable = $features)])?
                unsafe fn run(
                    values: &[f32],
                    norm: &$crate::kernels::Norm,
                    target: &$crate::kernels::Target,
                    rows: std::ops::Range<usize>,
                ) -> bool {
                    // SAFETY: the caller's.
                    unsafe {
                        $crate::kernels::norm::run::<$lanes>(values, norm, target, rows)
                    }
                }
                // SAFETY: as in `sums`.
                unsafe { run(values, norm, target, rows) }
            }

            fn attention(
                &self,
                attention: &$crate::kernels::Attention,
                target: &$crate::kernels::Target,
                heads: std::ops::Range<usize>,
            ) -> bool {
                $(#[target_feature(enable = $features)])?
                unsafe fn run(
                    attention: &$crate::kernels::Attention,
                target: &$crate::kernels::Target,
                    heads: std::ops::Range<usize>,
                ) -> bool {
                    // SAFETY: the caller's.
                    unsafe {
                        $crate::kernels::attention::run::<$lanes>(
                            attention, target, heads,
                        )
                    }
                }
                // SAFETY: as in `sums`.
                unsafe { run(attention, target, heads) }
            }

            fn activate(
                &self,
                activation: $crate::kernels::Activation,
                values: &mut [f32],
            ) {
                $(#[target_feature(enable = $features)])?
                unsafe fn run(
                    activation: $crate::kernels::Activation,
                    values: &mut [f32],
                ) {
                    // SAFETY: the caller's.
                    unsafe {
                        $crate::kernels::quantize::activate::<$lanes>(activation, values)
                    }
                }
                // SAFETY: as in `sums`.
                unsafe { run(activation, values) }
            }
        }
    };
}

pub(super) use compiled;

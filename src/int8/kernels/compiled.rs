/// Implements [`Kernel`](super::Kernel) for a unit type out of a [`Tile`](super::tile::Tile) and
/// [`Lanes`](super::lanes::Lanes), compiled for the named processor features.
macro_rules! compiled {
    ($kernel:ident, $name:literal, $tile:ty, $lanes:ty $(, $features:literal)?) => {
        impl $crate::int8::kernels::Kernel for $kernel {
            fn name(&self) -> &'static str {
                $name
            }

            fn layout(&self) -> $crate::int8::kernels::Layout {
                <$tile as $crate::int8::kernels::tile::Tile>::LAYOUT
            }

            fn sums(&self, linear: &$crate::int8::kernels::Linear) -> Vec<i32> {
                $(#[target_feature(enable = $features)])?
                unsafe fn run(linear: &$crate::int8::kernels::Linear) -> Vec<i32> {
                    // SAFETY: the caller's.
                    unsafe { $crate::int8::kernels::linear::sums::<$tile>(linear) }
                }
                // SAFETY: `choice` hands out only kernels whose features the processor has.
                unsafe { run(linear) }
            }

            fn linear(
                &self,
                linear: &$crate::int8::kernels::Linear,
                target: &$crate::int8::kernels::Target,
                panels: std::ops::Range<usize>,
            ) -> bool {
                $(#[target_feature(enable = $features)])?
                unsafe fn run(
                    linear: &$crate::int8::kernels::Linear,
                    target: &$crate::int8::kernels::Target,
                    panels: std::ops::Range<usize>,
                ) -> bool {
                    // SAFETY: the caller's.
                    unsafe {
                        $crate::int8::kernels::linear::run::<$tile, $lanes>(
                            linear, target, panels,
                        )
                    }
                }
                // SAFETY: as in `sums`.
                unsafe { run(linear, target, panels) }
            }

            fn float_columns(&self) -> usize {
                $crate::int8::kernels::float::columns::<$lanes>()
            }

            fn float_linear(
                &self,
                linear: &$crate::int8::kernels::FloatLinear,
                target: &$crate::int8::kernels::Target,
                panels: std::ops::Range<usize>,
            ) -> bool {
                $(#[target_feature(enable = $features)])?
                unsafe fn run(
                    linear: &$crate::int8::kernels::FloatLinear,
                    target: &$crate::int8::kernels::Target,
                    panels: std::ops::Range<usize>,
                ) -> bool {
                    // SAFETY: the caller's.
                    unsafe { $crate::int8::kernels::float::run::<$lanes>(linear, target, panels) }
                }
                // SAFETY: as in `sums`.
                unsafe { run(linear, target, panels) }
            }

            fn quantize(&self, values: &[f32], scale: f32, bytes: &mut [i8]) -> bool {
                $(#[target_feature(enable = $features)])?
                unsafe fn run(values: &[f32], scale: f32, bytes: &mut [i8]) -> bool {
                    // SAFETY: the caller's.
                    unsafe {
                        $crate::int8::kernels::quantize::run::<$lanes>(values, scale, bytes)
                    }
                }
                // SAFETY: as in `sums`.
                unsafe { run(values, scale, bytes) }
            }

            fn layer_norm(
                &self,
                values: &[f32],
                norm: &$crate::int8::kernels::Norm,
                target: &$crate::int8::kernels::Target,
                rows: std::ops::Range<usize>,
            ) -> bool {
                $(#[target_feature(enable = $features)])?
                unsafe fn run(
                    values: &[f32],
                    norm: &$crate::int8::kernels::Norm,
                    target: &$crate::int8::kernels::Target,
                    rows: std::ops::Range<usize>,
                ) -> bool {
                    // SAFETY: the caller's.
                    unsafe {
                        $crate::int8::kernels::norm::run::<$lanes>(values, norm, target, rows)
                    }
                }
                // SAFETY: as in `sums`.
                unsafe { run(values, norm, target, rows) }
            }

            fn attention(
                &self,
                attention: &$crate::int8::kernels::Attention,
                target: &$crate::int8::kernels::Target,
                heads: std::ops::Range<usize>,
            ) -> bool {
                $(#[target_feature(enable = $features)])?
                unsafe fn run(
                    attention: &$crate::int8::kernels::Attention,
                target: &$crate::int8::kernels::Target,
                    heads: std::ops::Range<usize>,
                ) -> bool {
                    // SAFETY: the caller's.
                    unsafe {
                        $crate::int8::kernels::attention::run::<$lanes>(
                            attention, target, heads,
                        )
                    }
                }
                // SAFETY: as in `sums`.
                unsafe { run(attention, target, heads) }
            }

            fn activate(
                &self,
                activation: $crate::int8::kernels::Activation,
                values: &mut [f32],
            ) {
                $(#[target_feature(enable = $features)])?
                unsafe fn run(
                    activation: $crate::int8::kernels::Activation,
                    values: &mut [f32],
                ) {
                    // SAFETY: the caller's.
                    unsafe {
                        $crate::int8::kernels::quantize::activate::<$lanes>(activation, values)
                    }
                }
                // SAFETY: as in `sums`.
                unsafe { run(activation, values) }
            }
        }
    };
}

pub(super) use compiled;

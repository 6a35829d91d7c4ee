//! Bindings of the kernel's user-space header `linux/videodev2.h`, generated once.
//!
//! It takes the place of the crate of the same name, which the v4l crate depends on and which runs
//! bindgen in every build: with it, a build needs libclang. `generate.sh` writes `bindings.rs`
//! from the header of Linux 6.1; the sizes below are part of the kernel's interface on 64-bit
//! systems, in the numbers of the ioctls, and so the same for every kernel and both processors.
//!
//! The header is dual licensed, `(GPL-2.0+ WITH Linux-syscall-note) OR BSD-3-Clause`; what is
//! derived from it here is under BSD-3-Clause (`LICENSE`).

#![allow(clippy::all, missing_docs, non_camel_case_types, non_snake_case, non_upper_case_globals)]
#![allow(unreachable_pub)]

mod bindings;

pub use bindings::*;

#[cfg(not(all(target_pointer_width = "64", target_endian = "little")))]
compile_error!("the bindings are of 64-bit little-endian systems; run generate.sh for another");

const SIZES: [(usize, usize); 16] = [
    (size_of::<v4l2_capability>(), 104),
    (size_of::<v4l2_fmtdesc>(), 64),
    (size_of::<v4l2_pix_format>(), 48),
    (size_of::<v4l2_format>(), 208),
    (size_of::<v4l2_requestbuffers>(), 20),
    (size_of::<v4l2_buffer>(), 88),
    (size_of::<v4l2_exportbuffer>(), 64),
    (size_of::<v4l2_streamparm>(), 204),
    (size_of::<v4l2_control>(), 8),
    (size_of::<v4l2_queryctrl>(), 68),
    (size_of::<v4l2_query_ext_ctrl>(), 232),
    (size_of::<v4l2_querymenu>(), 44),
    (size_of::<v4l2_ext_control>(), 20),
    (size_of::<v4l2_frmsizeenum>(), 44),
    (size_of::<v4l2_frmivalenum>(), 52),
    (size_of::<v4l2_input>(), 80),
];

const _: () = {
    let mut index = 0;
    while index < SIZES.len() {
        assert!(SIZES[index].0 == SIZES[index].1, "a structure of another size than the kernel's");
        index += 1;
    }
};

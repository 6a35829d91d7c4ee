#!/bin/sh
# Writes src/bindings.rs from the kernel's user-space header <linux/videodev2.h>.
#
# Needs bindgen with libclang and the kernel headers (Debian: bindgen, linux-libc-dev); building
# needs neither. Kept are the structures whose ioctls the v4l crate names and the constants of
# capture. Layout tests are left out, since those of older bindgen dereference null: src/lib.rs
# asserts the sizes that the kernel's interface fixes. x86-64 and aarch64 give the same file.
set -eu
cd "$(dirname "$0")"
printf '#include <linux/videodev2.h>\n' > wrapper.h
trap 'rm -f wrapper.h' EXIT
structures='audio|audioout|buf_type|buffer|capability|colorspace|control|crop|cropcap|ctrl_type'
structures="$structures|edid|enc_idx|encoder_cmd|exportbuffer|ext_controls?|field|fmtdesc|format"
structures="$structures|fract|framebuffer|frequency|frmivalenum|frmivaltypes|frmsizeenum"
structures="$structures|frmsizetypes|input|jpegcompression|memory|modulator|output|pix_format"
structures="$structures|quantization|query_ext_ctrl|queryctrl|querymenu|requestbuffers"
structures="$structures|sliced_vbi_cap|standard|std_id|streamparm|tuner|exposure_auto_type"
constants='BUF_FLAG_.*|CAP_.*|CTRL_FLAG_.*|CTRL_CLASS_(USER|CAMERA)|FMT_FLAG_.*|IN_ST_.*'
controls='AUTOBRIGHTNESS|AUTOGAIN|AUTO_WHITE_BALANCE|HUE_AUTO|CHROMA_AGC|GAIN|ANALOGUE_GAIN'
controls="$controls|EXPOSURE|EXPOSURE_AUTO|EXPOSURE_ABSOLUTE|EXPOSURE_AUTO_PRIORITY"
controls="$controls|FOCUS_AUTO|WHITE_BALANCE_TEMPERATURE|AUTO_N_PRESET_WHITE_BALANCE"
controls="$controls|ISO_SENSITIVITY_AUTO|WIDE_DYNAMIC_RANGE|IMAGE_STABILIZATION"
bindgen wrapper.h --no-layout-tests --no-doc-comments --no-rustfmt-bindings \
    --allowlist-type "v4l2_($structures)|time_t" \
    --opaque-type 'v4l2_ctrl_(h264|hevc|mpeg2|vp8|vp9|fwht|hdr10|av1).*' \
    --allowlist-var "V4L2_($constants|CID_($controls))" \
    --output src/bindings.rs -- ${1:+"--target=$1"}
rustfmt --edition 2024 --config-path .. src/bindings.rs

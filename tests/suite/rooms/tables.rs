use std::path::PathBuf;

use super::scan::root;

/// Free everywhere; of `image` only the pixel types, see [`PIXEL_TYPES`].
pub(super) const FREE: [&str; 5] = ["serde", "log", "thiserror", "heapless", "image"];

/// What a room may name of `image` without being listed for all of it.
pub(super) const PIXEL_TYPES: [&str; 10] = [
    "GrayImage",
    "RgbImage",
    "Luma",
    "Rgb",
    "ImageBuffer",
    "Pixel",
    "imageops",
    "GenericImageView",
    "GenericImage",
    "SubImage",
];

/// The most lines of a source file, tests included.
pub(super) const MAX_LINES: usize = 500;

/// A room, the foreign crates it may name, the rooms of its package it may name.
pub(super) type Room = (&'static str, &'static [&'static str], &'static [&'static str]);

/// A member of the workspace.
pub(super) struct Package {
    /// Below the repository; empty for the root.
    pub(super) folder: &'static str,
    /// Its modules.
    pub(super) rooms: &'static [Room],
    /// Rooms of another package that `lib.rs` brings in by their own names.
    pub(super) brought_in: &'static [&'static str],
    /// Dependencies that no room names: what `main.rs` names, and features for other crates.
    pub(super) unnamed: &'static [&'static str],
}

impl Package {
    /// Its sources.
    pub(super) fn source(&self) -> PathBuf {
        root().join(self.folder).join("src")
    }
}

pub(super) const PACKAGES: [Package; 3] = [
    Package { folder: "vision", rooms: &VISION, brought_in: &[], unnamed: &[] },
    Package { folder: "", rooms: &ROOMS, brought_in: &BROUGHT_IN, unnamed: &[] },
    Package {
        folder: "finetune",
        rooms: &FINETUNE,
        brought_in: &[],
        unnamed: &["gemm", "mimalloc"],
    },
];

const BROUGHT_IN: [&str; 5] = ["align", "diff", "files", "frame", "region"];

/// All rooms, each with its package.
pub(super) fn rooms() -> impl Iterator<Item = (&'static Package, &'static Room)> {
    PACKAGES.iter().flat_map(|package| package.rooms.iter().map(move |room| (package, room)))
}

const VISION: [Room; 6] = [
    ("files", &["tempfile", "sha2"], &[]),
    ("frame", &["image", "fast_image_resize", "serde_json", "zune_jpeg"], &["files"]),
    ("align", &["rustfft"], &["frame"]),
    ("region", &[], &["frame"]),
    ("diff", &[], &[]),
    ("kernels", &["libc", "rayon"], &[]),
];

const ROOMS: [Room; 20] = [
    ("manifest", &["csv"], &["files", "frame"]),
    ("capture", &["rand", "rustix", "libc", "v4l"], &["files", "frame", "manifest"]),
    ("board", &["toml", "gpiocdev", "rustix", "tempfile"], &["files", "capture", "int8"]),
    (
        "clip",
        &[
            "tract_onnx",
            "prost",
            "safetensors",
            "half",
            "tokenizers",
            "rand",
            "serde_json",
            "toml",
            "tempfile",
        ],
        &["files", "frame", "int8"],
    ),
    ("int8", &["tract_onnx", "pairspec_vision"], &[]),
    ("quantize", &["tract_onnx"], &["frame", "clip", "diff"]),
    ("spec", &["toml", "serde_json"], &["files", "frame", "diff"]),
    ("verdict", &[], &["diff", "frame", "spec"]),
    ("drift", &[], &[]),
    (
        "recipe",
        &["jiff", "toml", "serde_json"],
        &["files", "align", "capture", "drift", "region", "spec", "verdict"],
    ),
    ("inspect", &[], &["frame", "clip", "align", "region", "diff", "verdict", "spec", "recipe"]),
    ("calibrate", &["statrs", "csv", "toml", "rand"], &["files", "frame", "manifest", "verdict"]),
    (
        "report",
        &["askama", "base64", "image", "embedded_graphics"],
        &["frame", "align", "inspect", "spec", "verdict", "calibrate"],
    ),
    ("signal", &["gpiocdev", "rustix", "serde_json"], &[]),
    ("journal", &["rusqlite", "serde_json"], &["files", "frame", "verdict"]),
    ("plant", &["httparse", "rustix", "rustls", "serde_json", "subtle"], &["files"]),
    (
        "panel",
        &[
            "ab_glyph",
            "drm",
            "embedded_graphics",
            "embedded_hal",
            "gpiocdev",
            "image",
            "libc",
            "linux_embedded_hal",
            "minifb",
            "mipidsi",
            "rustix",
        ],
        &["frame"],
    ),
    ("input", &["evdev", "rustix"], &["frame"]),
    (
        "station",
        &["rustix", "serde_json", "thread_priority", "toml"],
        &[
            "files", "frame", "manifest", "clip", "capture", "align", "spec", "board", "recipe",
            "inspect", "drift", "plant", "panel", "input", "verdict", "signal", "journal",
        ],
    ),
    (
        "cli",
        &[
            "anyhow",
            "clap",
            "embedded_graphics",
            "env_logger",
            "indicatif",
            "jiff",
            "serde_json",
            "signal_hook",
            "tempfile",
            "toml",
        ],
        &[],
    ),
];

const FINETUNE: [Room; 10] = [
    ("dice", &["rand"], &[]),
    ("labelled", &["pairspec"], &[]),
    ("synth", &["pairspec", "csv", "image", "png"], &["dice"]),
    ("crops", &["pairspec", "image", "rayon", "safetensors"], &["labelled", "synth"]),
    (
        "describe",
        &["pairspec", "csv", "rand", "serde_json", "toml", "ureq"],
        &["labelled", "synth"],
    ),
    (
        "model",
        &["pairspec", "anyhow", "candle_core", "pulp", "rand", "safetensors", "serde_json"],
        &[],
    ),
    ("export", &["pairspec", "anyhow", "serde_json"], &["model"]),
    (
        "train",
        &[
            "pairspec",
            "anyhow",
            "candle_core",
            "image",
            "indicatif",
            "rand",
            "rayon",
            "safetensors",
            "serde_json",
            "tokenizers",
            "toml",
        ],
        &["crops", "describe", "dice", "export", "model", "synth"],
    ),
    ("evaluate", &["pairspec", "anyhow"], &["crops", "describe", "dice", "synth"]),
    ("cli", &["pairspec", "anyhow", "clap", "env_logger", "indicatif", "serde_json"], &[]),
];

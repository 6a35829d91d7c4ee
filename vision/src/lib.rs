//! Pixels to numbers: what every pair costs the time of.
//!
//! The rooms below all others: frames and their files, registration, regions, the difference of two
//! embeddings, and the kernels of a transformer. They are a package of their own since a package is
//! what cargo optimises one way: these for speed, on a box all else for size.

pub mod align;
pub mod diff;
pub mod files;
pub mod frame;
pub mod kernels;
pub mod region;

//! The one integration test crate; each module states facts about the whole.
#![allow(clippy::unwrap_used, missing_docs)]

#[cfg(unix)]
mod bad_files;
mod bad_frames;
mod bad_models;
mod bad_texts;
mod board;
mod bundled;
mod clip;
mod clip_batches;
mod clip_refusals;
mod commands;
#[cfg(unix)]
mod goldens;
mod harness;
mod hints;
mod inspect;
mod journal;
mod mutations;
mod outputs;
mod pairs;
#[cfg(all(unix, feature = "http", feature = "modbus", feature = "mqtt"))]
mod plant;
mod product;
#[allow(unreachable_pub)]
mod proposals;
mod quantize;
#[cfg(unix)]
mod real_boards;
#[cfg(unix)]
mod replay;
mod rooms;
#[path = "../shared/mod.rs"]
mod shared;
#[cfg(unix)]
mod station;
#[cfg(unix)]
mod teaching;
#[path = "../../src/test_data.rs"]
mod test_data;
mod views;

//! The one integration test crate; each module states facts about the whole.
#![allow(clippy::unwrap_used, missing_docs)]

mod clip;
mod clip_refusals;
mod proposals;
mod rooms;

//! The one integration test crate.

mod proposals;

//! What the suite and the soak proofs share: a tiny model, and damage to files.
#![allow(dead_code, unreachable_pub)]

#[cfg(feature = "mqtt")]
pub mod away;
pub mod journal;
pub mod mutations;
#[cfg(all(feature = "http", feature = "modbus", feature = "mqtt"))]
pub mod plant;
pub mod readers;
pub mod station;
#[path = "../../src/plant/test_broker.rs"]
pub mod test_broker;
pub mod tiny;

//! The plant's networks: what other systems read of a station and may ask of it.
//!
//! Owns the MQTT publisher, the Modbus TCP server and the HTTP server, each in a cargo feature and
//! in threads of its own: they read a [`Snapshot`] and hand [`Request`]s to whoever started them.
//! What they need of a station is three traits in plain types, [`Source`], [`Requests`] and
//! [`Outbox`]; [`Memory`] is all three without a station. A service that fails is started again
//! after a pause; what strangers send is bounded in size, number and time.
//!
//! It decides nothing and drives no output: a request is only passed on, and no reading waits.

// Without any service there is only its configuration, to be refused.
#![cfg_attr(
    not(any(feature = "http", feature = "modbus", feature = "mqtt")),
    allow(dead_code, unused_imports)
)]

mod config;
mod error;
#[cfg(feature = "http")]
mod http;
mod memory;
#[cfg(feature = "modbus")]
mod modbus;
#[cfg(feature = "mqtt")]
mod mqtt;
mod pause;
mod request;
mod result;
mod run;
mod seams;
mod secret;
#[cfg(any(feature = "http", feature = "modbus"))]
mod server;
mod service;
mod snapshot;
mod tally;
#[cfg(test)]
#[cfg(feature = "mqtt")]
pub(crate) mod test_broker;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "http", feature = "modbus", feature = "mqtt"))]
pub mod wire;

pub use config::{
    HttpConfig, ModbusConfig, MqttConfig, Peer, PlantConfig, RawHttp, RawModbus, RawMqtt, RawPlant,
    TlsConfig,
};
pub use error::Error;
pub use memory::Memory;
#[cfg(feature = "modbus")]
pub use modbus::register_table;
pub use request::{RecipeChoice, Request};
pub use result::{PartResult, Region, Score, Verdict};
pub use run::Plant;
pub use seams::{Outbox, RecipeEntry, Requests, Role, Seams, Source};
pub use snapshot::{
    Cause, Condition, Counters, DriftFigure, Latency, Rates, RecipeInForce, Snapshot, State, Upkeep,
};
pub use tally::ServiceStatus;

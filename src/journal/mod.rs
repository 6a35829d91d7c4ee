//! The journal: one durable, tamper-evident record of what happened to every part.
//!
//! Owns the SQLite file with its chain of records, the numbers that parts are known by, the images
//! kept as evidence and what may be forgotten of all that. [`Writer`] takes records without ever
//! waiting for the disk; [`Reader`] lists, exports and verifies them, beside a running writer too.
//!
//! It judges nothing and drives no output: a journal that cannot write is a fault in its
//! [`Health`], and a gap with counts in the chain once it can write again.
//!
//! A record is the exact text of one JSON object; its hash is the SHA-256 of the previous hash, the
//! sequence number and the text, a newline after each of the first two. What else the tables hold
//! is derived from the texts and compared with them by [`Reader::verify`].

mod chain;
mod committer;
mod error;
mod evidence;
mod gap;
mod ledger;
mod numbers;
mod ranges;
mod reader;
mod record;
mod retention;
mod shared;
mod store;
mod supervise;
#[cfg(test)]
pub(crate) mod test_panics;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

pub use error::Error;
pub use evidence::{EvidenceShare, Role};
pub use reader::{Filter, Reader, Row};
pub use record::{
    Checkpoint, Entry, Event, EventSource, Evidence, Gap, Image, Outcome, Part, Record, Span,
    SpecScore,
};
pub use retention::Retention;
pub use shared::Health;
pub use verify::{Broken, Verified};
pub use writer::{Settings, Writer};

/// The database in a journal's folder.
pub const DATABASE: &str = "journal.sqlite";
/// The folder of images in a journal's folder.
pub const IMAGES: &str = "evidence";
/// The version of the tables and records that this program writes and reads.
pub const FORMAT: u32 = 1;

/// Milliseconds since 1970-01-01 UTC by this machine's clock, which may be wrong.
pub fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

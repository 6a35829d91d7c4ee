use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::{Request, Snapshot};

/// What the services read of a station; called from several threads at once.
pub trait Source: Send + Sync {
    /// How the station is now; cheap, for it is called some hundred times a second.
    fn snapshot(&self) -> Arc<Snapshot>;

    /// The PNG file of one image of the last part that has any, with the part's number.
    ///
    /// Encoded when it is asked for.
    ///
    /// # Errors
    /// Why there is an image and it cannot be given, for people.
    fn image(&self, role: Role) -> Result<Option<(u64, Vec<u8>)>, String>;

    /// The recipes that may be selected, in an order that stays; the first has index 1.
    fn recipes(&self) -> Vec<RecipeEntry>;
}

/// Where requests go; called from several threads at once.
pub trait Requests: Send + Sync {
    /// Has the station carry a request out; `peer` says who asked, for the journal. May take as
    /// long as a recipe takes to load.
    ///
    /// # Errors
    /// Why it was not done, for people.
    fn ask(&self, request: Request, peer: &str) -> Result<Value, String>;
}

/// Records that are to be delivered, kept on disk by whoever implements this.
pub trait Outbox: Send {
    /// At most `limit` records with sequence numbers above `seq`, lowest first, each the text of
    /// one JSON object; none only where there are none.
    ///
    /// # Errors
    /// Why they cannot be read now, for people.
    fn after(&mut self, seq: u64, limit: usize) -> Result<Vec<(u64, String)>, String>;

    /// The highest sequence number that was ever given out, 0 before the first.
    ///
    /// # Errors
    /// Why it is not known now, for people.
    fn last_seq(&mut self) -> Result<u64, String>;

    /// What tells the record with this number from one that another outbox has under it, such as a
    /// hash; none where it is no more.
    ///
    /// # Errors
    /// Why it is not known now, for people.
    fn mark(&mut self, seq: u64) -> Result<Option<String>, String>;
}

/// Which image of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The reference frame.
    Reference,
    /// The part under test.
    Test,
}

/// A recipe that may be selected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecipeEntry {
    /// Its name.
    pub name: String,
    /// SHA-256 of its content, hexadecimal, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// All that the services need of a station.
pub struct Seams {
    /// What they read.
    pub source: Arc<dyn Source>,
    /// Where requests go.
    pub requests: Arc<dyn Requests>,
    /// What MQTT delivers; without, it tells states and no results.
    pub outbox: Option<Box<dyn Outbox>>,
}

/// What servers need of a station.
#[cfg(any(feature = "http", feature = "modbus"))]
#[derive(Clone)]
pub(super) struct Doors {
    pub(super) source: Arc<dyn Source>,
    pub(super) requests: Arc<dyn Requests>,
}

impl fmt::Debug for Seams {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Seams").field("outbox", &self.outbox.is_some()).finish()
    }
}

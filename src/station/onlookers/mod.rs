//! Those who look at a running station and may ask something of it: the plant's network, the panel.
//!
//! They read the [`View`](super::View) when they want to and send the commands that a person could
//! send. Each can fail, hang or be missing, and the line does not notice.

mod desk;
mod outbox;
mod plant;
mod recipes;

pub(super) use desk::Desk;
#[cfg(test)]
pub(super) use desk::Work as DeskWork;
pub use outbox::JournalOutbox;
pub(super) use plant::start as start_plant;
pub(super) use recipes::Recipes;

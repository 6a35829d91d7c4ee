//! Buttons at GPIO lines.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::input::{ButtonMap, InputsConfig, Press};
use crate::signal::{EdgeInput, InputConfig, LineName, RawEdge};
use crate::station::Error;
use crate::station::threads::{guarded, spawn};

/// How long to wait for an edge before looking whether to stop.
const WAIT: Duration = Duration::from_millis(100);
/// Looks from one failure to the next try.
const PAUSE: u32 = 20;

/// What the threads of all buttons share.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) sender: SyncSender<Press>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) counts: Arc<Counts>,
}

/// What went wrong between buttons and the desk.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Times that a line could not be taken or was lost.
    pub(super) failures: AtomicU64,
    /// Presses that found no room.
    pub(super) lost_presses: AtomicU64,
}

/// A thread for each button.
pub(super) fn listen(inputs: &InputsConfig, shared: &Shared) -> Result<Vec<JoinHandle<()>>, Error> {
    let failed =
        |error: std::io::Error| Error::Thread { name: "button", reason: error.to_string() };
    let listen = |index: usize| {
        let map = ButtonMap::new(inputs.buttons.clone(), inputs.debounce_ns());
        let shared = shared.clone();
        spawn("button", move || attend(index, map, &shared)).map_err(failed)
    };
    (0..inputs.buttons.len()).map(listen).collect()
}

/// Takes the line, and again when it is lost.
fn attend(index: usize, mut map: ButtonMap, shared: &Shared) {
    let Some(config) = map.buttons().get(index).map(|button| InputConfig {
        chip: button.chip.clone(),
        line: LineName::Offset(button.line),
        edge: RawEdge::Rising,
        active_low: button.active_low,
        // The map does that, by time stamps.
        debounce: Duration::ZERO,
    }) else {
        return;
    };
    let is_stopping = || shared.stop.load(Ordering::Acquire);
    let mut told = Told::default();
    while !is_stopping() {
        let lost = guarded(|| match EdgeInput::open(&config) {
            Ok(mut input) => loop {
                match input.next_edge(WAIT) {
                    _ if is_stopping() => return String::new(),
                    Ok(Some(edge)) => {
                        if let Some(press) = map.edge(index, edge.ns) {
                            shared.hear(press);
                        }
                    }
                    Ok(None) => told.forget(),
                    Err(error) => return error.to_string(),
                }
            },
            Err(error) => error.to_string(),
        });
        if is_stopping() {
            return;
        }
        shared.counts.failures.fetch_add(1, Ordering::Relaxed);
        let reason = lost.unwrap_or_else(|panic| panic);
        if told.is_news(&reason) {
            log::warn!("button: {reason}; it is tried again");
        }
        (0..PAUSE).take_while(|_| !is_stopping()).for_each(|_| std::thread::sleep(WAIT));
    }
}

impl Shared {
    /// Passes a press on; what comes while enough presses wait is not heard, and counted.
    pub(super) fn hear(&self, press: Press) {
        if let Err(TrySendError::Full(press)) = self.sender.try_send(press)
            && self.counts.lost_presses.fetch_add(1, Ordering::Relaxed) == 0
        {
            log::warn!("{}: not heard, the desk is behind", press.source);
        }
    }
}

/// What was logged already: a line that stays away would fill the log.
#[derive(Debug, Default)]
struct Told(Option<String>);

impl Told {
    fn is_news(&mut self, reason: &str) -> bool {
        let is_news = self.0.as_deref() != Some(reason);
        self.0 = Some(reason.to_owned());
        is_news
    }

    /// It works again: what comes next is news.
    fn forget(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_stays_away_is_told_once_until_it_was_there() {
        let mut told = Told::default();
        let news = ["busy", "busy", "gone", "gone"].map(|reason| told.is_news(reason));
        assert_eq!(news, [true, false, true, false]);
        told.forget();
        assert!(told.is_news("gone"));
    }

    #[test]
    fn presses_that_find_no_room_are_counted() {
        let (sender, presses) = std::sync::mpsc::sync_channel(1);
        let (stop, counts) = (Arc::default(), Arc::<Counts>::default());
        let shared = Shared { sender, stop, counts: counts.clone() };
        let press = || Press { action: crate::input::Action::Hold, source: "a".to_owned() };
        (0..3).for_each(|_| shared.hear(press()));
        assert_eq!(counts.lost_presses.load(Ordering::Relaxed), 2);
        assert_eq!(presses.try_iter().count(), 1);
    }
}

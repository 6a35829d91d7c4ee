//! Buttons at GPIO lines.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
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

/// A thread for each button.
pub(super) fn listen(
    inputs: &InputsConfig,
    sender: &SyncSender<Press>,
    stop: &Arc<AtomicBool>,
) -> Result<Vec<JoinHandle<()>>, Error> {
    let failed =
        |error: std::io::Error| Error::Thread { name: "button", reason: error.to_string() };
    let listen = |index: usize| {
        let map = ButtonMap::new(inputs.buttons.clone(), inputs.debounce_ns());
        let (sender, stop) = (sender.clone(), stop.clone());
        spawn("button", move || attend(index, map, (&sender, &stop))).map_err(failed)
    };
    (0..inputs.buttons.len()).map(listen).collect()
}

/// Takes the line, and again when it is lost.
fn attend(index: usize, mut map: ButtonMap, (sender, stop): (&SyncSender<Press>, &AtomicBool)) {
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
    let is_stopping = || stop.load(Ordering::Acquire);
    while !is_stopping() {
        let lost = guarded(|| match EdgeInput::open(&config) {
            Ok(mut input) => loop {
                match input.next_edge(WAIT) {
                    _ if is_stopping() => return String::new(),
                    Ok(Some(edge)) => {
                        if let Some(press) = map.edge(index, edge.ns) {
                            // What comes while enough presses wait is not heard.
                            let _ = sender.try_send(press);
                        }
                    }
                    Ok(None) => {}
                    Err(error) => return error.to_string(),
                }
            },
            Err(error) => error.to_string(),
        });
        if is_stopping() {
            return;
        }
        log::warn!("button: {}", lost.unwrap_or_else(|panic| panic));
        (0..PAUSE).take_while(|_| !is_stopping()).for_each(|_| std::thread::sleep(WAIT));
    }
}

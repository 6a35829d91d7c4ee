use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::plant::server::Shared;
use crate::plant::service::{LOOK, guarded};
use crate::plant::tally::lock;
use crate::plant::{Request, Requests};

/// Commands that wait while one is carried out.
const WAITING: usize = 4;

/// Hands requests to the station, one after another, without keeping a master waiting.
pub(in crate::plant) struct Commands {
    sender: SyncSender<Order>,
    progress: Arc<Mutex<Progress>>,
}

/// A request with who asked, and its place among all.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::plant) struct Order {
    pub(super) request: Request,
    pub(super) peer: String,
    pub(super) count: u16,
}

/// What the read-back registers show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// What was written last to the command register.
    pub(super) command: u16,
    /// Commands that were taken.
    pub(super) count: u16,
    /// How the last one is.
    pub(super) outcome: Outcome,
}

/// How a command is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Outcome {
    #[default]
    None,
    Running,
    Done,
    Refused,
}

impl Commands {
    /// Starts the thread that carries them out.
    pub(super) fn start(shared: &Shared) -> Result<Self, String> {
        let (commands, receiver) = Self::queue();
        let (shared, progress) = (shared.clone(), commands.progress.clone());
        let work = move || {
            let requests = shared.doors.requests.clone();
            while !shared.stop.is_stopping() {
                match receiver.recv_timeout(LOOK) {
                    Ok(order) => {
                        let count = order.count;
                        let asked = guarded(&shared.tally, || carry_out(&*requests, order));
                        if let Err(reason) = &asked {
                            shared.tally.tell(reason);
                        }
                        lock(&progress).ended(count, asked.is_ok());
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        };
        let spawned = thread::Builder::new().name("plant-commands".to_owned()).spawn(work);
        spawned.map_err(|error| format!("no thread for commands: {error}"))?;
        Ok(commands)
    }

    /// The queue alone, with its other end.
    pub(in crate::plant) fn queue() -> (Self, Receiver<Order>) {
        let (sender, receiver) = sync_channel(WAITING);
        (Self { sender, progress: Arc::default() }, receiver)
    }

    /// Takes a command; false where too many wait.
    pub(super) fn take(&self, command: u16, request: Request, peer: String) -> bool {
        let mut progress = lock(&self.progress);
        let count = progress.count.wrapping_add(1);
        if self.sender.try_send(Order { request, peer, count }).is_err() {
            return false;
        }
        *progress = Progress { command, count, outcome: Outcome::Running };
        true
    }

    /// How the last command is.
    pub(super) fn progress(&self) -> Progress {
        *lock(&self.progress)
    }
}

impl Progress {
    /// Takes note of how a command ended; of one that others came after nothing is told.
    fn ended(&mut self, count: u16, is_done: bool) {
        if self.count == count {
            self.outcome = if is_done { Outcome::Done } else { Outcome::Refused };
        }
    }
}

fn carry_out(requests: &dyn Requests, order: Order) -> Result<(), String> {
    let Order { request, peer, .. } = order;
    log::info!("{peer} asks for {request}");
    let text = request.to_string();
    requests.ask(request, &peer).map(drop).map_err(|reason| format!("{peer}: {text}: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcome_shown_is_that_of_the_last_command() {
        let (commands, orders) = Commands::queue();
        let take = || commands.take(1, Request::Trigger, "a master".to_owned());
        assert!(take() && take());
        let counts: Vec<u16> = orders.try_iter().map(|order| order.count).collect();
        assert_eq!(counts, [1, 2]);
        lock(&commands.progress).ended(1, true);
        assert_eq!(commands.progress().outcome, Outcome::Running);
        lock(&commands.progress).ended(2, false);
        assert_eq!(commands.progress().outcome, Outcome::Refused);
    }
}

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
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
    sender: SyncSender<(Request, String)>,
    progress: Arc<Mutex<Progress>>,
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
                    Ok((request, peer)) => {
                        let asked =
                            guarded(&shared.tally, || carry_out(&*requests, request, &peer));
                        if let Err(reason) = &asked {
                            shared.tally.tell(reason);
                        }
                        let outcome = if asked.is_ok() { Outcome::Done } else { Outcome::Refused };
                        lock(&progress).outcome = outcome;
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
    pub(in crate::plant) fn queue() -> (Self, Receiver<(Request, String)>) {
        let (sender, receiver) = sync_channel(WAITING);
        (Self { sender, progress: Arc::default() }, receiver)
    }

    /// Takes a command; false where too many wait.
    pub(super) fn take(&self, command: u16, request: Request, peer: String) -> bool {
        let mut progress = lock(&self.progress);
        match self.sender.try_send((request, peer)) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => return false,
        }
        progress.command = command;
        progress.count = progress.count.wrapping_add(1);
        progress.outcome = Outcome::Running;
        true
    }

    /// How the last command is.
    pub(super) fn progress(&self) -> Progress {
        *lock(&self.progress)
    }
}

fn carry_out(requests: &dyn Requests, request: Request, peer: &str) -> Result<(), String> {
    log::info!("{peer} asks for {request}");
    let text = request.to_string();
    requests.ask(request, peer).map(drop).map_err(|reason| format!("{peer}: {text}: {reason}"))
}

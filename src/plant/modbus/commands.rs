use std::net::IpAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::plant::server::Shared;
use crate::plant::service::{LOOK, guarded};
use crate::plant::tally::{Count, Tally, lock};
use crate::plant::{Request, Requests};

/// Commands of each kind that wait while one is carried out.
const WAITING: usize = 4;

/// Hands requests to the station without keeping a master waiting: those that take a moment one
/// after another, and beside them those that take as long as goldens or a recipe do, so that a
/// trigger or a hold never waits for these.
pub(in crate::plant) struct Commands {
    quick: SyncSender<Order>,
    slow: SyncSender<Order>,
    /// The connections whose commands are not over, once for each command.
    busy: Arc<Mutex<Vec<Arc<Master>>>>,
    tally: Arc<Tally>,
}

/// Where what [`Commands`] take comes out.
pub(in crate::plant) struct Orders {
    pub(super) quick: Receiver<Order>,
    pub(super) slow: Receiver<Order>,
}

/// Who is at the other end of one connection, and how its commands are: of those of others it is
/// told nothing.
#[derive(Debug)]
pub(in crate::plant) struct Master {
    pub(super) address: IpAddr,
    progress: Mutex<Progress>,
}

/// A request with who asked, and its place among those of the connection.
#[derive(Debug)]
pub(in crate::plant) struct Order {
    pub(super) request: Request,
    pub(super) count: u16,
    pub(super) master: Arc<Master>,
}

/// What the read-back registers show to one connection.
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
    /// Starts the threads that carry them out.
    pub(super) fn start(shared: &Shared) -> Result<Self, String> {
        let (commands, Orders { quick, slow }) = Self::queue(&shared.tally);
        for (name, orders) in [("plant-commands", quick), ("plant-long-commands", slow)] {
            let (shared, busy) = (shared.clone(), commands.busy.clone());
            let work = move || serve(&orders, &shared, &busy);
            let spawned = thread::Builder::new().name(name.to_owned()).spawn(work);
            spawned.map_err(|error| format!("no thread for commands: {error}"))?;
        }
        Ok(commands)
    }

    /// The queues alone, with their other ends.
    pub(in crate::plant) fn queue(tally: &Arc<Tally>) -> (Self, Orders) {
        let ((quick, first), (slow, second)) = (sync_channel(WAITING), sync_channel(WAITING));
        let commands = Self { quick, slow, busy: Arc::default(), tally: tally.clone() };
        (commands, Orders { quick: first, slow: second })
    }

    /// Takes a command; false where too many wait.
    pub(super) fn take(&self, command: u16, request: Request, master: &Arc<Master>) -> bool {
        let queue = match request {
            Request::Trigger | Request::Hold { .. } | Request::Resume => &self.quick,
            Request::Challenge | Request::SelectRecipe(_) => &self.slow,
        };
        let mut busy = lock(&self.busy);
        let mut progress = lock(&master.progress);
        let count = progress.count.wrapping_add(1);
        if queue.try_send(Order { request, count, master: master.clone() }).is_err() {
            return false;
        }
        *progress = Progress { command, count, outcome: Outcome::Running };
        if let Some(other) = busy.iter().find(|other| !Arc::ptr_eq(other, master)) {
            self.tally.add(Count::Overlapped);
            let (own, other) = (master.address, other.address);
            self.tally.tell(&format!("{own}: a command while one of {other} is carried out"));
        }
        busy.push(master.clone());
        true
    }
}

impl Master {
    /// A connection that has asked for nothing yet.
    pub(in crate::plant) fn new(address: IpAddr) -> Arc<Self> {
        Arc::new(Self { address, progress: Mutex::default() })
    }

    /// How its last command is.
    pub(super) fn progress(&self) -> Progress {
        *lock(&self.progress)
    }
}

/// Carries out one order after another until it is time to stop.
fn serve(orders: &Receiver<Order>, shared: &Shared, busy: &Mutex<Vec<Arc<Master>>>) {
    while !shared.stop.is_stopping() {
        match orders.recv_timeout(LOOK) {
            Ok(Order { request, count, master }) => {
                let peer = format!("modbus {}", master.address);
                let requests = &*shared.doors.requests;
                let asked = guarded(&shared.tally, || carry_out(requests, request, &peer));
                if let Err(reason) = &asked {
                    shared.tally.tell(reason);
                }
                ended(busy, &master, count, asked.is_ok());
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// A command of this master is over.
fn ended(busy: &Mutex<Vec<Arc<Master>>>, master: &Arc<Master>, count: u16, is_done: bool) {
    let mut busy = lock(busy);
    if let Some(place) = busy.iter().position(|other| Arc::ptr_eq(other, master)) {
        busy.swap_remove(place);
    }
    lock(&master.progress).ended(count, is_done);
}

impl Progress {
    /// Takes note of how a command ended; of one that others came after nothing is told.
    fn ended(&mut self, count: u16, is_done: bool) {
        if self.count == count {
            self.outcome = if is_done { Outcome::Done } else { Outcome::Refused };
        }
    }
}

fn carry_out(requests: &dyn Requests, request: Request, peer: &str) -> Result<(), String> {
    log::info!("{peer} asks for {request}");
    let text = request.to_string();
    requests.ask(request, peer).map(drop).map_err(|reason| format!("{peer}: {text}: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> (Commands, Orders) {
        Commands::queue(&Arc::new(Tally::new("modbus")))
    }

    fn master() -> Arc<Master> {
        Master::new(IpAddr::from([10, 0, 0, 1]))
    }

    #[test]
    fn the_outcome_shown_is_that_of_the_last_command() {
        let ((commands, orders), master) = (queue(), master());
        let take = || commands.take(1, Request::Trigger, &master);
        assert!(take() && take());
        let counts: Vec<u16> = orders.quick.try_iter().map(|order| order.count).collect();
        assert_eq!(counts, [1, 2]);
        ended(&commands.busy, &master, 1, true);
        assert_eq!(master.progress().outcome, Outcome::Running);
        ended(&commands.busy, &master, 2, false);
        assert_eq!(master.progress().outcome, Outcome::Refused);
        assert!(lock(&commands.busy).is_empty());
    }

    #[test]
    fn what_takes_long_has_a_queue_of_its_own() {
        let ((commands, orders), master) = (queue(), master());
        while commands.take(4, Request::Challenge, &master) {}
        let hold = Request::Hold { reason: String::new() };
        for request in [Request::Trigger, hold, Request::Resume] {
            assert!(commands.take(1, request, &master));
        }
        assert_eq!(orders.slow.try_iter().count(), WAITING);
        assert_eq!(orders.quick.try_iter().count(), 3);
    }

    #[test]
    fn masters_see_their_own_commands_and_overlaps_are_counted() {
        let (commands, _orders) = queue();
        let (first, second) = (master(), master());
        assert!(commands.take(1, Request::Trigger, &first));
        assert!(commands.take(1, Request::Trigger, &first));
        assert_eq!(commands.tally.read(Count::Overlapped), 0);
        assert!(commands.take(3, Request::Resume, &second));
        assert_eq!(commands.tally.read(Count::Overlapped), 1);
        ended(&commands.busy, &second, 1, false);
        assert_eq!(second.progress().outcome, Outcome::Refused);
        assert_eq!((first.progress().count, first.progress().outcome), (2, Outcome::Running));
        [1, 2].into_iter().for_each(|count| ended(&commands.busy, &first, count, true));
        assert!(commands.take(3, Request::Resume, &second));
        assert_eq!(commands.tally.read(Count::Overlapped), 1);
    }
}

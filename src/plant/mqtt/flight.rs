use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Messages that were sent and not acknowledged, in the order in which they were sent.
#[derive(Debug, Default)]
pub(super) struct Flight {
    sent: VecDeque<Sent>,
    last_id: u16,
}

#[derive(Debug)]
struct Sent {
    id: u16,
    what: What,
    at: Instant,
    is_acknowledged: bool,
}

/// What a message was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// The result with this sequence number.
    Result(u64),
    /// A retained topic, by its place in the list of these.
    Kept(usize),
}

impl Flight {
    /// An id for a message that is sent now: not 0, and of none that is in flight (2.3.1).
    pub(super) fn send(&mut self, what: What) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            let id = self.last_id;
            if self.sent.iter().all(|sent| sent.id != id) {
                self.sent.push_back(Sent { id, what, at: Instant::now(), is_acknowledged: false });
                return id;
            }
        }
    }

    /// Takes an acknowledgement, in whatever order they come; gives what it was for.
    pub(super) fn acknowledge(&mut self, id: u16) -> Option<What> {
        let sent = self.sent.iter_mut().find(|sent| sent.id == id && !sent.is_acknowledged)?;
        sent.is_acknowledged = true;
        Some(sent.what)
    }

    /// Takes out those messages before which none is left unacknowledged; gives the last result.
    pub(super) fn settle(&mut self) -> Option<u64> {
        let mut last = None;
        while let Some(sent) = self.sent.pop_front_if(|sent| sent.is_acknowledged) {
            if let What::Result(seq) = sent.what {
                last = Some(seq);
            }
        }
        last
    }

    /// Messages in flight.
    pub(super) fn len(&self) -> usize {
        self.sent.len()
    }

    /// How long the broker has owed the oldest acknowledgement.
    pub(super) fn age(&self) -> Duration {
        self.sent.front().map_or(Duration::ZERO, |sent| sent.at.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_counts_when_all_before_it_were_acknowledged() {
        let mut flight = Flight::default();
        let ids = [1, 2, 3].map(|seq| flight.send(What::Result(seq)));
        assert_eq!(flight.acknowledge(ids[1]), Some(What::Result(2)));
        assert_eq!(flight.settle(), None);
        assert_eq!(flight.acknowledge(ids[0]), Some(What::Result(1)));
        assert_eq!(flight.settle(), Some(2));
        assert_eq!(flight.acknowledge(ids[0]), None);
        assert_eq!(flight.acknowledge(9_999), None);
        assert_eq!(flight.len(), 1);
    }

    #[test]
    fn ids_run_over_without_zero_and_without_those_in_flight() {
        let mut flight = Flight::default();
        let first = flight.send(What::Kept(0));
        for number in 0..70_000 {
            let id = flight.send(What::Result(number));
            assert!(id != 0 && id != first);
            assert!(flight.acknowledge(id).is_some());
            if number > 0 {
                flight.sent.pop_back();
            }
        }
    }
}

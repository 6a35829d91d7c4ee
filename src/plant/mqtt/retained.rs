use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::plant::Snapshot;
use crate::plant::tally::Tally;

/// The retained topics below the prefix, `status` apart.
pub(super) const TOPICS: [&str; 3] = ["state", "counters", "health"];

/// What the broker knows of the retained topics.
#[derive(Debug)]
pub(super) struct Retained {
    every: Duration,
    topics: [Topic; TOPICS.len()],
}

#[derive(Debug, Default)]
struct Topic {
    told: String,
    at: Option<Instant>,
    is_in_flight: bool,
}

impl Retained {
    /// Nothing is known to the broker yet.
    pub(super) fn new(every: Duration) -> Self {
        Self { every, topics: Default::default() }
    }

    /// Whether any topic may be told again.
    pub(super) fn is_time(&self) -> bool {
        self.topics.iter().any(|topic| topic.may_be_told(self.every))
    }

    /// Those that changed and may be told now, with their content.
    pub(super) fn due(&mut self, contents: [String; TOPICS.len()]) -> Vec<(usize, String)> {
        let every = self.every;
        let topics = self.topics.iter_mut().zip(contents).enumerate();
        let due = topics.filter_map(|(place, (topic, content))| {
            if !topic.may_be_told(every) {
                return None;
            }
            topic.at = Some(Instant::now());
            if topic.told == content {
                return None;
            }
            topic.told.clone_from(&content);
            topic.is_in_flight = true;
            Some((place, content))
        });
        due.collect()
    }

    /// Those that changed, whether or not it is time: there is no later.
    pub(super) fn last(&self, contents: [String; TOPICS.len()]) -> Vec<(usize, String)> {
        let changed = |(place, content): &(usize, String)| self.topics[*place].told != *content;
        contents.into_iter().enumerate().filter(changed).collect()
    }

    /// The broker has it.
    pub(super) fn acknowledged(&mut self, place: usize) {
        if let Some(topic) = self.topics.get_mut(place) {
            topic.is_in_flight = false;
        }
    }
}

impl Topic {
    fn may_be_told(&self, every: Duration) -> bool {
        !self.is_in_flight && self.at.is_none_or(|at| at.elapsed() >= every)
    }
}

/// What the topics say now, by their places.
pub(super) fn contents(snapshot: &Snapshot, services: &[Arc<Tally>]) -> [String; TOPICS.len()] {
    let services: Vec<_> = services.iter().map(|tally| tally.status()).collect();
    [
        json!({
            "station": snapshot.station,
            "state": snapshot.state,
            "cause": snapshot.cause,
            "reason": snapshot.reason,
            "recipe": snapshot.recipe,
        }),
        json!({
            "station": snapshot.station,
            "counters": snapshot.counters,
            "rates": snapshot.rates,
            "to_leaving": snapshot.to_leaving,
            "inspection": snapshot.inspection,
            "last_part": snapshot.last.as_ref().map(|last| last.number),
        }),
        json!({
            "station": snapshot.station,
            "services": services,
            "upkeep": snapshot.upkeep,
            "drift": snapshot.drift,
        }),
    ]
    .map(|content| content.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_told_when_it_changed_and_the_broker_has_the_last() {
        let mut retained = Retained::new(Duration::ZERO);
        let contents = |state: &str| [state.to_owned(), String::from("c"), String::from("h")];
        let places = |due: Vec<(usize, String)>| due.iter().map(|it| it.0).collect::<Vec<_>>();
        assert_eq!(places(retained.due(contents("a"))), [0, 1, 2]);
        assert!(!retained.is_time());
        assert_eq!(places(retained.due(contents("b"))), [0_usize; 0]);
        (0..3).for_each(|place| retained.acknowledged(place));
        assert!(retained.is_time());
        assert_eq!(places(retained.due(contents("b"))), [0]);
    }

    #[test]
    fn a_topic_that_changes_all_the_time_is_told_at_intervals() {
        let mut retained = Retained::new(Duration::from_secs(3_600));
        for number in 0..10 {
            let due = retained.due([number.to_string(), number.to_string(), number.to_string()]);
            assert_eq!(due.is_empty(), number > 0);
            (0..3).for_each(|place| retained.acknowledged(place));
        }
    }
}

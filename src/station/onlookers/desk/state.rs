use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a result stays on the screen.
const SHOWN: Duration = Duration::from_secs(5);
/// After so long a choice that nobody took is forgotten.
const CHOICE: Duration = Duration::from_secs(20);

/// What is on the screen beside what the station does.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) page: Page,
    /// The place of the recipe that is pointed at.
    pub(super) choice: Option<usize>,
    chosen: Option<Instant>,
    /// The recipe that was asked for.
    pub(super) change: Option<(String, Asked)>,
    pub(super) challenge: Option<Asked>,
}

/// What the screen shows while nothing else is the matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Page {
    #[default]
    Live,
    Trend,
}

/// Something that takes long, and its answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub(super) answer: Arc<Mutex<Option<Value>>>,
    /// Since when the answer is there.
    answered: Option<Instant>,
}

impl State {
    pub(super) fn next_screen(&mut self) {
        self.forget_results();
        self.page = match self.page {
            Page::Live => Page::Trend,
            Page::Trend => Page::Live,
        };
    }

    /// Whoever has seen a message sees the line again.
    pub(super) fn acknowledged(&mut self) {
        self.forget_results();
        self.page = Page::Live;
    }

    /// Points at the recipe after the one pointed at, or after the one in force.
    pub(super) fn next_recipe(&mut self, in_force: usize, count: usize) {
        self.change = self.change.take().filter(|(_, asked)| asked.is_open());
        if count > 0 && self.change.is_none() {
            self.choice = Some((self.choice.unwrap_or(in_force) + 1) % count);
            self.chosen = Some(Instant::now());
        }
    }

    /// Whether something that was asked for takes its time.
    pub(super) fn is_busy(&self) -> bool {
        let change = self.change.as_ref().map(|(_, asked)| asked);
        change.into_iter().chain(&self.challenge).any(Asked::is_open)
    }

    /// Notes answers and forgets what was shown long enough.
    pub(super) fn look(&mut self) {
        if self.chosen.is_some_and(|at| at.elapsed() >= CHOICE) {
            (self.choice, self.chosen) = (None, None);
        }
        if let Some(asked) = &mut self.challenge {
            asked.look();
        }
        self.challenge = self.challenge.take().filter(Asked::is_shown);
        if let Some((_, asked)) = &mut self.change {
            asked.look();
        }
        self.change = self.change.take().filter(|(_, asked)| asked.is_shown());
    }

    fn forget_results(&mut self) {
        (self.choice, self.chosen) = (None, None);
        self.change = self.change.take().filter(|(_, asked)| asked.is_open());
        self.challenge = self.challenge.take().filter(Asked::is_open);
    }
}

impl Asked {
    /// `None` while it is under way, then whether it was done, or why not.
    pub(super) fn result(&self) -> Option<Result<(), String>> {
        let answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = answer.as_ref()?;
        if answer["ok"] == Value::Bool(true) {
            return Some(Ok(()));
        }
        Some(Err(answer["error"].as_str().unwrap_or("the station gave no reason").to_owned()))
    }

    fn is_open(&self) -> bool {
        self.result().is_none()
    }

    fn look(&mut self) {
        if self.answered.is_none() && !self.is_open() {
            self.answered = Some(Instant::now());
        }
    }

    fn is_shown(&self) -> bool {
        self.answered.is_none_or(|at| at.elapsed() < SHOWN)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answered(value: Value) -> Asked {
        let asked = Asked::default();
        *asked.answer.lock().expect("no thread panicked") = Some(value);
        asked
    }

    #[test]
    fn pointing_goes_around_from_the_recipe_in_force() {
        let mut state = State::default();
        state.next_recipe(1, 3);
        assert_eq!(state.choice, Some(2));
        state.next_recipe(1, 3);
        assert_eq!(state.choice, Some(0));
        state.acknowledged();
        assert_eq!(state.choice, None);
    }

    #[test]
    fn nothing_is_pointed_at_while_a_recipe_is_being_changed() {
        let mut state = State { change: Some(("b".into(), Asked::default())), ..State::default() };
        assert!(state.is_busy());
        state.next_recipe(0, 3);
        assert_eq!(state.choice, None);
        state.change = Some(("b".into(), answered(json!({ "ok": false, "error": "stale" }))));
        assert!(!state.is_busy());
        state.next_recipe(0, 3);
        assert_eq!(state.choice, Some(1));
    }

    #[test]
    fn an_answer_says_whether_it_was_done() {
        assert_eq!(Asked::default().result(), None);
        assert_eq!(answered(json!({ "ok": true })).result(), Some(Ok(())));
        let refused = answered(json!({ "ok": false, "error": "no" })).result();
        assert_eq!(refused, Some(Err("no".to_owned())));
        assert!(answered(json!({})).result().is_some_and(|result| result.is_err()));
    }
}

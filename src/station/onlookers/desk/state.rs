use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::panel::Refused;
use crate::station::Health;

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
    /// The last press that nothing was done for.
    refused: Option<(Refused, Instant)>,
    /// The station's health, and since when it is that.
    health: Option<(Health, Instant)>,
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
    /// Turns the page; gives its name.
    pub(super) fn next_screen(&mut self) -> &'static str {
        self.forget_results();
        let (page, name) = match self.page {
            Page::Live => (Page::Trend, "trend"),
            Page::Trend => (Page::Live, "line"),
        };
        self.page = page;
        name
    }

    /// Nothing was done for a press.
    pub(super) fn refuse(&mut self, refused: Refused) {
        self.refused = Some((refused, Instant::now()));
    }

    /// The last press that nothing was done for, while it is shown.
    pub(super) fn refused(&self) -> Option<&Refused> {
        self.refused.as_ref().map(|(refused, _)| refused)
    }

    /// For how long the station is as it is.
    pub(super) fn standing(&self) -> Option<Duration> {
        self.health.map(|(_, since)| since.elapsed())
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
    pub(super) fn look(&mut self, health: Health) {
        if self.health.is_none_or(|(known, _)| known != health) {
            self.health = Some((health, Instant::now()));
        }
        self.refused = self.refused.take().filter(|(_, at)| at.elapsed() < SHOWN);
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
    fn a_refusal_is_shown_for_a_moment() {
        let mut state = State::default();
        state.refuse(Refused::Busy);
        state.look(Health::Running);
        assert_eq!(state.refused(), Some(&Refused::Busy));
        let long_ago = Instant::now().checked_sub(SHOWN);
        state.refused = long_ago.map(|at| (Refused::Busy, at));
        state.look(Health::Running);
        assert_eq!(state.refused(), None);
    }

    #[test]
    fn a_standstill_is_counted_from_its_beginning() {
        let mut state = State::default();
        let before = Instant::now().checked_sub(Duration::from_secs(90));
        state.health = before.map(|at| (Health::Held, at));
        state.look(Health::Held);
        assert!(state.standing().is_some_and(|it| it >= Duration::from_secs(90)));
        state.look(Health::Running);
        assert!(state.standing().is_some_and(|it| it < Duration::from_secs(60)));
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

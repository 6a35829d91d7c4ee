use std::collections::HashMap;
use std::hash::Hash;

use super::{Action, ButtonConfig, Press};

/// Lets through the first of several changes that one press makes.
///
/// A button counts when it goes down after it was up, and not sooner than the lockout after it last
/// counted. Times are nanoseconds of one monotonic clock.
#[derive(Debug, Clone)]
pub struct Debounce<K> {
    lockout_ns: i64,
    last: HashMap<K, i64>,
}

/// Which GPIO button does what; edges come from whoever watches the lines.
#[derive(Debug, Clone)]
pub struct ButtonMap {
    buttons: Vec<ButtonConfig>,
    debounce: Debounce<usize>,
}

impl<K: Hash + Eq> Debounce<K> {
    /// With a lockout in nanoseconds.
    pub fn new(lockout_ns: i64) -> Self {
        Self { lockout_ns, last: HashMap::new() }
    }

    /// Whether a button that went down at this time counts.
    pub fn counts(&mut self, button: K, ns: i64) -> bool {
        let is_bounce = |last: &i64| (0..self.lockout_ns).contains(&ns.saturating_sub(*last));
        if self.last.get(&button).is_some_and(is_bounce) {
            return false;
        }
        self.last.insert(button, ns);
        true
    }
}

impl ButtonMap {
    /// The buttons of a configuration, in its order.
    pub fn new(buttons: Vec<ButtonConfig>, debounce_ns: i64) -> Self {
        Self { buttons, debounce: Debounce::new(debounce_ns) }
    }

    /// The buttons, whose lines are to be watched.
    pub fn buttons(&self) -> &[ButtonConfig] {
        &self.buttons
    }

    /// What an edge of the button at `index` means, at a time in nanoseconds: nothing while it bounces.
    pub fn edge(&mut self, index: usize, ns: i64) -> Option<Press> {
        let button = self.buttons.get(index)?;
        if !self.debounce.counts(index, ns) {
            return None;
        }
        let ButtonConfig { action, chip, line, .. } = button;
        Some(Press { action: *action, source: format!("{chip} line {line}") })
    }

    /// The actions that have a button.
    pub fn actions(&self) -> impl Iterator<Item = Action> {
        self.buttons.iter().map(|button| button.action)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn one_press_that_bounces_counts_once_and_the_next_counts_again() {
        let mut debounce = Debounce::new(50 * MS);
        let counted = [0, 1, 7, 49, 50, 60, 200].map(|at| debounce.counts("hold", at * MS));
        assert_eq!(counted, [true, false, false, false, true, false, true]);
    }

    #[test]
    fn buttons_do_not_lock_each_other_out() {
        let mut debounce = Debounce::new(50 * MS);
        assert!(debounce.counts(1, 0) && debounce.counts(2, 1) && !debounce.counts(1, 2));
    }

    #[test]
    fn a_clock_that_goes_backwards_does_not_lock_a_button_for_ever() {
        let mut debounce = Debounce::new(50 * MS);
        assert!(debounce.counts(1, i64::MAX) && debounce.counts(1, i64::MIN));
    }

    #[test]
    fn an_edge_is_a_press_of_the_button_of_its_line() {
        let button = |action, line| ButtonConfig {
            action,
            chip: "pinctrl".to_owned(),
            line,
            active_low: true,
        };
        let buttons = vec![button(Action::Hold, 5), button(Action::Resume, 6)];
        let mut map = ButtonMap::new(buttons, 50 * MS);
        let press = map.edge(1, 0).unwrap();
        assert_eq!((press.action, press.source.as_str()), (Action::Resume, "pinctrl line 6"));
        assert_eq!(map.edge(1, MS), None);
        assert_eq!(map.edge(9, MS), None);
        assert_eq!(map.actions().count(), 2);
    }
}

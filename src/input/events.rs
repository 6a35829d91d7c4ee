use std::path::PathBuf;

use evdev::{AbsoluteAxisCode, EventSummary, InputEvent, KeyCode};

use super::config::InputsConfig;
use super::touch::{Axis, placed};
use super::{Action, Debounce, Press, TouchMap};

/// Turns the events of one device into presses: a state machine without a device.
///
/// A key counts when it goes down. A touch counts when the finger is lifted from the button it went
/// down on: a finger that slides away has changed its mind.
#[derive(Debug)]
pub(super) struct Reader {
    path: PathBuf,
    keys: Vec<(KeyCode, Action)>,
    debounce: Debounce<u16>,
    touch: Touch,
}

#[derive(Debug)]
struct Touch {
    map: TouchMap,
    place: super::Place,
    axes: Option<(Axis, Axis)>,
    at: (i32, i32),
    /// The contact that events are about (multi-touch protocol B).
    slot: i32,
    /// The contact that is followed: the first that went down.
    followed: Option<i32>,
    /// Whether the device speaks of contacts; what it says of one finger then is left out, for the
    /// kernel derives it from any contact.
    has_contacts: bool,
    is_down: bool,
    was_down: bool,
    began_on: Option<Action>,
}

impl Reader {
    /// A reader for the device at `path`; `axes` are those of a touch screen.
    pub(super) fn new(
        path: PathBuf,
        config: &InputsConfig,
        (axes, map): (Option<(Axis, Axis)>, TouchMap),
    ) -> Self {
        let touch = Touch {
            map,
            place: config.place,
            axes,
            at: (0, 0),
            slot: 0,
            followed: None,
            has_contacts: false,
            is_down: false,
            was_down: false,
            began_on: None,
        };
        let debounce = Debounce::new(config.debounce_ns());
        Self { path, keys: config.keys.clone(), debounce, touch }
    }

    /// What an event at a time in nanoseconds asks for.
    pub(super) fn event(&mut self, event: InputEvent, ns: i64) -> Option<Press> {
        match event.destructure() {
            EventSummary::Key(_, KeyCode::BTN_TOUCH, value) => {
                self.touch.button(value != 0);
                None
            }
            EventSummary::Key(_, key, 1) => self.key(key, ns),
            EventSummary::AbsoluteAxis(_, axis, value) => {
                self.touch.axis(axis, value);
                None
            }
            EventSummary::Synchronization(..) => self.report(ns),
            _ => None,
        }
    }

    fn key(&mut self, key: KeyCode, ns: i64) -> Option<Press> {
        let (_, action) = *self.keys.iter().find(|(known, _)| *known == key)?;
        let source = format!("{} {key:?}", self.path.display());
        self.debounce.counts(key.code(), ns).then_some(Press { action, source })
    }

    /// The end of one report: a finger went down, moved or was lifted.
    fn report(&mut self, ns: i64) -> Option<Press> {
        let action = self.touch.report()?;
        let source = format!("{} touch", self.path.display());
        let is_counted = self.debounce.counts(KeyCode::BTN_TOUCH.code(), ns);
        is_counted.then_some(Press { action, source })
    }
}

impl Touch {
    fn button(&mut self, is_down: bool) {
        if !self.has_contacts {
            self.is_down = is_down;
        }
    }

    fn axis(&mut self, axis: AbsoluteAxisCode, value: i32) {
        match axis {
            AbsoluteAxisCode::ABS_MT_SLOT => {
                self.has_contacts = true;
                self.slot = value;
            }
            AbsoluteAxisCode::ABS_MT_TRACKING_ID => self.contact(value >= 0),
            AbsoluteAxisCode::ABS_MT_POSITION_X if self.is_followed() => self.at.0 = value,
            AbsoluteAxisCode::ABS_MT_POSITION_Y if self.is_followed() => self.at.1 = value,
            AbsoluteAxisCode::ABS_X if !self.has_contacts => self.at.0 = value,
            AbsoluteAxisCode::ABS_Y if !self.has_contacts => self.at.1 = value,
            _ => {}
        }
    }

    /// A contact began, or ended with -1 (linux, multi-touch protocol B): others than the one that is
    /// followed are fingers beside it.
    fn contact(&mut self, begins: bool) {
        self.has_contacts = true;
        match (self.followed, begins) {
            (None, true) => (self.followed, self.is_down) = (Some(self.slot), true),
            (Some(followed), false) if followed == self.slot => {
                (self.followed, self.is_down) = (None, false);
            }
            _ => {}
        }
    }

    /// Whether events are about the contact that is followed.
    fn is_followed(&self) -> bool {
        self.followed.is_some_and(|followed| followed == self.slot)
    }

    fn report(&mut self) -> Option<Action> {
        let axes = self.axes?;
        let action = self.map.at(placed(self.place, self.at, axes));
        let was_down = std::mem::replace(&mut self.was_down, self.is_down);
        match (was_down, self.is_down) {
            (false, true) => {
                self.began_on = action;
                None
            }
            (true, false) => action.filter(|_| self.began_on.take() == action),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use evdev::{EventType, SynchronizationCode};

    use super::*;
    use crate::frame::Rect;
    use crate::input::RawInputs;

    const MS: i64 = 1_000_000;
    const AXIS: Axis = Axis { minimum: 0, maximum: 4_095 };

    fn reader() -> Reader {
        let map = TouchMap::new();
        map.set(
            (800, 480),
            vec![
                (Rect::new(0, 400, 400, 80), Action::Hold),
                (Rect::new(400, 400, 400, 80), Action::Resume),
            ],
        );
        let keys = vec![(KeyCode::KEY_F1, Action::Hold)];
        let config =
            InputsConfig::validate(&RawInputs::default()).map(|it| InputsConfig { keys, ..it });
        let config = config.unwrap_or_else(|error| panic!("{error}"));
        Reader::new("/dev/input/event0".into(), &config, (Some((AXIS, AXIS)), map))
    }

    fn key(key: KeyCode, value: i32) -> InputEvent {
        InputEvent::new(EventType::KEY.0, key.code(), value)
    }

    fn axis(axis: AbsoluteAxisCode, value: i32) -> InputEvent {
        InputEvent::new(EventType::ABSOLUTE.0, axis.0, value)
    }

    fn report() -> InputEvent {
        InputEvent::new(EventType::SYNCHRONIZATION.0, SynchronizationCode::SYN_REPORT.0, 0)
    }

    fn fed(reader: &mut Reader, events: &[InputEvent], ns: i64) -> Vec<Action> {
        events.iter().filter_map(|event| reader.event(*event, ns)).map(|it| it.action).collect()
    }

    /// A finger at a place of the device, down or lifted.
    fn finger(x: i32, y: i32, is_down: bool) -> Vec<InputEvent> {
        let touch = key(KeyCode::BTN_TOUCH, i32::from(is_down));
        vec![axis(AbsoluteAxisCode::ABS_X, x), axis(AbsoluteAxisCode::ABS_Y, y), touch, report()]
    }

    #[test]
    fn a_key_counts_once_however_long_it_is_held_and_however_it_bounces() {
        let mut reader = reader();
        let hold = [key(KeyCode::KEY_F1, 1), report(), key(KeyCode::KEY_F1, 2), report()];
        assert_eq!(fed(&mut reader, &hold, 0), [Action::Hold]);
        let bounce = [key(KeyCode::KEY_F1, 0), key(KeyCode::KEY_F1, 1)];
        assert!(fed(&mut reader, &bounce, 3 * MS).is_empty());
        assert_eq!(fed(&mut reader, &bounce, 90 * MS), [Action::Hold]);
        assert!(fed(&mut reader, &[key(KeyCode::KEY_A, 1)], 0).is_empty());
    }

    #[test]
    fn a_press_says_which_device_and_which_key() {
        let press = reader().event(key(KeyCode::KEY_F1, 1), 0);
        let source = press.map(|press| press.source);
        assert_eq!(source.as_deref(), Some("/dev/input/event0 KEY_F1"));
    }

    #[test]
    fn a_button_is_pressed_when_the_finger_is_lifted_from_it() {
        let mut reader = reader();
        assert!(fed(&mut reader, &finger(3_000, 3_900, true), 0).is_empty());
        assert_eq!(fed(&mut reader, &finger(3_010, 3_890, false), MS), [Action::Resume]);
    }

    #[test]
    fn a_finger_that_slides_off_its_button_presses_nothing() {
        let mut reader = reader();
        fed(&mut reader, &finger(3_000, 3_900, true), 0);
        assert!(fed(&mut reader, &finger(100, 3_900, false), MS).is_empty());
        fed(&mut reader, &finger(100, 100, true), 90 * MS);
        assert!(fed(&mut reader, &finger(100, 3_900, false), 91 * MS).is_empty());
    }

    #[test]
    fn a_contact_of_the_multi_touch_protocol_is_a_finger_too() {
        let mut reader = reader();
        let place = |id: i32| {
            [
                axis(AbsoluteAxisCode::ABS_MT_TRACKING_ID, id),
                axis(AbsoluteAxisCode::ABS_MT_POSITION_X, 100),
                axis(AbsoluteAxisCode::ABS_MT_POSITION_Y, 4_000),
                report(),
            ]
        };
        assert!(fed(&mut reader, &place(7), 0).is_empty());
        assert_eq!(fed(&mut reader, &place(-1), MS), [Action::Hold]);
    }

    #[test]
    fn a_second_finger_neither_moves_nor_ends_the_first_touch() {
        let mut reader = reader();
        let contact = |slot: i32, id: i32, x: i32| {
            [
                axis(AbsoluteAxisCode::ABS_MT_SLOT, slot),
                axis(AbsoluteAxisCode::ABS_MT_TRACKING_ID, id),
                axis(AbsoluteAxisCode::ABS_MT_POSITION_X, x),
                axis(AbsoluteAxisCode::ABS_MT_POSITION_Y, 4_000),
            ]
        };
        let lifted = |slot: i32| {
            [
                axis(AbsoluteAxisCode::ABS_MT_SLOT, slot),
                axis(AbsoluteAxisCode::ABS_MT_TRACKING_ID, -1),
                report(),
            ]
        };
        fed(&mut reader, &contact(0, 7, 100), 0);
        fed(&mut reader, &[key(KeyCode::BTN_TOUCH, 1), report()], 0);
        fed(&mut reader, &contact(1, 8, 3_000), MS);
        // The kernel's single finger follows whichever contact it likes.
        assert!(fed(&mut reader, &[axis(AbsoluteAxisCode::ABS_X, 3_000), report()], MS).is_empty());
        assert!(fed(&mut reader, &lifted(1), 100 * MS).is_empty());
        assert_eq!(fed(&mut reader, &lifted(0), 200 * MS), [Action::Hold]);
    }
}

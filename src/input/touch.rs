use std::sync::{Arc, Mutex, PoisonError};

use super::{Action, Place};
use crate::frame::Rect;

/// Where the buttons of the screen are now; shared by whoever draws and whoever reads touches.
#[derive(Debug, Clone, Default)]
pub struct TouchMap(Arc<Mutex<Screen>>);

#[derive(Debug, Default)]
struct Screen {
    size: (u32, u32),
    buttons: Vec<(Rect, Action)>,
}

/// The range of one axis of a touch screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axis {
    pub(super) minimum: i32,
    pub(super) maximum: i32,
}

impl TouchMap {
    /// A screen without buttons.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says which buttons the screen has now; `size` is the picture's in pixels.
    pub fn set(&self, size: (u32, u32), buttons: Vec<(Rect, Action)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Screen { size, buttons };
    }

    /// The button at a place of the picture, both coordinates from 0 to 1.
    pub(super) fn at(&self, (x, y): (f32, f32)) -> Option<Action> {
        let screen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (width, height) = screen.size;
        let at = (x * width as f32, y * height as f32);
        screen.buttons.iter().find(|(area, _)| area.contains(at)).map(|(_, action)| *action)
    }
}

impl Axis {
    /// The middle of a step as a share of the axis: never 0 or 1, so that turned ends stay on the
    /// screen.
    fn share(self, value: i32) -> f32 {
        let span = (i64::from(self.maximum) - i64::from(self.minimum) + 1).max(1);
        let value = (i64::from(value) - i64::from(self.minimum)).clamp(0, span - 1);
        ((value as f32 + 0.5) / span as f32).clamp(1e-6, 1.0 - 1e-6)
    }
}

/// Where on the picture a touch is, both coordinates from 0 to 1.
pub(super) fn placed(place: Place, (x, y): (i32, i32), axes: (Axis, Axis)) -> (f32, f32) {
    let (x, y) = (axes.0.share(x), axes.1.share(y));
    match place {
        Place::Upright => (x, y),
        Place::Quarter => (y, 1.0 - x),
        Place::Half => (1.0 - x, 1.0 - y),
        Place::ThreeQuarters => (1.0 - y, x),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AXIS: Axis = Axis { minimum: 0, maximum: 99 };

    #[test]
    fn a_touch_is_on_the_button_below_it() {
        let map = TouchMap::new();
        assert_eq!(map.at((0.5, 0.5)), None);
        let buttons = vec![
            (Rect::new(0, 400, 400, 80), Action::Hold),
            (Rect::new(400, 400, 400, 80), Action::Resume),
        ];
        map.set((800, 480), buttons);
        let found = [(0.1, 0.9), (0.6, 0.9), (0.6, 0.5), (1.0, 1.0)].map(|at| map.at(at));
        assert_eq!(found, [Some(Action::Hold), Some(Action::Resume), None, None]);
        map.clone().set((800, 480), Vec::new());
        assert_eq!(map.at((0.1, 0.9)), None);
    }

    #[test]
    fn a_turned_touch_screen_says_where_the_finger_is_on_the_picture() {
        // Near the device's top left corner.
        let near = |place| {
            let (x, y) = placed(place, (5, 10), (AXIS, AXIS));
            ((x * 100.0) as i32, (y * 100.0) as i32)
        };
        let places = [Place::Upright, Place::Quarter, Place::Half, Place::ThreeQuarters];
        assert_eq!(places.map(near), [(5, 10), (10, 94), (94, 89), (89, 5)]);
    }

    #[test]
    fn wild_values_and_axes_stay_on_the_picture() {
        for value in [i32::MIN, -1, 0, 99, i32::MAX] {
            for axis in [
                AXIS,
                Axis { minimum: i32::MIN, maximum: i32::MAX },
                Axis { minimum: 5, maximum: -5 },
            ] {
                let share = axis.share(value);
                assert!(share > 0.0 && share < 1.0, "{value} {axis:?}");
            }
        }
    }
}

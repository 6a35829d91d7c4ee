use super::sheet::{Anchor, At, BLACK, GREY, PALE, Sheet};

/// Pixels from a tick to its number.
const GAP: f32 = 14.0;
/// Length of a tick, in pixels.
const TICK: f32 = 5.0;

/// A frame on the sheet in which numbers have places.
pub(super) struct Axes {
    /// Left and right end, in pixels.
    pub(super) across: (f32, f32),
    /// Upper and lower end, in pixels.
    pub(super) down: (f32, f32),
    /// The numbers at the left and right end.
    pub(super) x: (f64, f64),
    /// The numbers at the lower and upper end.
    pub(super) y: (f64, f64),
}

/// A number on an axis with its text.
pub(super) type Tick = (f64, String);

impl Axes {
    /// The place of a point, moved to the nearest edge when it lies outside, and to
    /// the low ends when it is no number.
    pub(super) fn place(&self, (x, y): (f64, f64)) -> At {
        let share = |value: f64, (low, high): (f64, f64)| {
            let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
            if share.is_nan() { 0.0 } else { share as f32 }
        };
        let (left, right) = self.across;
        let (top, bottom) = self.down;
        (left + (right - left) * share(x, self.x), bottom - (bottom - top) * share(y, self.y))
    }

    /// Whether a point lies inside.
    pub(super) fn contains(&self, (x, y): (f64, f64)) -> bool {
        (self.x.0..=self.x.1).contains(&x) && (self.y.0..=self.y.1).contains(&y)
    }

    /// Grid and numbers, to be drawn first; names stand below and above the frame.
    pub(super) fn draw(&self, sheet: &mut Sheet, ticks: (&[Tick], &[Tick]), names: (&str, &str)) {
        let ((left, right), (top, bottom)) = (self.across, self.down);
        for (value, text) in ticks.0 {
            let (x, _) = self.place((*value, self.y.0));
            sheet.line(&[(x, top), (x, bottom)], PALE, 1.0);
            sheet.line(&[(x, bottom), (x, bottom + TICK)], BLACK, 1.0);
            sheet.text(text, (x, bottom + GAP), Anchor::Centre, BLACK);
        }
        for (value, text) in ticks.1 {
            let (_, y) = self.place((self.x.0, *value));
            sheet.line(&[(left, y), (right, y)], PALE, 1.0);
            sheet.line(&[(left - TICK, y), (left, y)], BLACK, 1.0);
            sheet.text(text, (left - GAP + 4.0, y), Anchor::Right, BLACK);
        }
        sheet.text(names.0, ((left + right) / 2.0, bottom + 34.0), Anchor::Centre, GREY);
        sheet.text(names.1, (left, top - 16.0), Anchor::Left, GREY);
    }

    /// The frame itself, to be drawn last.
    pub(super) fn frame(&self, sheet: &mut Sheet) {
        let ((left, right), (top, bottom)) = (self.across, self.down);
        sheet.line(&[(left, top), (left, bottom), (right, bottom)], BLACK, 1.5);
    }
}

/// Shares from `low` to `high` in steps, as percent.
pub(super) fn percent_ticks((low, high): (f64, f64), steps: u32) -> Vec<Tick> {
    let value = |step: u32| low + (high - low) * f64::from(step) / f64::from(steps);
    (0..=steps).map(|step| (value(step), format!("{:.0}", value(step) * 100.0))).collect()
}

//! Screens: which widgets stand where, for each kind of scene.
//!
//! Owns the arrangement of every screen, from the same pieces: header, band, body, buttons. It
//! draws nothing.

mod challenge;
mod notice;
mod recipe;
mod running;
mod trend;

use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::primitives::Rectangle;

use super::layout::{Class, Metrics, Space};
use super::locale::Words;
use super::scene::{Button, ButtonKind, Counters, Health, Scene, Screen, Strip};
use super::sign::Sign;
use super::theme::Tone;
use super::widget::{Band, Cell, Header, Key, Line, Placed, Widget};
use crate::frame::Rect;

/// What every screen is arranged with.
struct Stage<'a> {
    scene: &'a Scene,
    words: &'static Words,
    metrics: Metrics,
    placed: Vec<Placed>,
}

/// The widgets of a scene on a screen of this size; areas do not overlap.
pub(super) fn arrange(scene: &Scene, size: Size) -> Vec<Placed> {
    let metrics = Metrics::of(size);
    let words = Words::of(scene.language);
    let mut stage = Stage { scene, words, metrics, placed: Vec::new() };
    let mut space = Space(Rectangle::new(Point::zero(), size));
    stage.header(&mut space);
    stage.buttons(&mut space);
    if let Some(strip) = &scene.strip {
        stage.strip(&mut space, strip);
    }
    match &scene.screen {
        Screen::Running(part) => stage.running(space, part.as_ref()),
        Screen::Notice(notice) => stage.notice(space, notice),
        Screen::Challenge(challenge) => stage.challenge(space, challenge),
        Screen::RecipeChange(change) => stage.recipe_change(space, change),
        Screen::Trend(trend) => stage.trend(space, trend),
    }
    stage.placed
}

/// Where the buttons of a scene are on a screen of this size; those that do nothing now are left
/// out.
pub fn buttons(scene: &Scene, size: Size) -> Vec<(ButtonKind, Rect)> {
    let metrics = Metrics::of(size);
    let mut space = Space(Rectangle::new(Point::zero(), size));
    let places = key_places(&scene.buttons, metrics, &mut space);
    let enabled = scene.buttons.iter().zip(places).filter(|(button, _)| button.is_enabled);
    let rect = |area: Rectangle| {
        // Areas lie on the screen.
        let Point { x, y } = area.top_left;
        Rect::new(x.max(0) as u32, y.max(0) as u32, area.size.width, area.size.height)
    };
    enabled.map(|(button, area)| (button.kind, rect(area))).collect()
}

fn key_places(buttons: &[Button], metrics: Metrics, space: &mut Space) -> Vec<Rectangle> {
    if buttons.is_empty() {
        return Vec::new();
    }
    let gap = metrics.gap();
    let bar = space.bottom(metrics.bar_height() + gap, 0);
    let mut inner = Space(bar);
    inner.bottom(gap, 0);
    inner.left(gap, 0);
    inner.right(gap, 0);
    // Never more than a few: each kind once.
    inner.columns(buttons.len() as u32, gap)
}

impl Stage<'_> {
    fn place(&mut self, area: Rectangle, widget: Widget) {
        if area.size.width > 0 && area.size.height > 0 {
            self.placed.push(Placed { area, widget });
        }
    }

    fn header(&mut self, space: &mut Space) {
        let (tone, sign) = health_look(self.scene.health);
        let header = Header {
            station: self.scene.station.clone(),
            recipe: self.scene.recipe.clone(),
            health: self.words.health(self.scene.health),
            tone,
            sign,
            title: self.metrics.title(),
            caption: self.metrics.caption(),
        };
        let area = space.top(self.metrics.header_height(), 0);
        self.place(area, Widget::Header(header));
    }

    fn buttons(&mut self, space: &mut Space) {
        let places = key_places(&self.scene.buttons, self.metrics, space);
        for (button, area) in self.scene.buttons.iter().zip(places) {
            let key = Key {
                word: self.words.button(button.kind),
                is_enabled: button.is_enabled,
                style: self.metrics.title(),
            };
            self.place(area, Widget::Key(key));
        }
    }

    /// One line below the header; two where a narrow screen has no room for both texts in one.
    fn strip(&mut self, space: &mut Space, strip: &Strip) {
        let words = self.words;
        let (tone, headline, detail) = match strip {
            Strip::Degraded { causes, detail } => {
                let causes: Vec<&str> = causes.iter().map(|cause| words.cause(*cause)).collect();
                (Tone::Attention, causes.join(" / "), detail.as_str())
            }
            Strip::Refused(refused) => {
                (Tone::Busy, words.refusals.refused.to_owned(), words.refusal(refused))
            }
        };
        // A compact screen has room for one of the two.
        let is_refusal = matches!(strip, Strip::Refused(_));
        let (headline, detail) = match (self.metrics.class, is_refusal) {
            (Class::Compact, true) => (detail.to_owned(), ""),
            (Class::Compact, false) => (headline, ""),
            _ => (headline, detail),
        };
        let strip = Line {
            tone,
            sign: Sign::Warning,
            headline,
            detail: detail.to_owned(),
            large: self.metrics.title(),
            small: self.metrics.caption(),
            line_height: self.metrics.title().line_height() + self.metrics.px(4),
        };
        let height = strip.height(space.0.size.width);
        // Apart from the band below it, which may have the same colour.
        let area = space.top(height, self.metrics.px(3).max(2));
        self.place(area, Widget::Line(strip));
    }

    /// The band below the header; gives the body below it.
    fn band(
        &mut self,
        mut space: Space,
        (tone, sign): (Tone, Sign),
        (word, detail): (&str, Option<String>),
    ) -> Space {
        let style = self.metrics.verdict();
        let band = Band { tone, sign, word: word.to_owned(), detail, style };
        let area = space.top(self.metrics.band_height(), 0);
        self.place(area, Widget::Band(band));
        Space::inset(space.0, self.metrics.gap())
    }

    /// The counters in so many columns, as rows of cells; the space is what they fill.
    fn counters(&mut self, space: Space, columns: u32) {
        let cells = self.cells();
        let gap = (self.metrics.gap() / 2).max(1);
        let rows = (cells.len() as u32).div_ceil(columns);
        let places =
            space.rows(rows, gap).into_iter().flat_map(|row| Space(row).columns(columns, gap));
        for (cell, area) in cells.into_iter().zip(places.collect::<Vec<_>>()) {
            self.place(area, Widget::Cell(cell));
        }
    }

    fn cells(&self) -> Vec<Cell> {
        let Counters { parts, conforming, mismatch, not_inspected, per_minute } =
            self.scene.counters;
        let yielded = self.scene.counters.yield_ratio();
        let yielded = yielded.map_or("-".to_owned(), |ratio| format!("{:.1} %", ratio * 100.0));
        let captions = &self.words.captions;
        let all = [
            (captions.parts, grouped(parts), Tone::Quiet),
            (captions.conforming, grouped(conforming), Tone::Good),
            (
                captions.mismatch,
                grouped(mismatch),
                if mismatch > 0 { Tone::Bad } else { Tone::Quiet },
            ),
            (
                captions.uninspected,
                grouped(not_inspected),
                if not_inspected > 0 { Tone::Attention } else { Tone::Quiet },
            ),
            (captions.yield_ratio, yielded, Tone::Quiet),
            (captions.rate, format!("{per_minute:.0}"), Tone::Quiet),
        ];
        let (small, large) = (self.metrics.caption(), self.metrics.strong());
        // A compact screen has room for four: how many came, and how many went wrong.
        let is_shown =
            |index: &usize| self.metrics.class != Class::Compact || [0, 2, 3, 4].contains(index);
        all.into_iter()
            .enumerate()
            .filter(|(index, _)| is_shown(index))
            .map(|(_, cell)| cell)
            .map(|(caption, value, tone)| Cell { caption, value, tone, small, large })
            .collect()
    }
}

fn health_look(health: Health) -> (Tone, Sign) {
    match health {
        Health::Starting => (Tone::Busy, Sign::Dots),
        Health::Running => (Tone::Good, Sign::Tick),
        Health::Degraded => (Tone::Attention, Sign::Warning),
        Health::Held => (Tone::Attention, Sign::Pause),
        Health::Faulted => (Tone::Bad, Sign::Fault),
    }
}

/// A number with its thousands set apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::panel::scene::Language;
    use crate::panel::{Memory, Panel, demo};

    const SIZES: [(u32, u32); 10] = [
        (320, 240),
        (240, 320),
        (480, 320),
        (320, 480),
        (640, 480),
        (800, 480),
        (480, 800),
        (1024, 600),
        (1280, 800),
        (800, 1280),
    ];

    #[test]
    fn areas_lie_on_the_screen_and_never_overlap() {
        for (width, height) in SIZES {
            let size = Size::new(width, height);
            let screen = Rectangle::new(Point::zero(), size);
            for (name, scene) in demo::scenes(Language::En, None) {
                let placed = arrange(&scene, size);
                for (index, one) in placed.iter().enumerate() {
                    assert_eq!(one.area.intersection(&screen), one.area, "{name} {width}x{height}");
                    for other in &placed[index + 1..] {
                        let common = one.area.intersection(&other.area);
                        assert!(
                            common.is_zero_sized(),
                            "{name} {width}x{height}: {:?} {:?}",
                            one.widget,
                            other.widget
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn what_the_demonstration_says_fits_on_every_screen() {
        // On 240 columns the header has no room for the names of both station and recipe.
        for (width, height) in SIZES.into_iter().filter(|(width, _)| *width > 240) {
            for language in [Language::En, Language::Ja] {
                for (name, scene) in demo::scenes(language, None) {
                    let mut display = Memory::new(Size::new(width, height)).unwrap();
                    let drawn = Panel::new().draw(&scene, &mut display).unwrap();
                    let found = (drawn.cut_texts, drawn.unknown_glyphs);
                    assert_eq!(found, (0, 0), "{name} {width}x{height} {language:?}");
                }
            }
        }
    }

    #[test]
    fn verdicts_keep_their_size_on_seven_inches_in_both_languages() {
        for language in [Language::En, Language::Ja] {
            for (name, scene) in demo::scenes(language, None) {
                let placed = arrange(&scene, Size::new(800, 480));
                let band = placed.iter().find_map(|placed| match &placed.widget {
                    Widget::Band(band) => Some((placed.area.size, band)),
                    _ => None,
                });
                let Some((size, band)) = band.filter(|_| name.starts_with("running")) else {
                    continue;
                };
                // As the band divides itself: margins and the sign left of the word.
                let left = size.height / 8 * 3 + size.height * 3 / 4;
                let word = band.style.width(&band.word);
                assert!(left + word <= size.width, "{name}: {} {word}", band.word);
            }
        }
    }

    #[test]
    fn no_size_makes_an_arrangement_panic() {
        for width in [0, 1, 7, 60, 200, 5000] {
            for height in [0, 1, 9, 50, 333, 4000] {
                for (_, scene) in demo::scenes(Language::Ja, None) {
                    arrange(&scene, Size::new(width, height));
                }
            }
        }
    }

    #[test]
    fn buttons_are_where_their_keys_are_drawn_and_large_enough_for_a_finger() {
        let size = Size::new(800, 480);
        let (_, scene) = demo::scenes(Language::En, None).swap_remove(0);
        let keys: Vec<Rectangle> = arrange(&scene, size)
            .iter()
            .filter(|placed| matches!(&placed.widget, Widget::Key(key) if key.is_enabled))
            .map(|placed| placed.area)
            .collect();
        let places = buttons(&scene, size);
        assert!(!keys.is_empty() && keys.len() == places.len());
        for (key, (_, place)) in keys.iter().zip(&places) {
            assert_eq!((key.top_left.x as u32, key.size.height), (place.x, place.height));
            assert!(place.height >= 47 && place.width >= 47, "{place:?}");
        }
    }

    #[test]
    fn a_button_that_does_nothing_now_cannot_be_pressed() {
        let (_, mut scene) = demo::scenes(Language::En, None).swap_remove(0);
        let before = buttons(&scene, Size::new(800, 480)).len();
        scene.buttons[0].is_enabled = !scene.buttons[0].is_enabled;
        assert_ne!(buttons(&scene, Size::new(800, 480)).len(), before);
    }

    #[test]
    fn thousands_are_set_apart() {
        let texts = [0, 999, 1_000, 12_480, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "12,480", "1,234,567"]);
    }
}

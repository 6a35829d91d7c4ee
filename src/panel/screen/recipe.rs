use super::Stage;
use crate::panel::layout::Space;
use crate::panel::scene::{ChangeState, RecipeChange};
use crate::panel::sign::Sign;
use crate::panel::text::Text;
use crate::panel::theme::{MUTED, TEXT, Tone};
use crate::panel::widget::{Entry, Row, Widget};

impl Stage<'_> {
    pub(super) fn recipe_change(&mut self, space: Space, change: &RecipeChange) {
        let words = &self.words.change;
        let (look, word) = match change.state {
            ChangeState::Choosing => ((Tone::Busy, Sign::Arrow), words.choosing),
            ChangeState::Preparing => ((Tone::Busy, Sign::Dots), words.preparing),
            ChangeState::InForce => ((Tone::Good, Sign::Tick), words.in_force),
            ChangeState::Refused(_) => ((Tone::Bad, Sign::Cross), words.refused),
        };
        let body = self.band(space, look, (word, None));
        let gap = self.metrics.gap();
        let halves = if self.metrics.is_tall() { body.rows(2, gap) } else { body.columns(2, gap) };
        let texts = self.change_texts(change);
        self.place(halves[0], Widget::Card(texts, self.metrics.px(14)));
        self.recipe_list(Space(halves[1]), change);
    }

    /// What is in force, what was asked for, and what that means.
    fn change_texts(&self, change: &RecipeChange) -> Vec<Text> {
        let (words, metrics) = (&self.words.change, &self.metrics);
        let caption = |text: &str| Text::new(text, metrics.caption(), MUTED);
        let mut texts =
            vec![caption(words.now), Text::new(&self.scene.recipe, metrics.strong(), TEXT)];
        if change.requested != self.scene.recipe {
            texts.push(caption(words.requested));
            texts.push(Text::new(&change.requested, metrics.strong(), Tone::Busy.mark()));
        }
        let (message, color) = match &change.state {
            ChangeState::Choosing => (words.press_select, TEXT),
            ChangeState::Preparing => (words.old_stays, TEXT),
            ChangeState::InForce => (words.read_back, TEXT),
            ChangeState::Refused(reason) => (reason.as_str(), Tone::Bad.mark()),
        };
        texts.push(Text::new(message, metrics.body(), color).least(0));
        texts
    }

    /// The recipes, with a mark on the requested one and a tick at the one in force.
    fn recipe_list(&mut self, mut space: Space, change: &RecipeChange) {
        let row = self.metrics.body().line_height() + self.metrics.px(12);
        let caption = vec![Entry::new(self.words.change.available, None, 1)];
        let (style, area) = (self.metrics.caption(), space.top(row, 0));
        self.place(area, Widget::Row(Row { entries: caption, is_marked: false, style }));
        let room = (space.0.size.height / row.max(1)) as usize;
        let available = &change.available;
        let chosen = available.iter().position(|name| *name == change.requested).unwrap_or(0);
        let first = first_shown(available.len(), room, chosen);
        for name in available.iter().skip(first).take(room) {
            let is_marked = *name == change.requested;
            let entry = Entry::new(name, Some(Tone::Quiet), 1);
            let is_in_force = *name == self.scene.recipe;
            let entries = vec![if is_in_force { entry.signed(Sign::Tick) } else { entry }];
            let (area, style) = (space.top(row, 0), self.metrics.body());
            self.place(area, Widget::Row(Row { entries, is_marked, style }));
        }
        self.place(space.0, Widget::Card(Vec::new(), 0));
    }
}

/// The first of `count` that is shown where there is room for some, so that `chosen` is among them.
fn first_shown(count: usize, room: usize, chosen: usize) -> usize {
    let last = count.saturating_sub(room);
    (chosen + 1).saturating_sub(room.div_ceil(2).max(1)).min(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_one_is_always_among_those_shown() {
        for count in 1..30 {
            for room in 1..10 {
                for chosen in 0..count {
                    let first = first_shown(count, room, chosen);
                    assert!((first..first + room).contains(&chosen), "{count} {room} {chosen}");
                }
            }
        }
        assert_eq!(first_shown(0, 0, 0), 0);
    }
}

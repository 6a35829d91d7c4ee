use super::Stage;
use crate::panel::layout::{Class, Space};
use crate::panel::scene::{Drift, DriftState, TREND_PARTS, Trend};
use crate::panel::sign::Sign;
use crate::panel::text::Text;
use crate::panel::theme::{TEXT, Tone};
use crate::panel::widget::{Chart, DriftRow, Widget};

impl Stage<'_> {
    pub(super) fn trend(&mut self, space: Space, trend: &Trend) {
        let gap = self.metrics.gap();
        let mut body = Space::inset(space.0, gap);
        let compact = self.metrics.class == Class::Compact;
        let rows = trend.drift.len().max(1) as u32;
        let drift = if self.metrics.is_tall() {
            body.bottom(body.0.size.height * if compact { 3 } else { 2 } / 5, gap)
        } else {
            body.right(body.0.size.width * 2 / 5, gap)
        };
        self.chart(body, trend);
        let mut drift = Space(drift);
        let title = self.metrics.title();
        let caption = Text::new(self.words.captions.drift, title, TEXT).middle();
        let area = drift.top(title.line_height(), gap / 2);
        self.place(area, Widget::Caption(caption));
        for (row, area) in trend.drift.iter().zip(drift.rows(rows, (gap / 2).max(1))) {
            self.drift_row(area, row);
        }
    }

    fn chart(&mut self, mut space: Space, trend: &Trend) {
        let captions = &self.words.captions;
        let title = self.metrics.title();
        let area = space.top(title.line_height(), self.metrics.gap() / 2);
        self.place(area, Widget::Caption(Text::new(captions.trend, title, TEXT).middle()));
        let newest = trend.scores.len().saturating_sub(TREND_PARTS);
        let chart = Chart {
            scores: trend.scores[newest..].to_vec(),
            caption: match self.metrics.class {
                Class::Compact => captions.score,
                _ => captions.last_parts,
            },
            limit_word: captions.limit,
            no_values: captions.no_values,
            small: self.metrics.caption(),
            margin: self.metrics.px(12),
        };
        self.place(space.0, Widget::Chart(chart));
    }

    fn drift_row(&mut self, area: embedded_graphics::primitives::Rectangle, drift: &Drift) {
        let (tone, sign) = match drift.state {
            DriftState::Learning => (Tone::Busy, Sign::Dots),
            DriftState::Good => (Tone::Good, Sign::Tick),
            DriftState::Warned => (Tone::Attention, Sign::Warning),
            DriftState::Held => (Tone::Bad, Sign::Pause),
        };
        let newest = drift.values.len().saturating_sub(TREND_PARTS);
        let title = self.metrics.title();
        let captions = &self.words.captions;
        let is_learning = drift.state == DriftState::Learning;
        // A compact row has room for the name or the word; the sign says the same.
        let is_compact = self.metrics.class == Class::Compact;
        let learning = if is_compact { "-" } else { captions.learning };
        let row = DriftRow {
            name: self.words.quantity(drift.quantity),
            value_word: is_learning.then_some(learning),
            values: drift.values[newest..].to_vec(),
            limits: drift.limits,
            tone,
            sign,
            no_values: self.words.captions.no_values,
            small: self.metrics.body(),
            large: title,
            margin: self.metrics.px(8),
        };
        self.place(area, Widget::Drift(row));
    }
}

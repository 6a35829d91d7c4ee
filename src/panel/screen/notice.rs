use super::Stage;
use crate::panel::layout::{Class, Space};
use crate::panel::scene::{Notice, NoticeKind};
use crate::panel::sign::Sign;
use crate::panel::text::Text;
use crate::panel::theme::{MUTED, TEXT, Tone};
use crate::panel::widget::Widget;

impl Stage<'_> {
    pub(super) fn notice(&mut self, space: Space, notice: &Notice) {
        let look = match notice.kind {
            NoticeKind::Starting => (Tone::Busy, Sign::Dots),
            NoticeKind::Held => (Tone::Attention, Sign::Pause),
            NoticeKind::Faulted => (Tone::Bad, Sign::Fault),
        };
        let mut body = self.band(space, look, (self.words.notice(notice.kind), None));
        let gap = self.metrics.gap();
        if self.metrics.class != Class::Compact {
            let (columns, rows) = if self.metrics.is_tall() { (3, 2) } else { (6, 1) };
            let counters = rows * self.metrics.cell_height() + (rows - 1) * gap / 2;
            let counters = body.bottom(counters, gap);
            self.counters(Space(counters), columns);
        }
        let halves = if self.metrics.is_tall() { body.rows(2, gap) } else { body.columns(2, gap) };
        let margin = self.metrics.px(14);
        self.place(halves[0], Widget::Card(self.reason_texts(notice), margin));
        self.place(halves[1], Widget::Card(self.remedy_texts(notice), margin));
    }

    fn reason_texts(&self, notice: &Notice) -> Vec<Text> {
        let (captions, metrics) = (&self.words.captions, &self.metrics);
        let mut texts = vec![Text::new(captions.reason, metrics.caption(), MUTED)];
        if let Some(standing) = notice.standing {
            let standing = format!("{} {}", captions.standing, self.words.lasting(standing));
            texts.push(Text::new(standing, metrics.caption(), MUTED));
        }
        let large = metrics.body().sized(metrics.body().em * 11 / 9);
        let headline = notice.cause.map(|cause| self.words.cause(cause));
        texts.extend(headline.map(|text| Text::new(text, large, TEXT).least(0)));
        if !notice.reason.is_empty() {
            // The journal's words, small where the operator's language has its own.
            let style = if headline.is_some() { metrics.body() } else { large };
            texts.push(Text::new(&notice.reason, style, TEXT).least(0));
        }
        texts
    }

    fn remedy_texts(&self, notice: &Notice) -> Vec<Text> {
        let metrics = &self.metrics;
        let caption = Text::new(self.words.captions.what_to_do, metrics.caption(), MUTED);
        let large = metrics.body().sized(metrics.body().em * 10 / 9);
        let remedies = notice.remedies.iter().enumerate().map(|(index, remedy)| {
            let text = format!("{}. {}", index + 1, self.words.remedy(*remedy));
            Text::new(text, large, TEXT).least(0)
        });
        std::iter::once(caption).chain(remedies).collect()
    }
}

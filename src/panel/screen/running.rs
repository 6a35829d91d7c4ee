use embedded_graphics::geometry::Size;
use embedded_graphics::primitives::Rectangle;

use super::Stage;
use crate::panel::layout::{Class, Space};
use crate::panel::picture::{Content, Picture};
use crate::panel::scene::{Finding, Outcome, Part};
use crate::panel::sign::Sign;
use crate::panel::text::{LEAST_EM, Text};
use crate::panel::theme::{MUTED, TEXT, Tone};
use crate::panel::widget::{Score, Widget};

/// Of the width of pictures and facts together, pictures take at most this much of a landscape.
const PICTURES_MOST: (u32, u32) = (58, 100);
/// Of the width of pictures, so much is for the two small ones.
const BESIDE: (u32, u32) = (32, 100);
/// The frames of a station that has sent none: square.
const NO_FRAME: Size = Size::new(1, 1);

impl Stage<'_> {
    pub(super) fn running(&mut self, space: Space, part: Option<&Part>) {
        let outcome = part.map(|part| &part.outcome);
        let word = self.words.verdict(outcome);
        let body = self.band(space, verdict_look(outcome), (word, None));
        let (pictures, facts) = self.split(body, part);
        self.pictures(pictures, part);
        self.facts(facts, part);
    }

    /// Pictures and facts beside or below each other.
    fn split(&self, mut body: Space, part: Option<&Part>) -> (Space, Space) {
        let Size { width, height } = body.0.size;
        let gap = self.metrics.gap();
        let caption = self.metrics.caption().line_height();
        let frame = proportions(part);
        if self.metrics.is_tall() {
            let facts = self.facts_height().min(height * 3 / 4);
            let facts = body.bottom(facts, gap);
            return (body, Space(facts));
        }
        // The part is as high as the body, the two others half as high beside it.
        let large = scaled_width(frame, height.saturating_sub(caption));
        let small = match self.metrics.class {
            Class::Compact => 0,
            _ => {
                scaled_width(frame, (height.saturating_sub(gap) / 2).saturating_sub(caption)) + gap
            }
        };
        let most = width * PICTURES_MOST.0 / PICTURES_MOST.1;
        let pictures = body.left((large + small).min(most), gap);
        (Space(pictures), body)
    }

    /// What a screen that is higher than wide needs below its pictures.
    fn facts_height(&self) -> u32 {
        let metrics = &self.metrics;
        let texts = match metrics.class {
            Class::Compact => metrics.strong().line_height(),
            _ => metrics.strong().line_height() + 3 * metrics.body().line_height(),
        };
        let card = texts + 2 * metrics.px(10) + metrics.gap();
        self.counters_height() + self.score_height() + card + 2 * metrics.gap()
    }

    /// Two rows of cells.
    fn counters_height(&self) -> u32 {
        2 * self.metrics.cell_height() + (self.metrics.gap() / 2).max(1)
    }

    fn score_height(&self) -> u32 {
        self.metrics.strong().line_height() + self.metrics.px(34).max(20)
    }

    /// The part large, with the boxes; reference and difference beside it, half as high.
    fn pictures(&mut self, mut space: Space, part: Option<&Part>) {
        let captions = &self.words.captions;
        let gap = self.metrics.gap();
        let name = match part {
            Some(part) => format!("{} {}", captions.part, part.number),
            None => captions.part.to_owned(),
        };
        let boxes = part.map(|part| part.boxes.clone()).unwrap_or_default();
        let picture = |content, is_labelled| Picture {
            content,
            boxes: boxes.clone(),
            is_labelled,
            no_frame: captions.no_frame,
            style: self.metrics.caption(),
        };
        let test = picture(Content::of(part.and_then(|part| part.test.as_ref())), true);
        let difference = picture(part.map_or(Content::Nothing, Content::difference), false);
        let reference = Content::of(part.and_then(|part| part.reference.as_ref()));
        let reference = Picture { boxes: Vec::new(), ..picture(reference, false) };
        if self.metrics.class == Class::Compact {
            return self.pane(space.0, &name, test);
        }
        let width = space.0.size.width;
        let beside = width.saturating_sub(gap) * BESIDE.0 / BESIDE.1;
        let small = Space(space.right(beside, gap)).rows(2, gap);
        self.pane(space.0, &name, test);
        self.pane(small[0], captions.reference, reference);
        self.pane(small[1], captions.difference, difference);
    }

    /// A picture below its name.
    fn pane(&mut self, area: Rectangle, name: &str, picture: Picture) {
        let style = self.metrics.caption();
        let mut space = Space(area);
        let caption = space.top(style.line_height(), 0);
        self.place(caption, Widget::Caption(Text::new(name, style, MUTED).middle()));
        self.place(space.0, Widget::Picture(picture));
    }

    fn facts(&mut self, mut space: Space, part: Option<&Part>) {
        let metrics = self.metrics;
        let gap = metrics.gap();
        let columns = if metrics.class == Class::Compact { 2 } else { 3 };
        let finding = part.and_then(|part| part.finding.as_ref());
        let finding = finding.filter(|_| !matches!(part, Some(part) if is_open(part)));
        let score = finding.map_or(0, |_| self.score_height() + gap);
        let sentence = metrics.strong().line_height();
        // The sentence comes first: where a strip leaves too little room, counters wait for its end.
        if space.0.size.height >= self.counters_height() + gap + score + sentence {
            let counters = space.bottom(self.counters_height(), gap);
            self.counters(Space(counters), columns);
        }
        if let Some(finding) = finding {
            self.score(space.bottom(self.score_height(), (gap / 2).max(1)), finding);
        }
        let texts = self.finding_texts(part);
        self.place(space.0, Widget::Card(texts, metrics.px(10)));
    }

    fn score(&mut self, area: Rectangle, finding: &Finding) {
        let captions = &self.words.captions;
        let score = Score {
            score: finding.score,
            threshold: finding.threshold,
            score_word: captions.score,
            limit_word: captions.limit,
            small: self.metrics.caption(),
            large: self.metrics.strong(),
            margin: self.metrics.px(8),
        };
        self.place(area, Widget::Score(score));
    }

    /// The sentence that was violated, the label of the one that came closest, or why there is none.
    /// A compact screen has room for labels alone.
    fn finding_texts(&self, part: Option<&Part>) -> Vec<Text> {
        let (captions, metrics) = (&self.words.captions, &self.metrics);
        let caption = |text: &str| Text::new(text, metrics.caption(), MUTED);
        let Some(part) = part else {
            return vec![Text::new(captions.first_part, metrics.body(), TEXT).least(0)];
        };
        if let Outcome::NotInspected { cause, detail } = &part.outcome {
            let headline = cause.map(|cause| self.words.cause(cause));
            let headline =
                headline.map(|text| Text::new(text, metrics.strong(), TEXT).least(LEAST_EM));
            let detail = Text::new(detail, metrics.body(), TEXT).least(0);
            return match (metrics.class, headline) {
                (Class::Compact, Some(headline)) => vec![headline],
                (Class::Compact, None) => vec![detail],
                (_, headline) => [caption(captions.not_inspected)]
                    .into_iter()
                    .chain(headline)
                    .chain([detail])
                    .collect(),
            };
        }
        let Some(finding) = &part.finding else { return Vec::new() };
        if part.outcome == Outcome::Conforming {
            let label = Text::new(&finding.label, metrics.strong(), TEXT);
            return match metrics.class {
                Class::Compact => vec![label],
                _ => vec![caption(captions.closest), label],
            };
        }
        let mut texts = vec![Text::new(&finding.label, metrics.strong(), Tone::Bad.mark())];
        if metrics.class != Class::Compact {
            texts.push(Text::new(&finding.sentence, metrics.body(), TEXT).least(0));
        }
        texts
    }
}

/// Whether a part has no verdict.
fn is_open(part: &Part) -> bool {
    matches!(part.outcome, Outcome::NotInspected { .. })
}

fn verdict_look(outcome: Option<&Outcome>) -> (Tone, Sign) {
    match outcome {
        None => (Tone::Quiet, Sign::Dots),
        Some(Outcome::Conforming) => (Tone::Good, Sign::Tick),
        Some(Outcome::Mismatch) => (Tone::Bad, Sign::Cross),
        Some(Outcome::NotInspected { .. }) => (Tone::Attention, Sign::Warning),
    }
}

fn proportions(part: Option<&Part>) -> Size {
    let frame = part.and_then(|part| part.test.as_ref().or(part.reference.as_ref()));
    frame.map_or(NO_FRAME, |frame| Size::new(frame.width(), frame.height()))
}

/// The width of a frame that is so high.
fn scaled_width(frame: Size, height: u32) -> u32 {
    let width = u64::from(height) * u64::from(frame.width) / u64::from(frame.height.max(1));
    // Wider than any screen is wide enough.
    width.min(16_384) as u32
}

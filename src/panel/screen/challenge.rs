use super::Stage;
use crate::panel::layout::Space;
use crate::panel::scene::{Challenge, ChallengeState, Sample, SampleResult};
use crate::panel::sign::Sign;
use crate::panel::theme::Tone;
use crate::panel::widget::{Entry, Row, Widget};

/// Shares of the columns: name, known as, result.
const SHARES: [u32; 3] = [3, 4, 4];

impl Stage<'_> {
    pub(super) fn challenge(&mut self, space: Space, challenge: &Challenge) {
        let words = &self.words.challenge;
        let (look, word) = match challenge.state {
            ChallengeState::Running => ((Tone::Busy, Sign::Dots), words.running),
            ChallengeState::Passed => ((Tone::Good, Sign::Tick), words.passed),
            ChallengeState::Failed => ((Tone::Bad, Sign::Cross), words.failed),
        };
        let samples = &challenge.samples;
        let done = samples.iter().filter(|sample| sample.found.is_some()).count();
        // A station tells the results together, at the end.
        let detail = (done > 0).then(|| format!("{done} / {}", samples.len()));
        let mut body = self.band(space, look, (word, detail));
        let row = self.metrics.body().line_height() + self.metrics.px(10);
        let captions = [words.sample, words.known_as, words.found];
        let entries =
            captions.iter().zip(SHARES).map(|(text, share)| Entry::new(*text, None, share));
        let entries = entries.collect();
        let (style, area) = (self.metrics.caption(), body.top(row, 0));
        self.place(area, Widget::Row(Row { entries, is_marked: false, style }));
        let room = (body.0.size.height / row.max(1)) as usize;
        for (first, sample) in shown(samples, room) {
            let area = body.top(row, 0);
            let row = match first {
                true => self.sample(sample),
                false => self.more(samples.len(), room),
            };
            self.place(area, Widget::Row(row));
        }
        self.place(body.0, Widget::Card(Vec::new(), 0));
    }

    fn sample(&self, sample: &Sample) -> Row {
        let words = &self.words.challenge;
        let fault = sample.fault.as_deref().unwrap_or(words.conforming);
        let (text, tone, sign) = match sample.found {
            None => (words.pending, None, None),
            Some(SampleResult::AsExpected) => {
                (words.as_expected, Some(Tone::Good), Some(Sign::Tick))
            }
            Some(SampleResult::Otherwise) => (words.otherwise, Some(Tone::Bad), Some(Sign::Cross)),
            Some(SampleResult::NotInspected) => {
                (words.not_inspected, Some(Tone::Attention), Some(Sign::Warning))
            }
        };
        let [name, known, found] = SHARES;
        let result = Entry::new(text, tone, found);
        let entries = vec![
            Entry::new(&sample.name, Some(Tone::Quiet), name),
            Entry::new(fault, Some(Tone::Quiet), known),
            sign.map_or(result.clone(), |sign| result.signed(sign)),
        ];
        Row { entries, is_marked: false, style: self.metrics.body() }
    }

    fn more(&self, count: usize, room: usize) -> Row {
        let hidden = (count + 1).saturating_sub(room);
        let text = format!("+ {hidden} {}", self.words.challenge.more);
        let entries = vec![Entry::new(text, None, 1)];
        Row { entries, is_marked: false, style: self.metrics.body() }
    }
}

/// Which samples have room, and whether each is shown itself; the last row counts those that have
/// none. What needs a look comes first: wrong ones, then those in order around the newest.
fn shown(samples: &[Sample], room: usize) -> Vec<(bool, &Sample)> {
    if samples.len() <= room {
        return samples.iter().map(|sample| (true, sample)).collect();
    }
    let is_bad = |sample: &&Sample| {
        matches!(sample.found, Some(SampleResult::Otherwise | SampleResult::NotInspected))
    };
    let bad = samples.iter().filter(is_bad);
    let newest = samples.iter().rev().filter(|sample| sample.found.is_some() && !is_bad(sample));
    let pending = samples.iter().filter(|sample| sample.found.is_none());
    let kept = room.saturating_sub(1);
    let mut rows: Vec<_> =
        bad.chain(newest).chain(pending).take(kept).map(|it| (true, it)).collect();
    if room > 0 {
        rows.extend(samples.last().map(|sample| (false, sample)));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(name: usize, found: Option<SampleResult>) -> Sample {
        Sample { name: name.to_string(), fault: None, found }
    }

    #[test]
    fn what_went_wrong_is_shown_however_many_there_are() {
        let mut samples: Vec<Sample> =
            (0..40).map(|name| sample(name, Some(SampleResult::AsExpected))).collect();
        samples[7].found = Some(SampleResult::Otherwise);
        samples[31].found = Some(SampleResult::NotInspected);
        let rows = shown(&samples, 6);
        let names: Vec<(bool, &str)> =
            rows.iter().map(|(own, it)| (*own, it.name.as_str())).collect();
        assert_eq!(names[..3], [(true, "7"), (true, "31"), (true, "39")]);
        assert_eq!((names.len(), names[5].0), (6, false));
        assert!(shown(&samples, 0).is_empty());
        assert_eq!(shown(&samples, 40).len(), 40);
    }
}

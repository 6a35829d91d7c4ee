use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::now_ms;
use crate::frame::Rect;
use crate::verdict::Verdict;

/// The longest free text of a record in bytes; what is longer is cut.
const MAX_DETAIL: usize = 1_000;
/// The longest name in a record in bytes.
const MAX_NAME: usize = 100;
/// The most scores, and the most timings, that a record keeps.
const MAX_SCORES: usize = 64;

/// One record with its time, as it stands in the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Milliseconds since 1970-01-01 UTC by the clock of the box.
    pub unix_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub record: Record,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Record {
    /// The one outcome of a part.
    Part(Part),
    /// Images of a part, after its outcome: writing them takes longer.
    Evidence(Evidence),
    /// Something the operator or the box did.
    Event(Event),
    /// Parts and events that could not be written when they happened.
    Gap(Gap),
    /// Numbers that may be given out from now on; each is owed an outcome.
    Reserved(Span),
    /// Numbers that were reserved and not given out when the journal was closed.
    Released(Span),
    /// All records up to one were deleted.
    Checkpoint(Checkpoint),
}

/// The outcome of one part and what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Its number, from [`Writer::next_number`](super::Writer::next_number).
    pub number: u64,
    /// The verdict.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What was compared with thresholds, strongest first; at most 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<SpecScore>,
    /// Milliseconds by stage; at most 64 stages.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub timing_ms: BTreeMap<String, f32>,
    /// SHA-256 of the recipe in force.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub recipe_sha256: String,
    /// SHA-256 of the vision file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model_sha256: String,
    /// SHA-256 of the threshold file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub thresholds_sha256: String,
}

/// A verdict; one that was not reached has a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Outcome {
    /// Judged, and nothing violates the sheet.
    Conforming,
    /// Judged, and something does.
    Mismatch,
    /// Not judged; never a pass.
    NotInspected {
        /// Where on the way: a stage of inspection, or `deadline`, `overload`, `crash`, ...
        stage: String,
        /// What was found.
        detail: String,
    },
}

/// The score of one sentence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpecScore {
    /// The spec id.
    pub spec: String,
    /// What was compared with the threshold; NaN is written as null.
    #[serde(deserialize_with = "null_is_nan")]
    pub score: f32,
    /// The limit, where the sentence is armed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
    /// Where, in pixels of the reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Rect>,
}

/// Images of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The part.
    pub number: u64,
    /// Whether the part did not conform: such images are kept longer.
    pub failure: bool,
    /// The files.
    pub images: Vec<Image>,
    /// Why there are none or not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
    /// Found after a crash: written, and its record was not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recovered: bool,
}

/// One file of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// The path below the journal's folder of images.
    pub name: String,
    /// Of the file.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

/// Something the operator or the box did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Who.
    pub source: EventSource,
    /// What, one word or a few with underscores: `recipe_changed`, `acknowledged`.
    pub name: String,
    /// The facts.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// Who caused an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventSource {
    /// A person at the box.
    Operator,
    /// The box itself.
    System,
    /// A machine over the plant network.
    Plant,
}

/// What could not be written when it happened: counts instead of records.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Gap {
    /// The parts' numbers as ranges; a number in them that has a record of its own is not lost.
    pub numbers: Vec<Span>,
    /// Parts that conformed.
    pub conforming: u64,
    /// Parts that did not.
    pub mismatch: u64,
    /// Parts that were not judged.
    pub not_inspected: u64,
    /// Events and evidence records.
    pub others: u64,
    /// The time of the first.
    pub since_ms: u64,
    /// The time of the last.
    pub until_ms: u64,
    /// What stood in the way.
    pub cause: String,
}

/// Numbers from `first` to `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The lowest.
    pub first: u64,
    /// The highest.
    pub last: u64,
}

/// Stands for records that were deleted, so that the chain can be followed from there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The sequence number of the last deleted record.
    pub deleted_to: u64,
    /// The hash of the last deleted record.
    pub hash: String,
    /// All numbers below have an outcome, perhaps among the deleted.
    pub accounted_below: u64,
    /// All numbers below were reserved.
    pub reserved_below: u64,
}

impl Entry {
    /// The record, happening now.
    pub fn now(record: Record) -> Self {
        Self { unix_ms: now_ms(), record }
    }

    /// The same within the sizes that the queue and the database are made for.
    pub(super) fn bounded(mut self) -> Self {
        // SQLite's integers have a sign.
        self.unix_ms = self.unix_ms.min(i64::MAX as u64);
        match &mut self.record {
            Record::Part(part) => part.bound(),
            Record::Event(event) => {
                cut(&mut event.name, MAX_NAME);
                cut(&mut event.detail, MAX_DETAIL);
            }
            _ => {}
        }
        self
    }
}

impl Part {
    fn bound(&mut self) {
        if let Outcome::NotInspected { stage, detail } = &mut self.outcome {
            cut(stage, MAX_NAME);
            cut(detail, MAX_DETAIL);
        }
        self.scores.truncate(MAX_SCORES);
        self.scores.iter_mut().for_each(|score| cut(&mut score.spec, MAX_NAME));
        let stages = std::mem::take(&mut self.timing_ms).into_iter();
        // NaN and infinity have no JSON.
        self.timing_ms = stages
            .filter(|(stage, time)| stage.len() <= MAX_NAME && time.is_finite())
            .take(MAX_SCORES)
            .collect();
        cut(&mut self.recipe_sha256, MAX_NAME);
        cut(&mut self.model_sha256, MAX_NAME);
        cut(&mut self.thresholds_sha256, MAX_NAME);
    }
}

impl Outcome {
    /// The verdict without its reason.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Conforming => Verdict::Conforming,
            Self::Mismatch => Verdict::Mismatch,
            Self::NotInspected { .. } => Verdict::NotInspected,
        }
    }

    /// A verdict that was not reached.
    pub fn not_inspected(stage: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::NotInspected { stage: stage.into(), detail: detail.into() }
    }
}

impl Event {
    /// An event.
    pub fn new(source: EventSource, name: &str, detail: impl Into<String>) -> Self {
        Self { source, name: name.to_owned(), detail: detail.into() }
    }
}

impl From<Event> for Record {
    fn from(event: Event) -> Self {
        Self::Event(event)
    }
}

impl Record {
    /// Its kind as it stands in the text.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Part(_) => "part",
            Self::Evidence(_) => "evidence",
            Self::Event(_) => "event",
            Self::Gap(_) => "gap",
            Self::Reserved(_) => "reserved",
            Self::Released(_) => "released",
            Self::Checkpoint(_) => "checkpoint",
        }
    }

    /// The part it is about; of a gap the last.
    pub(super) fn number(&self) -> Option<u64> {
        match self {
            Self::Part(part) => Some(part.number),
            Self::Evidence(evidence) => Some(evidence.number),
            Self::Gap(gap) => gap.numbers.last().map(|span| span.last),
            _ => None,
        }
    }

    /// The verdict as it stands in the text.
    pub(super) fn verdict(&self) -> Option<&'static str> {
        match self {
            Self::Part(part) => Some(verdict_name(part.outcome.verdict())),
            _ => None,
        }
    }
}

/// A verdict as it stands in texts and columns.
pub(super) fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Conforming => "conforming",
        Verdict::Mismatch => "mismatch",
        Verdict::NotInspected => "not_inspected",
    }
}

fn cut(text: &mut String, most: usize) {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push_str("...");
        text.shrink_to_fit();
    }
}

fn null_is_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f32::NAN))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn part() -> Part {
        let score = SpecScore {
            spec: "scratch".to_owned(),
            score: 0.25,
            threshold: Some(0.5),
            region: Some(Rect::new(1, 2, 3, 4)),
        };
        Part {
            number: u64::from(u32::MAX) + 7,
            outcome: Outcome::not_inspected("deadline", "120 ms"),
            scores: vec![score],
            timing_ms: BTreeMap::from([("encode".to_owned(), 61.5)]),
            recipe_sha256: "ab".to_owned(),
            model_sha256: "cd".to_owned(),
            thresholds_sha256: "ef".to_owned(),
        }
    }

    #[test]
    fn every_kind_comes_back_from_its_text() {
        let span = Span { first: 1, last: 9 };
        let image = Image { name: "0/1.png".to_owned(), sha256: "ef".to_owned(), bytes: 3 };
        let records = [
            Record::Part(part()),
            Record::Part(Part { outcome: Outcome::Mismatch, ..part() }),
            Record::Evidence(Evidence {
                number: 1,
                failure: true,
                images: vec![image],
                lost: None,
                recovered: true,
            }),
            Event::new(EventSource::Operator, "acknowledged", "\"by\" \u{e4}").into(),
            Record::Gap(Gap { numbers: vec![span], conforming: 3, ..Gap::default() }),
            Record::Reserved(span),
            Record::Released(span),
            Record::Checkpoint(Checkpoint {
                deleted_to: 5,
                hash: "00".to_owned(),
                accounted_below: 3,
                reserved_below: 9,
            }),
        ];
        for record in records {
            let entry = Entry { unix_ms: 1_700_000_000_123, record };
            let text = serde_json::to_string(&entry).unwrap();
            assert!(text.contains(&format!("\"kind\":\"{}\"", entry.record.kind())), "{text}");
            if let Some(verdict) = entry.record.verdict() {
                assert!(text.contains(&format!("\"verdict\":\"{verdict}\"")), "{text}");
            }
            assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry, "{text}");
        }
    }

    #[test]
    fn what_has_no_json_and_what_is_too_long_is_kept_out() {
        let long = "\u{e4}".repeat(MAX_DETAIL);
        let mut part = Part { outcome: Outcome::not_inspected("x", long), ..part() };
        part.scores = vec![SpecScore { score: f32::NAN, ..part.scores[0].clone() }; 1_000];
        part.timing_ms.insert("bad".to_owned(), f32::INFINITY);
        let entry = Entry { unix_ms: 0, record: Record::Part(part) }.bounded();
        let text = serde_json::to_string(&entry).unwrap();
        assert!(text.len() < 10_000, "{}", text.len());
        let Record::Part(read) = serde_json::from_str::<Entry>(&text).unwrap().record else {
            panic!("{text}")
        };
        assert!(read.scores.len() == MAX_SCORES && read.scores[0].score.is_nan());
        assert_eq!(read.timing_ms.len(), 1);
    }

    #[test]
    fn a_not_inspected_part_without_a_reason_is_no_record() {
        let text = r#"{"unix_ms":1,"kind":"part","number":1,"verdict":"not_inspected"}"#;
        assert!(serde_json::from_str::<Entry>(text).is_err());
    }
}

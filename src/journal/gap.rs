use super::ranges::Ranges;
use super::record::{Entry, Gap, Outcome, Record, Span};

/// The most ranges of numbers in one gap; further ones are joined with all between them.
const MAX_RANGES: usize = 32;

/// What was dropped since the last gap record: of a fixed size, however long the disk is full.
#[derive(Debug, Default)]
pub(super) struct Losses {
    numbers: Ranges,
    gap: Gap,
}

impl Losses {
    pub(super) fn is_empty(&self) -> bool {
        let Gap { conforming, mismatch, not_inspected, others, .. } = self.gap;
        conforming + mismatch + not_inspected + others == 0
    }

    /// Counts a record that is dropped.
    pub(super) fn add(&mut self, entry: &Entry) {
        self.see(entry.unix_ms, entry.unix_ms);
        let Record::Part(part) = &entry.record else {
            self.gap.others += 1;
            return;
        };
        self.numbers.insert(part.number, part.number);
        self.numbers.coarsen(MAX_RANGES);
        match part.outcome {
            Outcome::Conforming => self.gap.conforming += 1,
            Outcome::Mismatch => self.gap.mismatch += 1,
            Outcome::NotInspected { .. } => self.gap.not_inspected += 1,
        }
    }

    /// Takes over losses whose gap record could not be written either.
    pub(super) fn join(&mut self, other: Self) {
        if other.is_empty() {
            return;
        }
        self.see(other.gap.since_ms, other.gap.until_ms);
        other.numbers.iter().for_each(|(first, last)| self.numbers.insert(first, last));
        self.numbers.coarsen(MAX_RANGES);
        self.gap.conforming += other.gap.conforming;
        self.gap.mismatch += other.gap.mismatch;
        self.gap.not_inspected += other.gap.not_inspected;
        self.gap.others += other.gap.others;
    }

    /// The record of these losses.
    pub(super) fn record(&self, cause: &str) -> Record {
        let numbers = self.numbers.iter().map(|(first, last)| Span { first, last }).collect();
        Record::Gap(Gap { numbers, cause: cause.to_owned(), ..self.gap.clone() })
    }

    fn see(&mut self, since: u64, until: u64) {
        let is_first = self.is_empty();
        self.gap.since_ms = if is_first { since } else { self.gap.since_ms.min(since) };
        self.gap.until_ms = self.gap.until_ms.max(until);
    }
}

use std::path::PathBuf;

use crate::journal::{Reader, Record, Row};
use crate::plant::Outbox;

/// The most rows that are looked at at once: those that are nobody's business are passed over.
const MOST_LOOKED_AT: usize = 4_096;

/// The journal as what is to be delivered: it is on disk already, in order, with a number for each
/// record, and outlives crashes.
///
/// Outcomes, events, gaps and checkpoints are delivered; images and reservations of numbers are the
/// box's own.
pub struct JournalOutbox {
    folder: PathBuf,
    /// Opened when it is needed, and again after an error.
    reader: Option<Reader>,
}

impl JournalOutbox {
    /// Of the journal in this folder, which need not be there yet.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, reader: None }
    }

    fn reading<T>(
        &mut self,
        read: impl FnOnce(&Reader) -> Result<T, crate::journal::Error>,
    ) -> Result<T, String> {
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => Reader::open(&self.folder).map_err(|error| error.to_string())?,
        };
        let result = read(&reader).map_err(|error| error.to_string())?;
        self.reader = Some(reader);
        Ok(result)
    }
}

impl Outbox for JournalOutbox {
    fn after(&mut self, seq: u64, limit: usize) -> Result<Vec<(u64, String)>, String> {
        gather(seq, limit, |after, rows| self.reading(|reader| reader.after(after, rows)))
    }

    fn last_seq(&mut self) -> Result<u64, String> {
        self.reading(Reader::last_seq)
    }

    /// The hash of the record: it is that of all before it too.
    fn mark(&mut self, seq: u64) -> Result<Option<String>, String> {
        let rows = self.reading(|reader| reader.after(seq.saturating_sub(1), 1))?;
        Ok(rows.into_iter().find(|row| row.seq == seq).map(|row| row.hash))
    }
}

/// The first records after `seq` that are told, from as few rows as hold any.
fn gather(
    seq: u64,
    limit: usize,
    mut read: impl FnMut(u64, usize) -> Result<Vec<Row>, String>,
) -> Result<Vec<(u64, String)>, String> {
    // Where images are kept, every second record may be the box's own.
    let (mut after, mut looked_at) = (seq, limit.saturating_mul(2).clamp(1, MOST_LOOKED_AT));
    loop {
        let rows = read(after, looked_at)?;
        let is_last = rows.len() < looked_at;
        after = rows.last().map_or(after, |row| row.seq);
        let told = rows.into_iter().filter(|row| is_told(&row.entry.record)).take(limit);
        let found: Vec<_> = told.map(|row| (row.seq, row.text)).collect();
        if is_last || !found.is_empty() {
            return Ok(found);
        }
        looked_at = looked_at.saturating_mul(4).min(MOST_LOOKED_AT);
    }
}

fn is_told(record: &Record) -> bool {
    matches!(record, Record::Part(_) | Record::Event(_) | Record::Gap(_) | Record::Checkpoint(_))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::journal::{Event, EventSource, Outcome, Part, Settings, Writer};

    #[test]
    fn outcomes_and_events_are_told_in_the_order_of_the_chain() {
        let folder = tempfile::tempdir().unwrap();
        let writer = Writer::open(folder.path(), Settings::default()).unwrap();
        writer.append_event(Event::new(EventSource::System, "station_started", ""));
        for _ in 0..3 {
            let part = Part {
                number: writer.next_number(),
                outcome: Outcome::Conforming,
                scores: Vec::new(),
                timing_ms: BTreeMap::new(),
                recipe_sha256: String::new(),
                model_sha256: String::new(),
                thresholds_sha256: String::new(),
            };
            writer.append_part(0, part);
        }
        assert!(writer.flush(std::time::Duration::from_secs(20)));
        let mut outbox = JournalOutbox::new(folder.path().to_owned());
        let all = outbox.after(0, 100).unwrap();
        let texts: Vec<&str> = all.iter().map(|(_, text)| text.as_str()).collect();
        assert!(texts.iter().all(|text| !text.contains("\"kind\":\"reserved\"")), "{texts:?}");
        assert_eq!(texts.iter().filter(|text| text.contains("\"kind\":\"part\"")).count(), 3);
        assert!(all.is_sorted_by_key(|(seq, _)| *seq));
        let rest = outbox.after(all[1].0, 1).unwrap();
        assert_eq!(rest, all[2..3]);
        assert!(outbox.last_seq().unwrap() >= all[all.len() - 1].0);
        assert!(outbox.after(all[all.len() - 1].0, 10).unwrap().is_empty());
    }

    #[test]
    fn few_rows_are_read_for_an_answer_and_more_only_while_none_is_told() {
        use crate::journal::{Entry, Span};
        let own = Entry::now(Record::Reserved(Span { first: 1, last: 1 }));
        let told = Entry::now(Event::new(EventSource::System, "hold", "").into());
        // One record to tell behind ten thousand that are the box's own, then many.
        let row = |seq: u64| {
            let entry = if seq <= 10_000 { own.clone() } else { told.clone() };
            Row { seq, hash: String::new(), text: seq.to_string(), entry }
        };
        let mut sizes = Vec::new();
        let mut read = |after: u64, rows: usize| {
            sizes.push(rows);
            Ok((after + 1..=20_000).take(rows).map(row).collect())
        };
        let found = gather(0, 64, &mut read).unwrap();
        assert_eq!((found[0].0, found.len()), (10_001, 64));
        let next = gather(found[63].0, 64, &mut read).unwrap();
        assert_eq!((next[0].0, next.len()), (10_065, 64));
        assert!(gather(20_000, 64, &mut read).unwrap().is_empty());
        assert_eq!(sizes, [128, 512, 2_048, 4_096, 4_096, 128, 128]);
    }

    #[test]
    fn a_record_has_a_mark_that_is_its_journals_own() {
        let marks = [(); 2].map(|()| {
            let folder = tempfile::tempdir().unwrap();
            let writer = Writer::open(folder.path(), Settings::default()).unwrap();
            writer.append_event(Event::new(EventSource::System, "hold", tempfile_name(&folder)));
            assert!(writer.flush(std::time::Duration::from_secs(20)));
            let mut outbox = JournalOutbox::new(folder.path().to_owned());
            let last = outbox.last_seq().unwrap();
            let mark = outbox.mark(last).unwrap().unwrap();
            assert_eq!(mark, outbox.mark(last).unwrap().unwrap());
            assert_eq!(outbox.mark(last + 1).unwrap(), None);
            mark
        });
        assert_ne!(marks[0], marks[1]);
    }

    fn tempfile_name(folder: &tempfile::TempDir) -> String {
        folder.path().display().to_string()
    }

    #[test]
    fn a_journal_that_is_not_there_yet_is_an_error_that_passes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let mut outbox = JournalOutbox::new(path.clone());
        assert!(outbox.after(0, 1).is_err());
        Writer::open(&path, Settings::default()).unwrap().close().unwrap();
        assert!(outbox.after(0, 1).is_ok());
    }
}

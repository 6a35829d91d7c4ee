use std::path::PathBuf;

use crate::journal::{Reader, Record};
use crate::plant::Outbox;

/// Rows that are looked at for one answer: those that are nobody's business are passed over.
const LOOKED_AT: usize = 4_096;

/// The journal as what is to be delivered: it is on disk already, in order, with a number for each
/// record, and outlives crashes.
///
/// Outcomes, events, gaps and checkpoints are delivered; images and reservations of numbers are the
/// box's own.
pub(super) struct JournalOutbox {
    folder: PathBuf,
    /// Opened when it is needed, and again after an error.
    reader: Option<Reader>,
}

impl JournalOutbox {
    pub(super) fn new(folder: PathBuf) -> Self {
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
        let (mut after, mut found) = (seq, Vec::new());
        loop {
            let rows = self.reading(|reader| reader.after(after, LOOKED_AT))?;
            let is_last = rows.len() < LOOKED_AT;
            after = rows.last().map_or(after, |row| row.seq);
            for row in rows {
                if is_told(&row.entry.record) && found.len() < limit {
                    found.push((row.seq, row.text));
                }
            }
            if is_last || !found.is_empty() {
                return Ok(found);
            }
        }
    }

    fn last_seq(&mut self) -> Result<u64, String> {
        self.reading(Reader::last_seq)
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
    fn a_journal_that_is_not_there_yet_is_an_error_that_passes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let mut outbox = JournalOutbox::new(path.clone());
        assert!(outbox.after(0, 1).is_err());
        Writer::open(&path, Settings::default()).unwrap().close().unwrap();
        assert!(outbox.after(0, 1).is_ok());
    }
}

//! How far results were delivered, in a small file.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::files;

/// The file is written at most once in so long, and on close.
const EVERY: Duration = Duration::from_secs(1);
/// Numbers that are marked at once as perhaps sent, before the first of them is.
const AHEAD: u64 = 4_096;
/// The most bytes of the file.
const MAX_BYTES: u64 = 4 << 10;

/// Which results were delivered and which may have been.
#[derive(Debug)]
pub(super) struct Cursor {
    path: PathBuf,
    on_disk: Position,
    now: Position,
    written: Option<Instant>,
}

/// Gives the mark of a record, where it is known.
pub(super) type Marks<'a> = &'a mut dyn FnMut(u64) -> Option<String>;

/// Exactly the file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    /// All results up to this number were acknowledged.
    acknowledged: u64,
    /// No result above this number was ever sent.
    perhaps_sent: u64,
    /// What tells the last acknowledged record from that of another journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mark: Option<String>,
}

impl Cursor {
    /// Reads the file. Where there is none, nothing was delivered yet; where it cannot be read,
    /// everything may have been, and the second value says so.
    pub(super) fn open(path: PathBuf) -> (Self, Option<String>) {
        match read(&path) {
            Ok(now) => (Self { path, on_disk: now.clone(), now, written: None }, None),
            Err(reason) => {
                let now = Position { perhaps_sent: u64::MAX, ..Position::default() };
                let trouble = format!(
                    "{reason}; all records of the journal are sent again, marked as redelivered"
                );
                (Self { path, on_disk: Position::default(), now, written: None }, Some(trouble))
            }
        }
    }

    /// Compares with the journal: what it never gave out was never sent, and a number of which it
    /// knows nothing, or whose record has another mark, is of another journal. False if it is another.
    pub(super) fn fits(&mut self, last_seq: u64, mark: Option<&str>) -> bool {
        let is_other = match (self.now.mark.as_deref(), mark) {
            (Some(known), Some(found)) => known != found,
            // Written by an older program, or the record is no more.
            _ => false,
        };
        if self.now.acknowledged > last_seq || is_other {
            self.now = Position::default();
            // Until it is written, no number may be sent.
            self.on_disk = Position::default();
            self.written = None;
            return false;
        }
        self.now.perhaps_sent = self.now.perhaps_sent.min(last_seq);
        true
    }

    /// All results up to this number were acknowledged.
    pub(super) fn acknowledged(&self) -> u64 {
        self.now.acknowledged
    }

    /// Whether a result may have been sent before.
    pub(super) fn may_have_sent(&self, seq: u64) -> bool {
        seq <= self.now.perhaps_sent
    }

    /// Takes note that a result is sent.
    pub(super) fn sends(&mut self, seq: u64) {
        self.now.perhaps_sent = self.now.perhaps_sent.max(seq);
    }

    /// Takes note that all results up to this number were acknowledged.
    pub(super) fn acknowledge(&mut self, seq: u64) {
        if seq > self.now.acknowledged {
            (self.now.acknowledged, self.now.mark) = (seq, None);
        }
    }

    /// Whether a result may be sent now: after a crash, the file must tell that it may have been.
    pub(super) fn covers(&self, seq: u64) -> bool {
        seq <= self.on_disk.perhaps_sent
    }

    /// Makes the file cover a number, unless it was written a moment ago.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub(super) fn reserve(&mut self, seq: u64, marks: Marks) -> Result<(), String> {
        if self.written.is_some_and(|at| at.elapsed() < EVERY) {
            return Ok(());
        }
        self.write(seq.saturating_add(AHEAD), marks)
    }

    /// Writes what changed, unless the file was written a moment ago.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub(super) fn save(&mut self, marks: Marks) -> Result<(), String> {
        let is_recent = self.written.is_some_and(|at| at.elapsed() < EVERY);
        if is_recent || self.now.acknowledged == self.on_disk.acknowledged {
            return Ok(());
        }
        self.write(self.on_disk.perhaps_sent.max(self.now.perhaps_sent), marks)
    }

    /// Writes exactly what holds, for an end in order.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub(super) fn close(&mut self, marks: Marks) -> Result<(), String> {
        if self.now == self.on_disk { Ok(()) } else { self.write(self.now.perhaps_sent, marks) }
    }

    fn write(&mut self, perhaps_sent: u64, marks: Marks) -> Result<(), String> {
        self.written = Some(Instant::now());
        if self.now.mark.is_none() && self.now.acknowledged > 0 {
            self.now.mark = marks(self.now.acknowledged);
        }
        let position = Position { perhaps_sent, ..self.now.clone() };
        // A struct of numbers and a text, which serde_json always writes.
        let text = serde_json::to_string(&position).unwrap_or_default();
        files::write(&self.path, text.as_bytes()).map_err(|error| error.to_string())?;
        self.on_disk = position;
        Ok(())
    }
}

fn read(path: &std::path::Path) -> Result<Position, String> {
    if !path.exists() {
        return Ok(Position::default());
    }
    let text = files::read_text(path, MAX_BYTES).map_err(|error| error.to_string())?;
    let position: Position = serde_json::from_str(&text)
        .map_err(|error| format!("{}: no cursor: {error}", path.display()))?;
    if position.acknowledged > position.perhaps_sent {
        return Err(format!("{}: more was acknowledged than sent", path.display()));
    }
    Ok(position)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_that_a_crash_would_forget() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cursor.json");
        let (mut cursor, trouble) = Cursor::open(path.clone());
        assert_eq!(trouble, None);
        assert!(!cursor.covers(1) && !cursor.may_have_sent(1));
        cursor.reserve(1, &mut |_| None).unwrap();
        assert!(cursor.covers(1) && cursor.covers(4_097) && !cursor.covers(4_098));
        assert!(!cursor.may_have_sent(1));
        cursor.sends(1);
        assert!(cursor.may_have_sent(1) && !cursor.may_have_sent(2));
        let (crashed, _) = Cursor::open(path);
        assert!(crashed.may_have_sent(1) && crashed.may_have_sent(4_097));
        assert_eq!(crashed.acknowledged(), 0);
    }

    #[test]
    fn an_end_in_order_leaves_exactly_what_holds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cursor.json");
        let (mut cursor, _) = Cursor::open(path.clone());
        cursor.reserve(1, &mut |_| None).unwrap();
        cursor.sends(3);
        cursor.acknowledge(2);
        cursor.save(&mut |_| None).unwrap();
        assert_eq!(Cursor::open(path.clone()).0.acknowledged(), 0, "written a moment ago");
        cursor.close(&mut |_| None).unwrap();
        let (again, _) = Cursor::open(path);
        assert_eq!(again.acknowledged(), 2);
        assert!(again.may_have_sent(3) && !again.may_have_sent(4));
    }

    #[test]
    fn the_cursor_of_another_journal_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cursor.json");
        std::fs::write(&path, r#"{"acknowledged":7,"perhaps_sent":9}"#).unwrap();
        let (mut cursor, _) = Cursor::open(path);
        assert!(cursor.fits(7, None) && cursor.may_have_sent(7) && !cursor.may_have_sent(8));
        assert!(!cursor.fits(6, None));
        assert!(cursor.acknowledged() == 0 && !cursor.covers(1) && !cursor.may_have_sent(1));
    }

    #[test]
    fn another_journal_is_told_by_its_mark_however_long_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cursor.json");
        let (mut cursor, _) = Cursor::open(path.clone());
        cursor.reserve(1, &mut |_| None).unwrap();
        cursor.sends(7);
        cursor.acknowledge(7);
        cursor.close(&mut |seq| Some(format!("mark {seq}"))).unwrap();
        let again = || Cursor::open(path.clone()).0;
        assert!(again().fits(9, Some("mark 7")));
        assert!(again().fits(9, None), "the record is no more");
        let mut cursor = again();
        assert!(!cursor.fits(9, Some("another")));
        assert!(cursor.acknowledged() == 0 && !cursor.covers(1) && !cursor.may_have_sent(1));
    }

    #[test]
    fn a_damaged_file_marks_everything_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cursor.json");
        let text = r#"{"acknowledged":7,"perhaps_sent":9}"#;
        for length in 0..text.len() {
            std::fs::write(&path, &text[..length]).unwrap();
            let (mut cursor, trouble) = Cursor::open(path.clone());
            assert!(trouble.unwrap().contains("cursor.json"));
            assert!(cursor.acknowledged() == 0 && !cursor.covers(1));
            assert!(cursor.fits(50, None) && cursor.may_have_sent(50) && !cursor.may_have_sent(51));
        }
        std::fs::write(&path, r#"{"acknowledged":9,"perhaps_sent":7}"#).unwrap();
        assert!(Cursor::open(path.clone()).1.is_some());
        std::fs::write(&path, text).unwrap();
        assert_eq!(Cursor::open(path).0.acknowledged(), 7);
    }
}

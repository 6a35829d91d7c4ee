use super::chain::{Columns, START, hash};
use super::ledger::Ledger;
use super::ranges::Ranges;
use super::record::{Checkpoint, Entry, Evidence, Record};
use super::{Error, Reader};
use crate::files;

/// What came out of following the chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Records that hold.
    pub records: u64,
    /// Outcomes of parts among them.
    pub parts: u64,
    /// Images whose content was compared with their record.
    pub images: u64,
    /// Images that are no longer there: retention, or somebody's hand.
    pub images_gone: u64,
    /// The first record there is; above 1 a checkpoint stands for those before.
    pub first_seq: u64,
    /// The last record that holds.
    pub head_seq: u64,
    /// Its hash: kept elsewhere, it proves later that nothing up to it was changed.
    pub head_hash: String,
    /// The first record that does not hold, if any.
    pub broken: Option<Broken>,
}

/// A record that does not hold, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {seq}{}: {reason}", part.map_or(String::new(), |part| format!(" (part {part})")))]
pub struct Broken {
    /// Its place in the chain.
    pub seq: u64,
    /// The part it is about, as far as can be told.
    pub part: Option<u64>,
    /// What was found and expected.
    pub reason: String,
}

/// A row as it stands in the table, believed in nothing.
struct Raw {
    seq: u64,
    text: String,
    hash: String,
    columns: Columns,
}

/// What was followed so far.
#[derive(Default)]
struct Walk {
    verified: Verified,
    /// Sequence number and hash that a copy elsewhere says.
    known_head: Option<(u64, String)>,
    reserved_below: Option<u64>,
    parts: Ranges,
    gaps: Ranges,
    /// Of the checkpoint that the chain begins with.
    accounted_before: u64,
    check_images: bool,
}

impl Reader {
    /// Follows the chain: each hash, each derived column, one outcome for each number, and the end.
    ///
    /// `head` is a sequence number and hash that were read earlier; `images` has every image that
    /// is still there hashed as well.
    ///
    /// # Errors
    /// When the database cannot be read at all; what is wrong in it is [`Verified::broken`].
    pub fn verify(&self, head: Option<(u64, String)>, images: bool) -> Result<Verified, Error> {
        let read = |error| Error::sqlite(&self.path, "read")(error);
        // One snapshot, however much a writer adds meanwhile.
        let snapshot = self.connection.unchecked_transaction().map_err(read)?;
        let mut walk = Walk { known_head: head, check_images: images, ..Walk::default() };
        walk.verified.head_hash = START.to_owned();
        let outcome = self.follow(&mut walk).and_then(|()| self.check_end(&walk));
        walk.verified.broken = outcome.err();
        drop(snapshot);
        Ok(walk.verified)
    }

    fn follow(&self, walk: &mut Walk) -> Result<(), Broken> {
        let next = |walk: &Walk| walk.verified.head_seq + 1;
        let unreadable = |seq| {
            move |error: rusqlite::Error| Broken { seq, part: None, reason: error.to_string() }
        };
        let query = "SELECT seq, text, hash, kind, number, verdict, unix_ms FROM records \
                     ORDER BY seq";
        let mut statement = self.connection.prepare(query).map_err(unreadable(next(walk)))?;
        let mut rows = statement.query([]).map_err(unreadable(next(walk)))?;
        while let Some(row) = rows.next().map_err(unreadable(next(walk)))? {
            let raw = raw(row).map_err(unreadable(next(walk)))?;
            self.begin(walk, &raw)?;
            walk.step(&raw)
                .and_then(|entry| walk.account(&entry).and_then(|()| self.images(walk, &entry)))
                .map_err(|reason| Broken { seq: raw.seq, part: raw.columns.number, reason })?;
        }
        Ok(())
    }

    /// Where the chain begins: at its start, or behind the checkpoint that says so.
    fn begin(&self, walk: &mut Walk, first: &Raw) -> Result<(), Broken> {
        if walk.verified.records > 0 {
            return Ok(());
        }
        walk.verified.first_seq = first.seq;
        if first.seq == 1 {
            return Ok(());
        }
        let broken = |reason: String| Broken { seq: first.seq, part: first.columns.number, reason };
        let checkpoint =
            self.checkpoint(first.seq - 1).map_err(|error| broken(error.to_string()))?;
        let Some(checkpoint) = checkpoint else {
            let last = first.seq - 1;
            return Err(broken(format!("records 1 to {last} are gone without a checkpoint")));
        };
        walk.verified.head_seq = checkpoint.deleted_to;
        walk.verified.head_hash = checkpoint.hash;
        walk.accounted_before = checkpoint.accounted_below;
        Ok(())
    }

    fn checkpoint(&self, deleted_to: u64) -> rusqlite::Result<Option<Checkpoint>> {
        let query = "SELECT text FROM records WHERE kind = 'checkpoint' ORDER BY seq DESC";
        let mut statement = self.connection.prepare(query)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let entry: Option<Entry> = serde_json::from_str(row.get_ref(0)?.as_str()?).ok();
            if let Some(Record::Checkpoint(checkpoint)) = entry.map(|entry| entry.record)
                && checkpoint.deleted_to == deleted_to
            {
                return Ok(Some(checkpoint));
            }
        }
        Ok(None)
    }

    fn images(&self, walk: &mut Walk, entry: &Entry) -> Result<(), String> {
        let Record::Evidence(Evidence { images, .. }) = &entry.record else { return Ok(()) };
        for image in images.iter().filter(|_| walk.check_images) {
            let path =
                files::join_below(&self.images, &image.name).map_err(|error| error.to_string())?;
            if !path.exists() {
                walk.verified.images_gone += 1;
                continue;
            }
            match files::sha256_of(&path) {
                Ok(found) if found == image.sha256 => walk.verified.images += 1,
                Ok(_) => return Err(format!("{}: not the image of then", path.display())),
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(())
    }

    /// What the state says of the end must be what the chain says.
    fn check_end(&self, walk: &Walk) -> Result<(), Broken> {
        let Verified { head_seq, head_hash, .. } = &walk.verified;
        let broken = |reason: String| Broken { seq: head_seq + 1, part: None, reason };
        let state =
            Ledger::load_state(&self.connection).map_err(|error| broken(error.to_string()))?;
        if state.seq > *head_seq {
            return Err(broken(format!("missing; the last record should be {}", state.seq)));
        }
        let is_known = walk.known_head.as_ref().is_none_or(|(seq, _)| seq <= head_seq);
        if !is_known {
            return Err(broken("missing; the known head is a later record".to_owned()));
        }
        let reserved = walk.reserved_below.unwrap_or(1);
        let says = (state.seq, &state.hash, state.reserved_below);
        if says != (*head_seq, head_hash, reserved) || state.accounted_below > reserved {
            return Err(broken("the state does not say what the chain says".to_owned()));
        }
        let mut outcomes = walk.parts.clone();
        walk.gaps.iter().for_each(|(first, last)| outcomes.insert(first, last));
        let owed = outcomes.holes(walk.accounted_before.max(1), state.accounted_below).next();
        match owed {
            Some(part) => Err(broken(format!("part {part} has no outcome in any record"))),
            None => Ok(()),
        }
    }
}

impl Walk {
    /// Checks a row against the one before and against itself.
    fn step(&mut self, raw: &Raw) -> Result<Entry, String> {
        let expected = self.verified.head_seq + 1;
        if raw.seq != expected {
            return Err(format!("follows record {}: {expected} is missing", expected - 1));
        }
        if raw.hash != hash(&self.verified.head_hash, raw.seq, &raw.text) {
            return Err("its hash is not that of its text after the record before".to_owned());
        }
        let entry: Entry =
            serde_json::from_str(&raw.text).map_err(|error| format!("not a record: {error}"))?;
        if Columns::of(&entry) != raw.columns {
            return Err(format!("its columns do not say what its text says: {:?}", raw.columns));
        }
        if let Some((_, known)) = self.known_head.as_ref().filter(|(seq, _)| *seq == raw.seq)
            && *known != raw.hash
        {
            return Err("its hash is not the one that is known".to_owned());
        }
        self.verified.head_seq = raw.seq;
        self.verified.head_hash.clone_from(&raw.hash);
        self.verified.records += 1;
        Ok(entry)
    }

    /// One outcome for each number, and none for a number that was not reserved.
    fn account(&mut self, entry: &Entry) -> Result<(), String> {
        match &entry.record {
            Record::Part(part) => {
                let number = part.number;
                if self.parts.contains(number) {
                    return Err(format!("a second outcome of part {number}"));
                }
                if self.reserved_below.is_some_and(|below| number >= below) {
                    return Err(format!("part {number} was never given out"));
                }
                self.parts.insert(number, number);
                self.verified.parts += 1;
            }
            Record::Gap(gap) => {
                gap.numbers.iter().for_each(|span| self.gaps.insert(span.first, span.last));
            }
            Record::Reserved(span) => self.reserved_below = Some(span.last + 1),
            Record::Released(span) => self.reserved_below = Some(span.first),
            Record::Checkpoint(it) => self.reserved_below = Some(it.reserved_below),
            Record::Evidence(_) | Record::Event(_) => {}
        }
        Ok(())
    }
}

fn raw(row: &rusqlite::Row<'_>) -> rusqlite::Result<Raw> {
    let columns = Columns {
        kind: row.get(3)?,
        number: row.get(4)?,
        verdict: row.get(5)?,
        unix_ms: row.get(6)?,
    };
    Ok(Raw { seq: row.get(0)?, text: row.get(1)?, hash: row.get(2)?, columns })
}

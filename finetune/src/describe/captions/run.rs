use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::chat::{Cause, Unanswered};
use super::journal::Journal;
use super::prompt::{self, Dropped};
use super::sample::{CaptionPair, sample};
use super::{Captions, Chat};
use crate::describe::{Difference, Error};

/// With what every line begins.
const OPENING: &str = "{\"pair_id\":";

/// So many pairs in a row without an answer are the endpoint's fault.
const MOST_UNANSWERED: usize = 3;

/// Every server takes seeds of 31 bits.
const SEEDS: u64 = 0x7fff_ffff;

/// What became of the pairs of a sample, this run's and those before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pairs with a sentence.
    pub kept: u64,
    dropped: BTreeMap<String, u64>,
}

impl Counts {
    /// Pairs whose answers were not used.
    pub fn dropped(&self) -> u64 {
        self.dropped.values().sum()
    }

    fn add(&mut self, dropped: Option<Dropped>) {
        match dropped {
            None => self.kept += 1,
            Some(reason) => *self.dropped.entry(reason.to_string()).or_default() += 1,
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} kept, {} dropped", self.kept, self.dropped())?;
        let mut before = " (";
        for (reason, count) in &self.dropped {
            write!(out, "{before}{count} {reason}")?;
            before = ", ";
        }
        if self.dropped.is_empty() { Ok(()) } else { out.write_str(")") }
    }
}

/// An answer that was not used; a line of the second file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DroppedAnswer {
    pair_id: String,
    reason: Dropped,
    answer: String,
}

/// Asks for one sentence about each of `count` pairs of captioned images, and adds it to `output`.
///
/// Goes on where an earlier run of the same captions and seed ended; a larger `count` adds pairs. An
/// answer that a filter drops goes to `OUTPUT.dropped`, and so does a pair without an answer between
/// others that have one, so that it is not asked for again. `progress`
/// gets the pairs that are done.
///
/// # Errors
/// Every variant about captions, endpoints and outputs; what was written before is kept.
pub fn from_captions(
    captions: &Captions,
    chat: &Chat,
    (seed, count, output): (u64, u64, &Path),
    progress: &dyn Fn(u64),
) -> Result<Counts, Error> {
    let pairs = sample(captions, seed, count)?;
    let mut run = Run::open(output, &pairs)?;
    progress(run.done.len() as u64);
    for (index, pair) in pairs.iter().enumerate() {
        if !run.done.contains(&pair.id) {
            run.describe(chat, pair, seed.wrapping_add(index as u64) & SEEDS)?;
            progress(run.done.len() as u64);
        }
    }
    run.drop_unanswered()?;
    progress(run.done.len() as u64);
    match run.counts.kept {
        0 => Err(Error::NothingKept { output: run.output, counts: run.counts.to_string() }),
        _ => Ok(run.counts),
    }
}

struct Run {
    output: PathBuf,
    kept: Journal,
    dropped: Journal,
    done: HashSet<String>,
    counts: Counts,
    /// Pairs without an answer and the last reason, since the last pair with one.
    unanswered: Vec<(String, String)>,
}

impl Run {
    /// Opens both files and checks that they hold pairs of this sample, each once.
    fn open(output: &Path, pairs: &[CaptionPair]) -> Result<Self, Error> {
        let mut name = output.as_os_str().to_owned();
        name.push(".dropped");
        let beside = PathBuf::from(name);
        let (kept, differences) = Journal::open::<Difference>(output, OPENING)?;
        let (dropped, answers) = Journal::open::<DroppedAnswer>(&beside, OPENING)?;
        let wanted: HashSet<&str> = pairs.iter().map(|pair| pair.id.as_str()).collect();
        let mut done = HashSet::new();
        let mut counts = Counts::default();
        let here = differences.into_iter().map(|it| (output, it.pair_id, None));
        let there = answers.into_iter().map(|it| (beside.as_path(), it.pair_id, Some(it.reason)));
        for (path, pair, reason) in here.chain(there) {
            if !wanted.contains(pair.as_str()) {
                return Err(Error::Foreign { path: path.to_owned(), pair });
            }
            counts.add(reason);
            if let Some(twice) = done.replace(pair) {
                return Err(Error::entry(path, format!("pair {twice} stands twice")));
            }
        }
        Ok(Self { output: output.to_owned(), kept, dropped, done, counts, unanswered: Vec::new() })
    }

    fn describe(&mut self, chat: &Chat, pair: &CaptionPair, seed: u64) -> Result<(), Error> {
        let said = match chat.ask(pair, seed) {
            Ok(said) => said,
            Err(unanswered) => {
                self.unanswered.push((pair.id.clone(), unanswered.reason.clone()));
                return self.check_alive(chat, unanswered);
            }
        };
        // The endpoint is well: those before it had no answer for reasons of their own.
        self.drop_unanswered()?;
        let (pair_id, answer) = (pair.id.clone(), said.text);
        let sentence = if said.is_cut { Err(Dropped::CutOff) } else { prompt::sentence(&answer) };
        match sentence {
            Ok(sentence) => {
                self.kept.append(&Difference {
                    pair_id,
                    bounds: None,
                    key: None,
                    sense: None,
                    sentence,
                    reference: Some(pair.reference.0.clone()),
                    test: Some(pair.test.0.clone()),
                })?;
                self.counts.add(None);
            }
            Err(reason) => {
                self.dropped.append(&DroppedAnswer { pair_id, reason, answer })?;
                self.counts.add(Some(reason));
            }
        }
        self.done.insert(pair.id.clone());
        Ok(())
    }

    /// Ends the run where it is the endpoint that does not answer, not the pair that has no answer;
    /// those pairs are asked about again by the next run.
    fn check_alive(&self, chat: &Chat, last: Unanswered) -> Result<(), Error> {
        let is_new = self.kept.lines() == 0 && last.attempts.is_none();
        let goes_on = self.unanswered.len() < MOST_UNANSWERED && !is_new;
        if last.cause == Cause::Pair && goes_on {
            log::warn!("{}: no answer about a pair, {}", chat.shown(), last.reason);
            return Ok(());
        }
        let (address, written) = (chat.shown().to_owned(), self.kept.lines());
        let (reason, output) = (last.reason, self.output.clone());
        Err(match last.attempts {
            Some(attempts) => Error::Unavailable { address, attempts, reason, written, output },
            None => Error::Refused { address, reason, written, output },
        })
    }

    /// Notes pairs without an answer, so that no run asks about them again.
    fn drop_unanswered(&mut self) -> Result<(), Error> {
        for (pair_id, answer) in std::mem::take(&mut self.unanswered) {
            let reason = Dropped::NoAnswer;
            self.done.insert(pair_id.clone());
            self.dropped.append(&DroppedAnswer { pair_id, reason, answer })?;
            self.counts.add(Some(reason));
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::print_stdout, clippy::unwrap_used)]
mod unit {
    use std::fs::OpenOptions;
    use std::time::Duration;

    use super::super::tests::server::{Act, Server};
    use super::*;

    #[test]
    fn a_disk_that_fills_ends_the_run_and_keeps_what_was_made() {
        let full = Path::new("/dev/full");
        let Ok(file) = OpenOptions::new().write(true).open(full) else {
            println!("SKIP a_disk_that_fills_ends_the_run_and_keeps_what_was_made: no /dev/full");
            return;
        };
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("d.jsonl");
        let name = |name: &str| (name.to_owned(), format!("subject {name}"));
        let pair =
            |id: &str| CaptionPair { id: id.to_owned(), reference: name("a"), test: name(id) };
        let pairs = ["1", "2"].map(pair);
        let server = Server::start(|_, _| Act::Good);
        let chat = Chat::new(&server.address, Duration::from_secs(20)).unwrap();
        let mut run = Run::open(&output, &pairs).unwrap();
        run.describe(&chat, &pairs[0], 1).unwrap();
        let made = std::fs::read(&output).unwrap();
        run.kept = Journal::at(full, file);
        for _ in 0..2 {
            let error = run.describe(&chat, &pairs[1], 1).unwrap_err();
            assert!(error.to_string().contains("cannot write: No space left"), "{error}");
        }
        assert_eq!((run.counts.kept, run.done.len()), (1, 1));
        drop(run);
        assert_eq!(std::fs::read(&output).unwrap(), made);
        let mut again = Run::open(&output, &pairs).unwrap();
        again.describe(&chat, &pairs[1], 1).unwrap();
        assert_eq!((again.counts.kept, again.kept.lines()), (2, 2));
    }
}

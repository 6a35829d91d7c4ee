//! The one table that the server answers from and the documentation is made of.

use std::fmt::Write;

use super::commands::Progress;
use crate::plant::{Cause, Snapshot, State};

/// The version of this table; it rises when a register changes its meaning.
const VERSION: u32 = 2;
/// Written to ask for something; see [`ACTIONS`].
pub(super) const COMMAND: u16 = 100;
/// Written to select a recipe by its index; reads as the one in force.
pub(super) const RECIPE: u16 = 101;
/// What may be written to [`COMMAND`], from 1.
pub(super) const ACTIONS: [&str; 4] = ["trigger", "hold", "resume", "challenge"];

/// What a register shows is computed from this.
pub(super) struct View<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) recipes: usize,
    pub(super) progress: Progress,
}

/// One figure, in one register or in two with the high word first.
struct Register {
    address: u16,
    words: u16,
    name: &'static str,
    about: &'static str,
    value: fn(&View) -> u32,
}

const fn one(
    address: u16,
    name: &'static str,
    about: &'static str,
    value: fn(&View) -> u32,
) -> Register {
    Register { address, words: 1, name, about, value }
}

const fn two(
    address: u16,
    name: &'static str,
    about: &'static str,
    value: fn(&View) -> u32,
) -> Register {
    Register { address, words: 2, name, about, value }
}

#[rustfmt::skip]
const TABLE: [Register; 34] = [
    one(0, "map_version", "version of this table", |_| VERSION),
    one(1, "state", "state by OPC 40100-1, see below", |it| it.snapshot.state.code().into()),
    one(2, "cause", "kind of reason for the state, see below", |it| it.snapshot.cause.code().into()),
    one(3, "in_flight", "parts that have not left", |it| short(it.snapshot.in_flight)),
    two(4, "up_s", "seconds since the start", |it| whole(it.snapshot.up_s)),
    two(6, "triggers", "parts that were triggered", |it| low(it.snapshot.counters.triggers)),
    two(8, "missed_triggers", "triggers that were seen too late or not", |it| low(it.snapshot.counters.missed_triggers)),
    two(10, "finished", "parts that have their outcome", |it| low(it.snapshot.counters.finished)),
    two(12, "inspected", "verdicts that came", |it| low(it.snapshot.counters.inspected)),
    two(14, "conforming", "parts that conformed", |it| low(it.snapshot.counters.conforming)),
    two(16, "mismatch", "parts that did not", |it| low(it.snapshot.counters.mismatch)),
    two(18, "not_inspected", "parts without a verdict that counts", |it| low(it.snapshot.counters.not_inspected)),
    two(20, "overload_rejected", "of these: rejected for those before them", |it| low(it.snapshot.counters.overload_rejected)),
    two(22, "deadline_missed", "of these: no verdict in time", |it| low(it.snapshot.counters.deadline_missed)),
    two(24, "late_verdicts", "verdicts after their part had an outcome", |it| low(it.snapshot.counters.late_verdicts)),
    two(26, "last_part", "number of the last part with an outcome", |it| last(it, |part| part.number)),
    one(28, "last_verdict", "0 none, 1 conforming, 2 mismatch, 3 not inspected", |it| last(it, |part| part.verdict.code().into())),
    one(29, "last_latency_ms", "from its trigger to its leaving", |it| last(it, |part| whole(part.latency_ms).into()).min(0xffff)),
    two(30, "dropped_records", "outcomes that the journal had to drop", |it| low(it.snapshot.upkeep.dropped_records)),
    two(32, "leaving_p50_us", "from trigger to leaving, median", |it| whole(it.snapshot.to_leaving.p50_ms * 1e3)),
    two(34, "leaving_p99_us", "the same, 99th percentile", |it| whole(it.snapshot.to_leaving.p99_ms * 1e3)),
    two(36, "inspection_p50_us", "of an inspection, median", |it| whole(it.snapshot.inspection.p50_ms * 1e3)),
    two(38, "inspection_p99_us", "the same, 99th percentile", |it| whole(it.snapshot.inspection.p99_ms * 1e3)),
    one(40, "rate", "parts per minute, in tenths", |it| whole(it.snapshot.rates.parts_per_minute * 10.0).min(0xffff)),
    one(41, "yield", "conforming of finished, in tenths of a percent", |it| whole(it.snapshot.rates.yield_percent * 10.0).min(0xffff)),
    one(42, "recipes", "recipes that may be selected", |it| short(it.recipes as u64)),
    two(43, "recipe_id", "first 32 bits of the recipe's SHA-256", |it| leading(&it.snapshot.recipe.sha256)),
    one(45, "command_count", "commands that this connection asked for, modulo 65,536", |it| it.progress.count.into()),
    one(46, "command_state", "of its last: 0 none, 1 running, 2 done, 3 refused", |it| it.progress.outcome as u32),
    one(47, "drift", "drift of the photos and scores: 0 ok, 1 warn, 2 hold", drift),
    one(48, "missing", "components that are missing now", |it| short(it.snapshot.upkeep.missing.len() as u64)),
    one(49, "journal_fault", "1 while the journal cannot write", |it| u32::from(!it.snapshot.upkeep.journal_fault.is_empty())),
    one(COMMAND, "command", "write 1 trigger, 2 hold, 3 resume, 4 challenge; reads as this connection's last", |it| it.progress.command.into()),
    one(RECIPE, "recipe", "write an index from 1; reads as the one in force, 0 for one of no index", |it| it.snapshot.recipe.index.unwrap_or(0).into()),
];

/// The content of `count` registers; none where one of them does not exist.
pub(super) fn read(view: &View, address: u16, count: u16) -> Option<Vec<u16>> {
    let end = address.checked_add(count)?;
    (address..end).map(|address| word(view, address)).collect()
}

fn word(view: &View, address: u16) -> Option<u16> {
    let place = TABLE.partition_point(|register| register.address <= address).checked_sub(1)?;
    let register = &TABLE[place];
    let value = (register.value)(view);
    match (register.words, address - register.address) {
        (1, 0) => Some(value as u16),
        (2, 0) => Some((value >> 16) as u16),
        (2, 1) => Some(value as u16),
        _ => None,
    }
}

/// The documentation of the registers, a table and two lists of codes in Markdown.
pub fn register_table() -> String {
    let mut text = String::from("| address | words | name | what it is |\n|---:|---:|---|---|\n");
    for Register { address, words, name, about, .. } in &TABLE {
        // Writing to a text never fails.
        let _ = writeln!(text, "| {address} | {words} | `{name}` | {about} |");
    }
    let list = |codes: Vec<(u16, &str)>| {
        let codes = codes.iter().map(|(code, name)| format!("{code} `{name}`"));
        codes.collect::<Vec<String>>().join(", ")
    };
    let states = State::ALL.iter().map(|state| (state.code(), state.name())).collect();
    let causes = Cause::ALL.iter().map(|cause| (cause.code(), cause.name())).collect();
    let _ = write!(text, "\nStates: {}.\n\nCauses: {}.\n", list(states), list(causes));
    text
}

/// Counters run over as those of any controller do.
fn low(count: u64) -> u32 {
    count as u32
}

fn short(count: u64) -> u32 {
    count.min(0xffff) as u32
}

/// The nearest whole number that fits; 0 for what is none.
fn whole(value: f64) -> u32 {
    value.round() as u32
}

fn last(view: &View, value: fn(&crate::plant::PartResult) -> u64) -> u32 {
    view.snapshot.last.as_ref().map_or(0, |part| low(value(part)))
}

fn leading(sha256: &str) -> u32 {
    sha256.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0)
}

fn drift(view: &View) -> u32 {
    let codes = view.snapshot.drift.iter().map(|figure| match figure.state.as_str() {
        "hold" => 2,
        "warn" => 1,
        _ => 0,
    });
    codes.max().unwrap_or(0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::plant::{Counters, PartResult, Verdict};

    fn read_from(snapshot: &Snapshot, address: u16, count: u16) -> Option<Vec<u16>> {
        read(&View { snapshot, recipes: 3, progress: Progress::default() }, address, count)
    }

    #[test]
    fn registers_lie_one_after_another_without_gaps() {
        let mut next = 0;
        for register in &TABLE[..TABLE.len() - 2] {
            assert_eq!(register.address, next, "{}", register.name);
            assert!((1..=2).contains(&register.words));
            next += register.words;
        }
        assert!(next <= COMMAND);
        let snapshot = Snapshot::default();
        assert_eq!(read_from(&snapshot, 0, next).unwrap().len(), usize::from(next));
        assert_eq!(read_from(&snapshot, 0, next + 1), None);
        assert_eq!(read_from(&snapshot, COMMAND, 2).unwrap(), [0, 0]);
        assert_eq!(read_from(&snapshot, COMMAND, 3), None);
        assert_eq!(read_from(&snapshot, 65_535, 2), None);
    }

    #[test]
    fn two_words_have_the_high_one_first_and_counters_run_over() {
        let counters =
            Counters { triggers: 0x1_2345_6789, conforming: 70_000, ..Counters::default() };
        let verdict = Verdict::Mismatch;
        let last = PartResult { number: 0xabcd_ef01, verdict, ..PartResult::default() };
        let mut snapshot = Snapshot { counters, last: Some(last), ..Snapshot::default() };
        snapshot.recipe.sha256 = "deadbeef00".to_owned();
        assert_eq!(read_from(&snapshot, 6, 2).unwrap(), [0x2345, 0x6789]);
        assert_eq!(read_from(&snapshot, 15, 1).unwrap(), [(70_000_u32 & 0xffff) as u16]);
        snapshot.upkeep.dropped_records = 0x9_0000;
        assert_eq!(read_from(&snapshot, 26, 6).unwrap(), [0xabcd, 0xef01, 2, 0, 9, 0]);
        assert_eq!(read_from(&snapshot, 42, 3).unwrap(), [3, 0xdead, 0xbeef]);
    }

    #[test]
    fn figures_that_are_no_number_or_too_large_are_bounded() {
        let mut snapshot = Snapshot { up_s: f64::NAN, ..Snapshot::default() };
        snapshot.rates.parts_per_minute = 1e9;
        snapshot.to_leaving.p99_ms = f64::INFINITY;
        assert_eq!(read_from(&snapshot, 4, 2).unwrap(), [0, 0]);
        assert_eq!(read_from(&snapshot, 40, 1).unwrap(), [0xffff]);
        assert_eq!(read_from(&snapshot, 34, 2).unwrap(), [0xffff, 0xffff]);
    }

    #[test]
    fn the_documented_table_is_this_one() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("board/plant.md");
        let text = std::fs::read_to_string(&path).unwrap();
        let expected = register_table();
        assert!(
            text.contains(&expected),
            "{}: the registers are not those of the source, which are:\n{expected}",
            path.display()
        );
    }
}

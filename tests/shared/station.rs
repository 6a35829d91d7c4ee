//! A station from files, with the bundled recipe: run as a process, killed, and what is left.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pairspec::journal::{Filter, Outcome, Reader, Record, Row};
use serde_json::Value;

/// Far beyond what any wait here takes.
const PATIENCE: Duration = Duration::from_secs(120);
/// Pairs of the demo: two that conform and one that does not.
const PAIRS: [&str; 3] = ["000002", "000005", "000000"];

/// What the rounds came to.
#[derive(Debug, Default)]
pub struct Kills {
    pub rounds: u64,
    /// Pulses of the pass output.
    pub passes: u64,
    /// Parts that the journal says were passed.
    pub conforming: u64,
    /// Parts that got no outcome before the process ended.
    pub crashed: u64,
}

/// The recipe of the demo.
pub fn bundled_recipe() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/default/demo/recipe.toml")
}

/// Fills `references` and `tests`: pairs of the demo, or small grey squares; the frames' side.
pub fn frames(folder: &Path, is_demo: bool) -> u32 {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/default/demo/frames");
    for (name, role) in [("references", "ref"), ("tests", "test")] {
        let to = folder.join(name);
        fs::create_dir_all(&to).unwrap();
        for (index, pair) in PAIRS.iter().enumerate() {
            let file = to.join(format!("{index}.png"));
            if is_demo {
                fs::copy(demo.join(format!("{pair}_{role}.png")), file).unwrap();
            } else {
                image::GrayImage::from_pixel(64, 64, image::Luma([90])).save(file).unwrap();
            }
        }
    }
    if is_demo { 320 } else { 64 }
}

/// Writes a station file with frames beside it; 10 parts a second, an ejector 250 ms behind.
pub fn write(folder: &Path, recipe: &Path) -> PathBuf {
    let side = frames(folder, true);
    let camera = format!("width = {side}\nheight = {side}\nrate_hz = 10");
    let text = format!(
        "name = 'killed'\nrecipe = '{}'\ndeadline_ms = 240\n[capture]\nmode = 'two-cameras'\n\
         delay_ms = 0\nwindow_ms = 20\nframes_in_window = 'first'\ntrigger_latency_ms = 100\n\
         frame_latency_ms = 100\n[capture.test]\nfolder = 'tests'\n{camera}\n\
         [capture.reference]\nfolder = 'references'\n{camera}\n[trigger]\nkind = 'interval'\n\
         rate_hz = 10\n[ejector]\ndelay_ms = 250\ntolerance_ms = 100\n[journal]\n\
         folder = 'journal'\n[control]\nsocket = 'socket'\n",
        recipe.display()
    );
    let path = folder.join("station.toml");
    fs::write(&path, text).unwrap();
    path
}

/// Starts the program on a station file, its outputs recorded in `levels.jsonl` beside it.
pub fn spawn(program: &Path, station: &Path) -> Child {
    let mut command = Command::new(program);
    command.arg("run").arg(station).args(["--dry-run", "--levels"]).arg(levels_of(station));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Starts the program, kills it so long after its first pass, and checks what is left.
pub fn kill(program: &Path, station: &Path, delay: Duration, kills: &mut Kills) {
    let before = passes(station);
    let mut child = spawn(program, station);
    let start = Instant::now();
    while passes(station) == before {
        assert!(start.elapsed() < PATIENCE, "no part was passed");
        assert!(child.try_wait().unwrap().is_none(), "the station ended by itself");
        thread::sleep(Duration::from_millis(2));
    }
    thread::sleep(delay);
    // SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
    let start = Instant::now();
    while !is_safe(station) {
        assert!(start.elapsed() < PATIENCE, "an output stays active after the kill");
        thread::sleep(Duration::from_millis(2));
    }
    let (passes_then, folder) = (passes(station), station.parent().unwrap().join("journal"));
    // Opens, and says what the crash left to be said.
    pairspec::journal::Writer::open(&folder, Default::default()).unwrap().close().unwrap();
    let [conforming, crashed] = outcomes(&folder);
    assert!(conforming <= passes_then, "the journal tells of a pass that was none");
    // A pass whose record the crash kept from the disk is told as crashed.
    assert!(passes_then <= conforming + crashed, "a pass that nothing accounts for");
    *kills = Kills { rounds: kills.rounds + 1, passes: passes_then, conforming, crashed };
}

/// Parts that conformed, and parts without an outcome but the crash; each number once.
pub fn outcomes(journal: &Path) -> [u64; 2] {
    let reader = Reader::open(journal).unwrap();
    assert_eq!(reader.verify(None, true).unwrap().broken, None);
    let (mut counts, mut numbers) = ([0, 0], std::collections::BTreeSet::new());
    let visit = |row: Row| {
        if let Record::Part(part) = row.entry.record {
            assert!(numbers.insert(part.number), "part {} twice", part.number);
            match part.outcome {
                Outcome::Conforming => counts[0] += 1,
                Outcome::NotInspected { stage, .. } if stage == "crash" => counts[1] += 1,
                _ => {}
            }
        }
        ControlFlow::Continue(())
    };
    reader.each(&Filter::default(), visit).unwrap();
    let last = numbers.len() as u64;
    assert!(numbers.into_iter().eq(1..=last), "a number without an outcome");
    counts
}

/// How often the pass output became active so far.
pub fn passes(station: &Path) -> u64 {
    changes(station).iter().filter(|it| it["output"] == "pass" && it["is_active"] == true).count()
        as u64
}

/// The changes that a dry run recorded; a line that is being written is left out.
pub fn changes(station: &Path) -> Vec<Value> {
    let text = fs::read_to_string(levels_of(station)).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Whether no output is active, by the changes so far.
pub fn is_safe(station: &Path) -> bool {
    let changes = changes(station);
    ["pass", "reject", "busy", "fault"].iter().all(|output| {
        let last = changes.iter().rfind(|change| change["output"] == **output);
        last.is_none_or(|last| last["is_active"] == false)
    })
}

fn levels_of(station: &Path) -> PathBuf {
    station.with_file_name("levels.jsonl")
}

/// What this process holds in memory, in KiB.
pub fn rss_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

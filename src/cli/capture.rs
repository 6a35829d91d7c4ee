use std::io::BufRead;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::Args;

use super::CONFORMING;
use super::common::{counted, print};
use crate::capture::open_source;
use crate::frame::Rect;
use crate::manifest::{Label, LabelledBox};
use crate::recipe::{Shows, today};
use crate::station::{Lesson, StationConfig, Take, Teaching, TriggerConfig};

/// How often Enter and the time are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How long cameras may take to deliver a first frame before Enter is waited for all the same.
const WARM_UP: Duration = Duration::from_secs(5);

/// Take labelled pairs with a station's cameras, and write the manifest that `calibrate` reads
///
/// Cameras, their fixed settings, triggers and timing are those of `run`; no output line is touched. A
/// pair whose photos inspection would refuse is told of and does not count. Each pair is written whole
/// or not at all, and a folder that has pairs already gets more: take good parts in one call, each
/// kind of bad ones in another. Ctrl-C ends it; what was taken stays.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The station file
    #[arg(value_name = "STATION.toml")]
    station: PathBuf,
    /// What is true of every part: ok, or the ids of the sentences it violates, separated by |
    #[arg(long, value_name = "ok|SPEC_ID", value_parser = label)]
    label: Label,
    /// Pairs to take
    #[arg(short = 'n', long = "pairs", value_name = "N")]
    pairs: u64,
    /// The folder of the manifest and the frames
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// What these pairs share with no others (a board, a day), so that they are held out together
    /// [default: today's date]
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Where the fault is in every part, in pixels of the reference; may be given more than once
    #[arg(long = "box", value_name = "X1 Y1 X2 Y2 [SPEC_ID]")]
    boxes: Vec<String>,
    /// With a software trigger: a part every so many milliseconds instead of one for each Enter
    #[arg(long, value_name = "MS")]
    every: Option<f64>,
    /// Keep pairs that inspection would refuse, too
    #[arg(long)]
    keep_bad: bool,
    /// Give up when no frames of a part came for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    give_up: f64,
}

/// Takes the pairs.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    ensure!(
        (1..=1_000_000).contains(&arguments.pairs),
        "-n {}: from 1 to 1000000",
        arguments.pairs
    );
    ensure!(
        (0.1..=86_400.0).contains(&arguments.give_up),
        "--give-up {}: from 0.1 to 86400 seconds",
        arguments.give_up
    );
    let mut config = StationConfig::open(&arguments.station)?;
    let enter = arguments.set_trigger(&mut config)?;
    let lesson = arguments.lesson()?;
    let open = Arc::new(|_, config: &_, first_ns| open_source(config, first_ns));
    let mut teaching = Teaching::start(&config, &(open as _), lesson)?;
    let mut kept = 0;
    if enter {
        teaching.warm_up(WARM_UP)?;
    }
    let taken = take_all(arguments, &mut teaching, enter.then(enters), &mut kept);
    let manifest = teaching.manifest();
    let (wanted, place) = (arguments.pairs, manifest.display());
    taken.with_context(|| format!("{kept} of {wanted} pairs were taken, and are in {place}"))?;
    print(|out| writeln!(out, "{} in {place}", counted(arguments.pairs as usize, "pair")))?;
    Ok(CONFORMING)
}

impl Arguments {
    /// Puts `--every` in the place of a software trigger; whether Enter is the trigger.
    fn set_trigger(&self, config: &mut StationConfig) -> anyhow::Result<bool> {
        let is_software = config.trigger == TriggerConfig::Software;
        let Some(ms) = self.every else { return Ok(is_software) };
        ensure!(
            is_software,
            "--every {ms}: {} has a trigger of its own; this is for trigger.kind = \"software\"",
            config.path.display()
        );
        ensure!((5.0..=3_600_000.0).contains(&ms), "--every {ms}: from 5 to 3600000 ms");
        config.trigger = TriggerConfig::Interval { period_ns: (ms * 1e6).round() as i64 };
        Ok(false)
    }

    fn lesson(&self) -> anyhow::Result<Lesson> {
        let boxes = self.boxes.iter().map(|text| labelled_box(text, &self.label));
        let group = self.group.clone().unwrap_or_else(|| today().to_string());
        ensure!(!group.trim().is_empty(), "--group: is empty");
        Ok(Lesson {
            label: self.label.clone(),
            boxes: boxes.collect::<anyhow::Result<_>>()?,
            group,
            keep_bad: self.keep_bad,
            folder: self.out.clone(),
        })
    }
}

/// Takes parts until there are enough pairs.
fn take_all(
    arguments: &Arguments,
    teaching: &mut Teaching,
    enters: Option<Receiver<()>>,
    kept: &mut u64,
) -> anyhow::Result<()> {
    let give_up = Duration::from_secs_f64(arguments.give_up);
    let mut is_asked = false;
    let mut waiting_since = Instant::now();
    while *kept < arguments.pairs {
        if let Some(enters) = &enters
            && !is_asked
        {
            waiting_since = Instant::now();
            match enters.try_recv() {
                Ok(()) => {
                    is_asked = true;
                    teaching.trigger();
                }
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => bail!("standard input ended"),
            }
        }
        let Some(take) = teaching.next(LOOK)? else {
            if waiting_since.elapsed() > give_up {
                bail!("no frames of a part for {} s", arguments.give_up);
            }
            continue;
        };
        is_asked = false;
        if !matches!(take, Take::Refused { has_frames: false, .. }) {
            waiting_since = Instant::now();
        }
        *kept += u64::from(matches!(take, Take::Kept { .. }));
        tell(&take, *kept, arguments.pairs)?;
        if waiting_since.elapsed() > give_up {
            bail!("no frames of a part for {} s", arguments.give_up);
        }
    }
    Ok(())
}

fn tell(take: &Take, kept: u64, wanted: u64) -> anyhow::Result<()> {
    print(|out| match take {
        Take::Kept { id, complaints } if complaints.is_empty() => {
            writeln!(out, "{id} ({kept} of {wanted})")
        }
        Take::Kept { id, complaints } => {
            writeln!(out, "{id} ({kept} of {wanted}), though {}", complaints.join("; "))
        }
        Take::Refused { reasons, .. } => writeln!(out, "not taken: {}", reasons.join("; ")),
    })
}

/// A message for each Enter, none before the last was taken; disconnected at the end of input.
fn enters() -> Receiver<()> {
    log::warn!("put a part in place and press Enter, for each pair");
    let (sender, receiver) = sync_channel(0);
    thread::spawn(move || {
        let lines = std::io::stdin().lock().lines();
        for _ in lines.map_while(Result::ok) {
            if sender.send(()).is_err() {
                return;
            }
        }
    });
    receiver
}

fn label(text: &str) -> Result<Label, String> {
    Ok(match Shows::try_from(text.to_owned())? {
        Shows::Good => Label::Conforming,
        Shows::Faults(ids) => Label::Faults(ids),
    })
}

/// A box of the one fault of the label, or of the one that it names.
fn labelled_box(text: &str, label: &Label) -> anyhow::Result<LabelledBox> {
    let expected = || format!("--box {text:?}: expected X1 Y1 X2 Y2, with X1 < X2 and Y1 < Y2");
    let words: Vec<&str> = text.split_whitespace().collect();
    let numbers = words.iter().take(4).map(|word| word.parse::<u32>().ok());
    let numbers: Option<Vec<u32>> = numbers.collect();
    let Some([left, top, right, bottom]) = numbers.as_deref() else { bail!(expected()) };
    let rect = Rect::from_corners(*left, *top, *right, *bottom);
    ensure!(!rect.is_empty() && words.len() <= 5, expected());
    let ids = match label {
        Label::Faults(ids) => ids.as_slice(),
        Label::Conforming => &[],
    };
    let class = match (words.get(4), ids) {
        (Some(class), ids) if ids.iter().any(|id| id == class) => (*class).to_owned(),
        (None, [only]) => only.clone(),
        (None, []) => bail!("--box {text:?}: a part that is ok has no fault to box"),
        _ => bail!("--box {text:?}: the fifth word is to be an id of --label"),
    };
    Ok(LabelledBox { rect, class })
}

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use embedded_graphics::geometry::Size;
use pairspec::files;
use pairspec::frame::{Frame, Rect};
use pairspec::manifest::{self, Pair};
use pairspec::panel::{self, DemoFrames, Language, Memory, Panel};

use super::common::print;
use super::{CONFORMING, data};

/// The demo pair whose fault the screens show.
const MISMATCH_PAIR: &str = "000000";
/// The one without a fault.
const CONFORMING_PAIR: &str = "000002";

/// The operator's screen: a PNG of every screen with the numbers of a demonstration
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Write the screens into this folder, which is made if it is not there
    #[arg(long, value_name = "DIR")]
    snapshot: PathBuf,
    /// Columns and rows, from 320x240 to 4096x4096
    #[arg(long, value_name = "WxH", default_value = "800x480")]
    size: ScreenSize,
    /// The language
    #[arg(long, default_value = "en")]
    lang: LanguageArgument,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LanguageArgument {
    En,
    Ja,
}

#[derive(Debug, Clone, Copy)]
struct ScreenSize(Size);

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let language = match arguments.lang {
        LanguageArgument::En => Language::En,
        LanguageArgument::Ja => Language::Ja,
    };
    let folder = &arguments.snapshot;
    std::fs::create_dir_all(folder).map_err(files::Error::io(folder, "create"))?;
    let frames = demo_frames().inspect_err(|error| log::warn!("screens without frames: {error:#}"));
    for (name, scene) in panel::demo_scenes(language, frames.ok().as_ref()) {
        let mut display = Memory::new(arguments.size.0)?;
        let Ok(_) = Panel::new().draw(&scene, &mut display);
        let path = folder.join(format!("{name}.png"));
        files::write(&path, &display.png()?)?;
        print(|out| writeln!(out, "{}", path.display()))?;
    }
    Ok(CONFORMING)
}

/// The pairs of the bundled demo that the screens show.
fn demo_frames() -> anyhow::Result<DemoFrames> {
    let pairs = manifest::open(&data::bundled("models/default/demo/manifest.csv")?)?;
    let pair = |id: &str| {
        let pair = pairs.iter().find(|pair| pair.id == id);
        pair.with_context(|| format!("the demo has no pair {id}"))
    };
    let frames = |pair: &Pair| {
        let frame = |path: &Path| anyhow::Ok(Arc::new(Frame::open(path)?));
        anyhow::Ok([frame(&pair.reference)?, frame(&pair.test)?])
    };
    let mismatch = pair(MISMATCH_PAIR)?;
    let fault = mismatch.boxes.iter().flatten().next().map(|fault| fault.rect);
    Ok(DemoFrames {
        mismatch: frames(mismatch)?,
        fault: fault.unwrap_or(Rect::new(0, 0, 0, 0)),
        conforming: frames(pair(CONFORMING_PAIR)?)?,
    })
}

impl FromStr for ScreenSize {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let sides = text.split_once('x').map(|(width, height)| (width.parse(), height.parse()));
        let Some((Ok(width), Ok(height))) = sides else {
            bail!("expected columns and rows as 800x480");
        };
        let size = Size::new(width, height);
        Memory::new(size)?;
        Ok(Self(size))
    }
}

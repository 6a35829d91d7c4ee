use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{ArgGroup, Args, ValueEnum};
use embedded_graphics::geometry::Size;

use super::common::print;
use super::{CONFORMING, data};
use crate::files;
use crate::frame::{Frame, Rect};
use crate::manifest::{self, Pair};
use crate::panel::{
    self, DemoFrames, Display, Framebuffer, Kms, Language, Memory, Panel, Scene, Turn,
};

/// The demo pair whose fault the screens show.
const MISMATCH_PAIR: &str = "000000";
/// The one without a fault.
const CONFORMING_PAIR: &str = "000002";

/// The operator's screens with the numbers of a demonstration, as PNG or on a display
///
/// A display shows one screen until standard input ends.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("where").required(true).args(["snapshot", "framebuffer", "drm"])))]
pub(crate) struct Arguments {
    /// Write all screens into this folder, which is made if it is not there
    #[arg(long, value_name = "DIR", conflicts_with_all = ["screen", "rotation"])]
    snapshot: Option<PathBuf>,
    /// Show a screen on this framebuffer, such as /dev/fb0
    #[arg(long, value_name = "DEVICE", requires = "screen")]
    framebuffer: Option<PathBuf>,
    /// Show a screen on this DRM device, such as /dev/dri/card0
    #[arg(long, value_name = "DEVICE", requires = "screen")]
    drm: Option<PathBuf>,
    /// Which screen, such as running-mismatch
    #[arg(long, value_name = "NAME")]
    screen: Option<String>,
    /// How the picture is turned on the display, clockwise
    #[arg(long, value_name = "DEGREES", default_value = "0", value_parser = turn)]
    rotation: Turn,
    /// Columns and rows of PNG files, from 320x240 to 4096x4096
    #[arg(
        long, value_name = "WxH", default_value = "800x480",
        conflicts_with_all = ["framebuffer", "drm"]
    )]
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
    let frames = demo_frames().inspect_err(|error| log::warn!("screens without frames: {error:#}"));
    let scenes = panel::demo_scenes(language, frames.ok().as_ref());
    match (&arguments.snapshot, &arguments.screen) {
        (Some(folder), _) => snapshot(scenes, folder, arguments.size.0)?,
        (None, Some(name)) => show(&chosen(scenes, name)?, name, arguments)?,
        (None, None) => bail!("--screen: not given"),
    }
    Ok(CONFORMING)
}

fn snapshot(scenes: Vec<(&str, Scene)>, folder: &Path, size: Size) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).map_err(files::Error::io(folder, "create"))?;
    for (name, scene) in scenes {
        let mut display = Memory::new(size)?;
        let Ok(_) = Panel::new().draw(&scene, &mut display);
        let path = folder.join(format!("{name}.png"));
        files::write(&path, &display.png()?)?;
        print(|out| writeln!(out, "{}", path.display()))?;
    }
    Ok(())
}

fn chosen(scenes: Vec<(&str, Scene)>, name: &str) -> anyhow::Result<Scene> {
    let names: Vec<&str> = scenes.iter().map(|(name, _)| *name).collect();
    let unknown = format!("--screen {name}: expected one of {}", names.join(", "));
    let found = scenes.into_iter().find(|(other, _)| *other == name);
    Ok(found.context(unknown)?.1)
}

/// Shows a screen, says so, and keeps it there until standard input ends.
fn show(scene: &Scene, name: &str, arguments: &Arguments) -> anyhow::Result<()> {
    let turn = arguments.rotation;
    let mut display: Box<dyn Display> = match (&arguments.framebuffer, &arguments.drm) {
        (Some(device), _) => Box::new(Framebuffer::open(device, turn)?),
        (None, Some(device)) => Box::new(Kms::open(device, turn)?),
        (None, None) => bail!("no display: give --framebuffer or --drm"),
    };
    Panel::new().show(scene, display.as_mut())?;
    let Size { width, height } = display.size();
    print(|out| writeln!(out, "{name} {width}x{height}"))?;
    io::copy(&mut io::stdin().lock(), &mut io::sink()).context("standard input")?;
    Ok(())
}

fn turn(degrees: &str) -> anyhow::Result<Turn> {
    let turn = degrees.parse().ok().and_then(Turn::from_degrees);
    turn.context("expected 0, 90, 180 or 270")
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

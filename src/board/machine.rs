use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use gpiocdev::chip;

use crate::capture::{self, CameraNode};
use crate::int8;

/// What can be read about this machine; what could not be read is absent or says why.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    /// As Rust names it.
    pub architecture: &'static str,
    /// Of the device tree.
    pub model: Option<String>,
    /// Of the kernel.
    pub release: String,
    /// In the words of `/proc/cpuinfo`.
    pub cpu_features: BTreeSet<String>,
    /// The int8 kernel that will run, or why none does; `None` when that was not asked.
    pub kernel: Option<Result<String, String>>,
    /// Threads that run at once.
    pub processors: usize,
    /// MiB.
    pub memory_mb: u64,
    /// Nodes that capture video, each with what it offers or why that is not known.
    pub cameras: Vec<(PathBuf, Result<CameraNode, String>)>,
    /// GPIO chips, each with what it is or why that is not known.
    pub gpio_chips: Vec<(PathBuf, Result<GpioChip, String>)>,
    /// Framebuffers.
    pub displays: Vec<Display>,
    /// Device nodes of DRM cards and of SPI buses.
    pub display_nodes: Vec<PathBuf>,
    /// Thermal zones.
    pub zones: Vec<Zone>,
    /// Whether the processor is slowed down now, and by what; `None` when nothing says.
    pub throttled: Option<Result<(), String>>,
    /// Whether the time of day is kept right; `None` when nothing says.
    pub clock_synchronised: Option<bool>,
    /// Hardware watchdogs by device node, each with what it calls itself.
    pub watchdogs: Vec<(PathBuf, String)>,
    /// The groups of this process by name; numbers where there is no name.
    pub groups: BTreeSet<String>,
    /// Whether this process may do everything.
    pub is_root: bool,
}

/// A GPIO chip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpioChip {
    /// What its driver calls it.
    pub label: String,
    /// How many lines it has.
    pub lines: u32,
    /// The newest interface that the kernel speaks: 1 or 2.
    pub interface: u8,
    /// Lines in use, each with by whom.
    pub taken: Vec<(u32, String)>,
}

/// A framebuffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Display {
    /// Its device node.
    pub path: PathBuf,
    /// Columns and rows.
    pub size: (u32, u32),
    /// Of a pixel.
    pub bits: u32,
}

/// A thermal zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    /// What it measures.
    pub kind: String,
    /// In degrees Celsius; absent while the sensor is off.
    pub celsius: Option<f64>,
}

/// The folder that is written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFolder {
    /// Where.
    pub path: PathBuf,
    /// Why nothing can be written there.
    pub problem: Option<String>,
    /// MiB free for this user, if known.
    pub free_mb: Option<u64>,
}

impl Machine {
    /// Reads what there is; takes a moment, for every camera is asked.
    pub fn read() -> Self {
        let mut machine = Self::of_files(Path::new("/"));
        let kernel = int8::kernels::chosen().map(|kernel| kernel.name().to_owned());
        machine.kernel = Some(kernel.map_err(|error| error.to_string()));
        machine.processors = std::thread::available_parallelism().map_or(1, usize::from);
        machine.cameras = capture::cameras()
            .into_iter()
            .map(|(path, camera)| (path, camera.map_err(|error| error.to_string())))
            .collect();
        machine.gpio_chips = gpio_chips();
        machine.clock_synchronised = machine.clock_synchronised.or_else(ask_timedatectl);
        machine
    }

    /// What tells which board this is, and no more: at no cost.
    pub fn identity() -> Self {
        Self {
            architecture: std::env::consts::ARCH,
            model: model(Path::new("/")),
            ..Self::default()
        }
    }

    /// What the files below a root say.
    pub(super) fn of_files(root: &Path) -> Self {
        let read = |path: &str| read_line(&root.join(path));
        let status = fs::read_to_string(root.join("proc/self/status")).unwrap_or_default();
        let groups = fs::read_to_string(root.join("etc/group")).unwrap_or_default();
        Self {
            architecture: std::env::consts::ARCH,
            model: model(root),
            release: read("proc/sys/kernel/osrelease").unwrap_or_default(),
            cpu_features: cpu_features(&root.join("proc/cpuinfo")),
            memory_mb: memory_mb(&root.join("proc/meminfo")),
            displays: displays(root),
            display_nodes: display_nodes(root),
            zones: zones(root),
            throttled: throttled(root),
            clock_synchronised: root
                .join("run/systemd/timesync/synchronized")
                .exists()
                .then_some(true),
            watchdogs: watchdogs(root),
            groups: group_names(&status, &groups),
            is_root: fields(&status, "Uid:").nth(1) == Some("0"),
            ..Self::default()
        }
    }
}

/// The model that the device tree names.
fn model(root: &Path) -> Option<String> {
    let read = |path: &str| read_line(&root.join(path));
    read("proc/device-tree/model").or_else(|| read("proc/device-tree/compatible"))
}

impl DataFolder {
    /// Looks at a folder; whether it can be written to is tried.
    pub fn look(path: &Path) -> Self {
        let problem = tempfile::tempfile_in(path).err().map(|error| error.to_string());
        let free = rustix::fs::statvfs(path).ok();
        let free_mb = free.map(|free| free.f_bavail.saturating_mul(free.f_frsize) >> 20);
        Self { path: path.to_owned(), problem, free_mb }
    }
}

/// The first line of a file up to a zero, if there is one with something on it.
fn read_line(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.split(['\0', '\n']).next()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// Of `flags` (x86) or `Features` (ARM), one line for each processor: those that all have.
fn cpu_features(path: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().filter_map(|line| {
        let (key, value) = line.split_once(':')?;
        let is_list = ["flags", "Features"].contains(&key.trim());
        is_list.then(|| value.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>())
    });
    lines.reduce(|all, some| &all & &some).unwrap_or_default()
}

fn memory_mb(path: &Path) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    let kib = fields(&text, "MemTotal:").next().and_then(|kib| kib.parse::<u64>().ok());
    kib.unwrap_or(0) >> 10
}

/// The words after a key at the start of a line.
fn fields<'a>(text: &'a str, key: &str) -> impl Iterator<Item = &'a str> {
    let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("");
    line.split_whitespace()
}

/// The entries of a folder whose names begin so, by name.
fn entries(folder: &Path, prefix: &str) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<(String, PathBuf)> = entries
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
        .filter(|(name, _)| name.starts_with(prefix))
        .collect();
    found.sort();
    found
}

fn displays(root: &Path) -> Vec<Display> {
    let found = entries(&root.join("sys/class/graphics"), "fb").into_iter();
    let display = found.filter_map(|(name, folder)| {
        let size = read_line(&folder.join("virtual_size"))?;
        let (width, height) = size.split_once(',')?;
        let bits = read_line(&folder.join("bits_per_pixel"))?.parse().ok()?;
        let path = Path::new("/dev").join(name);
        Some(Display { path, size: (width.parse().ok()?, height.parse().ok()?), bits })
    });
    display.collect()
}

fn display_nodes(root: &Path) -> Vec<PathBuf> {
    let cards = entries(&root.join("sys/class/drm"), "card").into_iter();
    // Connectors are named after their card: card0-HDMI-A-1.
    let cards = cards.filter(|(name, _)| !name.contains('-'));
    let cards = cards.map(|(name, _)| Path::new("/dev/dri").join(name));
    let buses = entries(&root.join("sys/class/spidev"), "spidev").into_iter();
    cards.chain(buses.map(|(name, _)| Path::new("/dev").join(name))).collect()
}

pub(super) fn zones(root: &Path) -> Vec<Zone> {
    let found = entries(&root.join("sys/class/thermal"), "thermal_zone").into_iter();
    let zone = found.filter_map(|(_, folder)| {
        let kind = read_line(&folder.join("type"))?;
        let millidegrees = read_line(&folder.join("temp")).and_then(|text| text.parse().ok());
        Some(Zone { kind, celsius: millidegrees.map(|it: f64| it / 1_000.0) })
    });
    zone.collect()
}

/// What the firmware of a Raspberry Pi says, or else the processors' cooling devices.
fn throttled(root: &Path) -> Option<Result<(), String>> {
    // Bits of `get_throttled`: 0 under-voltage, 1 clock capped, 2 throttled, 3 soft limit, all now.
    let firmware = read_line(&root.join("sys/devices/platform/soc/soc:firmware/get_throttled"));
    if let Some(bits) = firmware.and_then(|text| u32::from_str_radix(&text, 16).ok()) {
        let reasons = ["under-voltage", "clock capped", "throttled", "soft temperature limit"];
        let now = reasons.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1);
        let now: Vec<&str> = now.map(|(_, reason)| *reason).collect();
        return Some(if now.is_empty() { Ok(()) } else { Err(now.join(", ")) });
    }
    let devices = entries(&root.join("sys/class/thermal"), "cooling_device").into_iter();
    let states = devices.filter_map(|(_, folder)| {
        let kind = read_line(&folder.join("type"))?;
        let state: u32 = read_line(&folder.join("cur_state"))?.parse().ok()?;
        let is_processor = kind.contains("cpu") || kind.contains("Processor");
        is_processor.then_some((kind, state))
    });
    let states: Vec<(String, u32)> = states.collect();
    let slowed = states.iter().find(|(_, state)| *state > 0);
    match slowed {
        Some((kind, state)) => Some(Err(format!("{kind} is at step {state}"))),
        None => (!states.is_empty()).then_some(Ok(())),
    }
}

fn watchdogs(root: &Path) -> Vec<(PathBuf, String)> {
    let found = entries(&root.join("sys/class/watchdog"), "watchdog").into_iter();
    let named = found.map(|(name, folder)| {
        let identity = read_line(&folder.join("identity"));
        (Path::new("/dev").join(name), identity.unwrap_or_else(|| "watchdog".to_owned()))
    });
    named.collect()
}

/// The groups of `/proc/self/status` by the names of `/etc/group`.
fn group_names(status: &str, groups: &str) -> BTreeSet<String> {
    let name = |number: &str| {
        let found = groups.lines().find_map(|line| {
            let mut parts = line.split(':');
            let name = parts.next()?;
            (parts.nth(1)? == number).then(|| name.to_owned())
        });
        found.unwrap_or_else(|| number.to_owned())
    };
    // The effective group is the second of four.
    let own = fields(status, "Gid:").skip(1).take(1);
    fields(status, "Groups:").chain(own).map(name).collect()
}

fn gpio_chips() -> Vec<(PathBuf, Result<GpioChip, String>)> {
    let paths = entries(Path::new("/dev"), "gpiochip").into_iter();
    paths.map(|(_, path)| (path.clone(), gpio_chip(&path))).collect()
}

fn gpio_chip(path: &Path) -> Result<GpioChip, String> {
    let text = |error: gpiocdev::Error| error.to_string();
    let chip = chip::Chip::from_path(path).map_err(text)?;
    let info = chip.info().map_err(text)?;
    let taken = (0..info.num_lines).filter_map(|line| {
        let info = chip.line_info(line).ok()?;
        info.used.then_some((line, info.consumer))
    });
    let interface = match chip.detect_abi_version() {
        Ok(gpiocdev::AbiVersion::V2) => 2,
        _ => 1,
    };
    let taken = taken.collect();
    Ok(GpioChip { label: info.label, lines: info.num_lines, interface, taken })
}

/// What systemd knows of the kernel's clock, whichever program keeps it.
fn ask_timedatectl() -> Option<bool> {
    let arguments = ["show", "--property=NTPSynchronized", "--value"];
    let output = Command::new("timedatectl").args(arguments).output().ok()?;
    match String::from_utf8_lossy(&output.stdout).trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

use serde::Serialize;

use super::machine::{DataFolder, GpioChip, Machine};
use super::{Board, DisplayDefaults, DisplayNode, GpioLines, LineWiring, Thermal};
use crate::capture::{CameraNode, PIXEL_FORMATS, format_list};

/// How a fact stands to what is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is there.
    Good,
    /// It is there and somebody should know more.
    Warning,
    /// It is not there.
    Lacking,
}

/// One thing about this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What it is about, in a word.
    pub topic: &'static str,
    /// How it stands.
    pub state: State,
    /// What was found, what is expected where it is not that, and what to do.
    pub text: String,
}

/// Compares a machine with a board, one fact after the other; `data` is the folder that the station
/// writes to.
pub fn check(board: &Board, machine: &Machine, data: &DataFolder) -> Vec<Fact> {
    let mut facts = vec![model(board, machine), processor(board, machine), kernel(board, machine)];
    facts.push(threads(board, machine));
    facts.push(memory(board, machine));
    facts.extend(cameras(board, machine));
    if let Some(gpio) = &board.gpio {
        facts.extend(lines(gpio, machine));
    }
    facts.extend(board.display.as_ref().map(|wanted| display(wanted, machine)));
    facts.extend(board.thermal.iter().flat_map(|wanted| thermal(wanted, machine)));
    facts.push(clock(machine));
    facts.extend(watchdog(board, machine));
    facts.push(folder(board, data));
    facts.extend(groups(board, machine));
    facts
}

impl Fact {
    /// Something that is there.
    pub fn good(topic: &'static str, text: impl Into<String>) -> Self {
        Self { topic, state: State::Good, text: text.into() }
    }

    /// Something that is there and that somebody should know more of.
    pub fn warning(topic: &'static str, text: impl Into<String>) -> Self {
        Self { topic, state: State::Warning, text: text.into() }
    }

    /// Something that is not there.
    pub fn lacking(topic: &'static str, text: impl Into<String>) -> Self {
        Self { topic, state: State::Lacking, text: text.into() }
    }
}

fn model(board: &Board, machine: &Machine) -> Fact {
    let found = machine.model.as_deref().unwrap_or("no device tree");
    let text = format!("{found}, {}, Linux {}", machine.architecture, machine.release);
    let is_model = match &board.model {
        Some(wanted) => found.starts_with(wanted.as_str()),
        None => true,
    };
    if machine.architecture != board.architecture {
        return Fact::lacking(
            "board",
            format!("{text}; {} is {}", board.title, board.architecture),
        );
    }
    if !is_model {
        return Fact::warning("board", format!("{text}; the profile is of {}", board.title));
    }
    Fact::good("board", text)
}

fn processor(board: &Board, machine: &Machine) -> Fact {
    let has = |name: &&String| machine.cpu_features.contains(*name);
    let absent: Vec<&String> = board.cpu_features.iter().filter(|name| !has(name)).collect();
    if absent.is_empty() {
        return Fact::good("processor", board.cpu_features.join(", "));
    }
    let absent: Vec<&str> = absent.into_iter().map(String::as_str).collect();
    Fact::lacking("processor", format!("has no {}", absent.join(", ")))
}

fn kernel(board: &Board, machine: &Machine) -> Fact {
    match (&machine.kernel, &board.kernel) {
        (Some(Ok(found)), Some(wanted)) if found != wanted => Fact::warning(
            "int8",
            format!("kernel {found} will run, {wanted} is expected of this board"),
        ),
        (Some(Ok(found)), _) => Fact::good("int8", format!("kernel {found} will run")),
        (Some(Err(problem)), _) => Fact::lacking("int8", problem.clone()),
        (None, _) => Fact::warning("int8", "which kernel will run is not known"),
    }
}

fn threads(board: &Board, machine: &Machine) -> Fact {
    let (found, wanted) = (machine.processors, board.threads);
    if found < wanted {
        return Fact::warning("threads", format!("{found} at once; the profile says {wanted}"));
    }
    Fact::good("threads", format!("{wanted} of {found}"))
}

fn memory(board: &Board, machine: &Machine) -> Fact {
    let text = format!("{} MiB", machine.memory_mb);
    if machine.memory_mb < board.least_memory_mb {
        return Fact::lacking("memory", format!("{text}, {} are expected", board.least_memory_mb));
    }
    Fact::good("memory", text)
}

fn cameras(board: &Board, machine: &Machine) -> Vec<Fact> {
    if machine.cameras.is_empty() {
        let bridge = board.camera.bridge.as_ref().map(|text| format!("; {text}"));
        let text = format!("no V4L2 device captures video{}", bridge.unwrap_or_default());
        return vec![Fact::lacking("camera", text)];
    }
    let fact = |(path, camera): &(_, Result<CameraNode, String>)| match camera {
        Ok(camera) => one_camera(board, camera),
        Err(problem) => {
            let path: &std::path::PathBuf = path;
            let text = match problem.starts_with(&path.display().to_string()) {
                true => problem.clone(),
                false => format!("{}: {problem}", path.display()),
            };
            Fact::lacking("camera", text)
        }
    };
    machine.cameras.iter().map(fact).collect()
}

fn one_camera(board: &Board, camera: &CameraNode) -> Fact {
    // Without links a camera is still known by where it is plugged in.
    let name = match camera.stable.first() {
        Some(link) => link.display().to_string(),
        None => format!("bus_info {}", camera.bus_info),
    };
    let text = format!("{name} ({}, {})", camera.path.display(), camera.card);
    let offered: Vec<_> = camera.formats.iter().map(|(name, _)| *name).collect();
    let is_usable = |name| PIXEL_FORMATS.iter().any(|format| format.fourcc() == name);
    let best = board.camera.formats.iter().copied().find(|name| offered.contains(name));
    let best = best.or_else(|| offered.iter().copied().find(|name| is_usable(*name)));
    match best {
        Some(best) => {
            let sizes = camera.formats.iter().find(|(name, _)| *name == best);
            let sizes = sizes.map(|(_, sizes)| sizes.join(" ")).unwrap_or_default();
            let all = format_list(offered.iter().copied());
            Fact::good("camera", format!("{text}: {best} {sizes}; offers {all}"))
        }
        None => {
            let bridge = board.camera.bridge.as_ref().map(|text| format!("; {text}"));
            let offered = format_list(offered);
            let bridge = bridge.unwrap_or_default();
            Fact::lacking("camera", format!("{text}: offers {offered}, none of use{bridge}"))
        }
    }
}

fn lines(wanted: &GpioLines, machine: &Machine) -> Vec<Fact> {
    let found = machine.gpio_chips.iter();
    let known = found.filter_map(|(path, chip)| Some((path, chip.as_ref().ok()?)));
    let mut facts = Vec::new();
    match known.into_iter().find(|(_, chip)| chip.label == wanted.chip) {
        Some((path, chip)) => facts.push(one_chip(wanted, &path.display().to_string(), chip)),
        None => facts.push(Fact::lacking("gpio", no_chip(wanted, machine))),
    }
    facts.push(wiring(wanted));
    facts
}

fn no_chip(wanted: &GpioLines, machine: &Machine) -> String {
    let describe = |(path, chip): &(std::path::PathBuf, Result<GpioChip, String>)| match chip {
        Ok(chip) => format!("{} is {}", path.display(), chip.label),
        Err(problem) => format!("{}: {problem}", path.display()),
    };
    let found: Vec<String> = machine.gpio_chips.iter().map(describe).collect();
    let found = if found.is_empty() { "there is none".to_owned() } else { found.join(", ") };
    format!("no chip {}: {found}", wanted.chip)
}

fn one_chip(wanted: &GpioLines, path: &str, chip: &GpioChip) -> Fact {
    let text =
        format!("{path}: {}, {} lines, interface {}", chip.label, chip.lines, chip.interface);
    if chip.interface < wanted.interface {
        let expected = wanted.interface;
        return Fact::lacking("gpio", format!("{text}; interface {expected} is expected"));
    }
    if let Some((name, line)) = wanted.lines.iter().find(|(_, line)| *line >= chip.lines) {
        return Fact::lacking(
            "gpio",
            format!("{text}; {name} is on line {line}, which it does not have"),
        );
    }
    let is_ours = |consumer: &str| consumer.starts_with("pairspec");
    let taken = wanted.lines.iter().find_map(|(name, line)| {
        let (_, consumer) = chip.taken.iter().find(|(taken, _)| taken == line)?;
        (!is_ours(consumer)).then_some((name, line, consumer))
    });
    match taken {
        Some((name, line, consumer)) => {
            Fact::lacking("gpio", format!("{text}; line {line} ({name}) is taken by {consumer:?}"))
        }
        None => {
            let lines = wanted.lines.iter().map(|(name, line)| format!("{name} {line}"));
            Fact::good("gpio", format!("{text}; {}", lines.collect::<Vec<_>>().join(", ")))
        }
    }
}

fn wiring(wanted: &GpioLines) -> Fact {
    let has_pass = wanted.lines.iter().any(|(name, _)| *name == "pass");
    match wanted.wiring {
        LineWiring::PulseToReject => Fact::warning(
            "wiring",
            "pulse-to-reject: a dead box, a cut wire and a hung kernel let every part through; \
             wire it so that a part goes through on a pulse of its own (energise-to-pass)",
        ),
        LineWiring::EnergiseToPass if !has_pass => Fact::lacking(
            "wiring",
            "energise-to-pass without a pass line: no part will ever go through",
        ),
        LineWiring::EnergiseToPass => Fact::good("wiring", "energise-to-pass: a dead box rejects"),
    }
}

fn display(wanted: &DisplayDefaults, machine: &Machine) -> Fact {
    let path = wanted.device.path();
    let absent = || Fact::lacking("display", format!("{} is not there", path.display()));
    let DisplayNode::Framebuffer(_) = &wanted.device else {
        // Its size is known to whoever opens it alone.
        return match machine.display_nodes.iter().any(|node| node == path) {
            true => Fact::good("display", format!("{} is there", path.display())),
            false => absent(),
        };
    };
    let found = machine.displays.iter().find(|display| display.path == *path);
    let Some(found) = found else { return absent() };
    let (width, height) = found.size;
    let text = format!("{}: {width}x{height}, {} bits", found.path.display(), found.bits);
    if width < wanted.width || height < wanted.height {
        let text = format!("{text}; {}x{} are expected", wanted.width, wanted.height);
        return Fact::lacking("display", text);
    }
    Fact::good("display", text)
}

fn thermal(wanted: &Thermal, machine: &Machine) -> Vec<Fact> {
    let of = |kind: &String| machine.zones.iter().find(|zone| zone.kind == *kind);
    let zone = wanted.zones.iter().find_map(of);
    let mut facts = vec![match zone.map(|zone| (&zone.kind, zone.celsius)) {
        Some((kind, Some(celsius))) if celsius >= wanted.warn_c => Fact::warning(
            "thermal",
            format!("{kind} at {celsius:.1} C, warned of from {}", wanted.warn_c),
        ),
        Some((kind, Some(celsius))) => Fact::good("thermal", format!("{kind} at {celsius:.1} C")),
        Some((kind, None)) => Fact::lacking("thermal", format!("{kind} gives no temperature")),
        None => Fact::lacking("thermal", format!("no zone {}", wanted.zones.join(" or "))),
    }];
    facts.extend(machine.throttled.as_ref().map(|throttled| match throttled {
        Ok(()) => Fact::good("throttling", "none now"),
        Err(reason) => {
            Fact::warning("throttling", format!("{reason}: slower than it was measured"))
        }
    }));
    facts
}

fn clock(machine: &Machine) -> Fact {
    match machine.clock_synchronised {
        Some(true) => Fact::good("clock", "kept right"),
        Some(false) => {
            Fact::lacking("clock", "not synchronised: times in the journal are this box's own")
        }
        None => Fact::warning("clock", "nothing says whether it is kept right"),
    }
}

fn watchdog(board: &Board, machine: &Machine) -> Option<Fact> {
    let wanted = board.watchdog.as_ref()?;
    let found = machine.watchdogs.iter().find(|(path, _)| path == wanted);
    Some(match found {
        Some((path, identity)) => Fact::good("watchdog", format!("{}: {identity}", path.display())),
        None => Fact::lacking("watchdog", format!("{} is not there", wanted.display())),
    })
}

fn folder(board: &Board, data: &DataFolder) -> Fact {
    let path = data.path.display();
    if let Some(problem) = &data.problem {
        return Fact::lacking("data", format!("{path}: cannot be written to ({problem})"));
    }
    match data.free_mb {
        Some(free) if free < board.least_free_mb => {
            let least = board.least_free_mb;
            Fact::lacking("data", format!("{path}: {free} MiB free, {least} are expected"))
        }
        Some(free) => Fact::good("data", format!("{path}: {free} MiB free")),
        None => Fact::warning("data", format!("{path}: free space is not known")),
    }
}

/// The groups that own devices, where they exist by name on this system.
fn groups(board: &Board, machine: &Machine) -> Option<Fact> {
    if machine.is_root {
        return Some(Fact::warning("groups", "root; the station should run as a user of its own"));
    }
    let mut wanted = vec!["video"];
    if board.gpio.is_some() {
        wanted.push("gpio");
    }
    let absent: Vec<&str> =
        wanted.iter().copied().filter(|name| !machine.groups.contains(*name)).collect();
    Some(if absent.is_empty() {
        Fact::good("groups", wanted.join(", "))
    } else {
        Fact::lacking("groups", format!("not in {}: add the user to it", absent.join(", ")))
    })
}

#[cfg(test)]
mod tests;

//! What a station needs and whether it is there, before anything of it runs.

use std::path::{Path, PathBuf};

use super::config::{StationConfig, TriggerConfig};
use super::goldens::{check_listed, luma};
use crate::board::{DataFolder, Fact, Machine, State};
use crate::capture::{CameraConfig, CameraNode, Playlist, Source, format_list};
use crate::files;
use crate::frame::Frame;
use crate::inspect::{Goldens, Inspector, Opening};
use crate::journal::{DATABASE, Reader};
use crate::manifest::{self, Label};
use crate::plant::MqttConfig;
use crate::recipe::{Recipe, Shows, today};
use crate::signal::{LineName, OUTPUTS, Wiring, line_user};

/// Days before an expiry from which on it is warned of.
const EXPIRY_DAYS: i32 = 14;
/// The longest path of a Unix socket: `sun_path` of unix(7) without its zero.
const SOCKET_PATH: usize = 107;

/// What this station needs of this machine, one fact after the other; no line is taken, no camera
/// switched on and nothing written that stays.
pub fn check(config: &StationConfig, machine: &Machine) -> Vec<Fact> {
    let cameras = config.capture.cameras.iter().enumerate();
    let mut facts: Vec<Fact> =
        cameras.map(|(number, camera)| one_camera(number, camera, machine)).collect();
    facts.extend(lines(config));
    facts.push(wiring(config));
    facts.extend(journal(config));
    facts.extend(config.plant.as_ref().and_then(|plant| plant.mqtt.as_ref()).map(cursor));
    facts.extend(config.socket.as_deref().map(socket));
    facts.extend(recipe(config));
    facts
}

fn one_camera(number: usize, camera: &CameraConfig, machine: &Machine) -> Fact {
    let role = if number == 0 { "test" } else { "reference" };
    let looked = match &camera.source {
        Source::Device(path) => node_at(path, machine).and_then(|node| offers(node, camera)),
        Source::Bus(bus_info) => plugged(bus_info, machine).and_then(|node| offers(node, camera)),
        files => played(files, camera).map(|text| (State::Warning, text)),
    };
    let (state, text) = looked.unwrap_or_else(|reason| (State::Lacking, reason));
    Fact { topic: "camera", state, text: format!("{role}: {}: {text}", camera.source) }
}

fn node_at<'a>(path: &Path, machine: &'a Machine) -> Result<&'a CameraNode, String> {
    let node = path.canonicalize().map_err(|error| format!("{error}; {}", absent(machine)))?;
    let found = machine.cameras.iter().find(|(path, _)| *path == node);
    let (_, found) = found.ok_or_else(|| format!("captures no video; {}", absent(machine)))?;
    found.as_ref().map_err(Clone::clone)
}

fn plugged<'a>(bus_info: &str, machine: &'a Machine) -> Result<&'a CameraNode, String> {
    let mut nodes = machine.cameras.iter().filter_map(|(_, node)| node.as_ref().ok());
    nodes.find(|node| node.bus_info == bus_info).ok_or_else(|| absent(machine))
}

/// Files in the place of a camera.
fn played(source: &Source, camera: &CameraConfig) -> Result<String, String> {
    let list = match source {
        Source::TestFrames(path) => Playlist::pairs(path).map(|[_, tests]| tests),
        Source::ReferenceFrames(path) => Playlist::pairs(path).map(|[references, _]| references),
        Source::Folder(path) | Source::Device(path) => Playlist::folder(path),
        Source::Bus(_) => return Err("is no folder".to_owned()),
    };
    let list = list.map_err(|error| error.to_string())?;
    let frame = Frame::open(list.path(0).ok_or("no frames")?).map_err(|error| error.to_string())?;
    let [found, wanted] = [(frame.width(), frame.height()), (camera.width, camera.height)]
        .map(|(width, height)| format!("{width}x{height}"));
    match found == wanted {
        true => Ok(format!("{} files of {found} are played, no camera", list.len())),
        false => Err(format!("frames of {found}, not {wanted}")),
    }
}

/// What there is instead, by names that stay.
fn absent(machine: &Machine) -> String {
    let name = |(path, node): &(PathBuf, Result<CameraNode, String>)| {
        let stable = node.as_ref().ok().and_then(|node| node.stable.first());
        stable.unwrap_or(path).display().to_string()
    };
    let names: Vec<String> = machine.cameras.iter().map(name).collect();
    match names.is_empty() {
        true => "this box has no camera".to_owned(),
        false => format!("this box has {}", names.join(", ")),
    }
}

/// The best format that the camera has, in the size that is wanted.
fn offers(node: &CameraNode, camera: &CameraConfig) -> Result<(State, String), String> {
    let wanted = camera.formats.iter();
    let known = wanted.filter_map(|name| node.formats.iter().find(|(other, _)| other == name));
    let known: Vec<_> = known.collect();
    let Some((first, sizes)) = known.first() else {
        let offered = format_list(node.formats.iter().map(|(name, _)| *name));
        let wanted = format_list(camera.formats.iter().copied());
        return Err(format!("offers {offered}, none of which is wanted ({wanted})"));
    };
    let size = format!("{}x{}", camera.width, camera.height);
    // A range says least and most; whether the size is one of its steps the driver knows alone.
    let has_size = |sizes: &[String]| {
        sizes.is_empty() || sizes.iter().any(|it| *it == size || it.contains(" to "))
    };
    let Some((name, _)) = known.iter().find(|(_, sizes)| has_size(sizes)) else {
        return Err(format!("{first} is offered in {}, not in {size}", sizes.join(" ")));
    };
    let text = format!("{} ({}): {name} {size}", node.card, node.path.display());
    if camera.source.is_stable() {
        return Ok((State::Good, text));
    }
    let better = match node.stable.first() {
        Some(link) => format!("device = \"{}\"", link.display()),
        None => format!("bus_info = \"{}\"", node.bus_info),
    };
    let warned = format!("{text}; may be another camera after a restart, name it by {better}");
    Ok((State::Warning, warned))
}

/// Every line that the station takes.
fn lines(config: &StationConfig) -> Vec<Fact> {
    let outputs = OUTPUTS.iter().zip(&config.outputs.lines);
    let outputs = outputs.filter_map(|(output, line)| {
        let line = line.as_ref()?;
        Some((output.name(), &line.chip, &line.line))
    });
    let trigger = match &config.trigger {
        TriggerConfig::Gpio(input) => Some(("trigger", input)),
        _ => None,
    };
    let encoder = config.encoder.as_ref().map(|input| ("encoder", input));
    let confirmation = config.confirmation.as_ref().map(|wanted| ("confirmation", &wanted.input));
    let inputs = [trigger, encoder, confirmation].into_iter().flatten();
    let inputs = inputs.map(|(name, input)| (name, &input.chip, &input.line));
    let fact = |(name, chip, line): (&str, &String, &LineName)| match line_user(chip, line) {
        Ok(None) => Fact::good("gpio", format!("{name}: {chip} line {line}")),
        Ok(Some(user)) => {
            Fact::lacking("gpio", format!("{name}: {chip} line {line} is taken by {user:?}"))
        }
        Err(error) => Fact::lacking("gpio", format!("{name}: {error}")),
    };
    outputs.chain(inputs).map(fact).collect()
}

fn wiring(config: &StationConfig) -> Fact {
    let outputs = &config.outputs;
    let warnings = outputs.warnings();
    match (outputs.has_lines(), outputs.wiring) {
        (false, _) => Fact::lacking("wiring", "no output is wired: it runs with --dry-run alone"),
        (true, Wiring::EnergiseToPass) if warnings.is_empty() => {
            Fact::good("wiring", "energise-to-pass: a dead box rejects")
        }
        _ => Fact::warning("wiring", warnings.join("; ")),
    }
}

fn journal(config: &StationConfig) -> Vec<Fact> {
    let folder = &config.journal.folder;
    // It is made when it is not there.
    let there = folder.ancestors().find(|it| it.is_dir()).unwrap_or(Path::new("."));
    let shown = folder.display();
    if folder.exists() && !folder.is_dir() {
        return vec![Fact::lacking("journal", format!("{shown}: is no folder"))];
    }
    let data = DataFolder::look(there);
    if let Some(problem) = data.problem {
        return vec![Fact::lacking(
            "journal",
            format!("{shown}: cannot be written to ({problem})"),
        )];
    }
    let wanted_mb = config.journal.settings.retention.image_bytes >> 20;
    let mut facts = vec![match data.free_mb {
        Some(free) if free < wanted_mb => Fact::warning(
            "journal",
            format!(
                "{shown}: {free} MiB free, its images may take {wanted_mb}; set journal.images_gib"
            ),
        ),
        Some(free) => Fact::good("journal", format!("{shown}: {free} MiB free")),
        None => Fact::warning("journal", format!("{shown}: free space is not known")),
    }];
    if folder.join(DATABASE).exists()
        && let Err(error) = Reader::open(folder)
    {
        facts.push(Fact::lacking("journal", error.to_string()));
    }
    facts
}

/// Results wait where it cannot be remembered what was delivered.
fn cursor(mqtt: &MqttConfig) -> Fact {
    let path = &mqtt.cursor_file;
    match files::check_writable(path) {
        Ok(()) => Fact::good("mqtt", format!("delivered results are noted in {}", path.display())),
        Err(error) => Fact::lacking("mqtt", format!("plant.mqtt.cursor_file: {error}")),
    }
}

fn socket(path: &Path) -> Fact {
    let shown = path.display();
    let length = path.as_os_str().len();
    if length > SOCKET_PATH {
        let text = format!("{shown}: {length} bytes, a socket's path has at most {SOCKET_PATH}");
        return Fact::lacking("socket", text);
    }
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match DataFolder::look(folder).problem {
        Some(problem) => {
            Fact::lacking("socket", format!("{shown}: its folder cannot be written to ({problem})"))
        }
        None => Fact::good("socket", shown.to_string()),
    }
}

/// The recipe, what it has armed, its goldens, and those of the challenge.
fn recipe(config: &StationConfig) -> Vec<Fact> {
    let path = config.recipe.display();
    let recipe = match Recipe::open(&config.recipe) {
        Ok(recipe) => recipe,
        Err(error) => return vec![Fact::lacking("recipe", error.to_string())],
    };
    let mut facts = goldens(config, &recipe);
    facts.push(challenge(config, &recipe));
    match Inspector::open(recipe, &Opening::default()) {
        Ok(inspector) => {
            let name = &inspector.recipe().name;
            facts.insert(0, thresholds(&inspector));
            facts.insert(0, Fact::good("recipe", format!("{name} ({path})")));
        }
        Err(error) => facts.insert(0, Fact::lacking("recipe", error.to_string())),
    }
    facts
}

fn thresholds(inspector: &Inspector) -> Fact {
    let limits = match inspector.thresholds() {
        Ok(limits) => limits,
        Err(reason) => return Fact::lacking("thresholds", reason.detail.clone()),
    };
    let armed: Vec<&str> = limits.armed.keys().map(String::as_str).collect();
    let unarmed: Vec<&str> = limits.unarmed.keys().map(String::as_str).collect();
    match (armed.is_empty(), unarmed.is_empty()) {
        (true, _) if limits.unexplained.is_none() => {
            Fact::lacking("thresholds", "nothing is armed: no part would ever be found bad")
        }
        (_, true) => Fact::good("thresholds", format!("armed: {}", armed.join(" "))),
        (_, false) => Fact::warning(
            "thresholds",
            format!(
                "armed: {}; never found, since not armed: {}",
                armed.join(" "),
                unarmed.join(" ")
            ),
        ),
    }
}

fn goldens(config: &StationConfig, recipe: &Recipe) -> Vec<Fact> {
    let today = today();
    let mut facts = Vec::new();
    if let Err(reason) = check_listed(recipe) {
        facts.push(Fact::lacking("goldens", reason));
    }
    if config.is_golden() {
        facts.push(match Goldens::load(recipe, Some(today), luma) {
            Ok(goldens) => {
                let files: Vec<&str> = goldens.in_force(today).map(|it| it.file.as_str()).collect();
                Fact::good("goldens", format!("in force: {}", files.join(", ")))
            }
            Err(reason) => Fact::lacking("goldens", reason.detail),
        });
    }
    for golden in &recipe.goldens {
        let expires = golden.listed.as_ref().and_then(|listed| listed.expires);
        let left = expires.and_then(|day| today.until(day).ok()).map(|span| span.get_days());
        if !golden.dated(today).is_in_force() {
            let state = golden.dated(today);
            facts.push(Fact::warning("goldens", format!("{}: {state}", golden.file)));
        } else if left.is_some_and(|days| days <= EXPIRY_DAYS) {
            let (file, days) = (&golden.file, left.unwrap_or(0));
            facts.push(Fact::warning("goldens", format!("{file}: expires in {days} days")));
        }
    }
    facts
}

fn challenge(config: &StationConfig, recipe: &Recipe) -> Fact {
    let today = today();
    let in_force = recipe.goldens.iter().filter(|it| it.listed.is_some());
    let in_force = in_force.filter(|golden| golden.dated(today).is_in_force());
    let (mut good, mut bad) = (0, 0);
    let mut count = |is_good: bool| *if is_good { &mut good } else { &mut bad } += 1;
    in_force.for_each(|golden| count(golden.shows == Shows::Good));
    if let Some(name) = &config.challenge {
        let path = config.recipe.parent().unwrap_or(Path::new("")).join(name);
        let pairs = match manifest::open(&path) {
            Ok(pairs) => pairs,
            Err(error) => return Fact::lacking("challenge", error.to_string()),
        };
        if let Some(pair) = pairs.iter().find(|pair| pair.label.is_none()) {
            return Fact::lacking(
                "challenge",
                format!("{}: {}: no label", path.display(), pair.id),
            );
        }
        let absent = pairs.iter().flat_map(|pair| [&pair.reference, &pair.test]);
        if let Some(absent) = absent.into_iter().find(|it| !it.is_file()) {
            return Fact::lacking("challenge", format!("{}: not there", absent.display()));
        }
        pairs.iter().for_each(|pair| count(pair.label == Some(Label::Conforming)));
    }
    match (good, bad) {
        (_, 0) if config.challenge.is_none() => Fact::warning(
            "challenge",
            "none: nothing shows at the start that bad parts are told from good",
        ),
        (0, _) | (_, 0) => Fact::lacking(
            "challenge",
            format!("{good} good and {bad} bad goldens; both are needed"),
        ),
        _ => Fact::good("challenge", format!("{good} good and {bad} bad goldens")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

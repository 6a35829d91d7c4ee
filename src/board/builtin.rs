use std::path::Path;

use super::{Board, Error, Machine};

/// The built-in boards.
pub const NAMES: [&str; 6] = [
    "raspberry-pi-4",
    "raspberry-pi-5",
    "jetson-nano",
    "jetson-orin",
    "emulated",
    "generic-x86-64",
];

/// Their files, in the same order.
const TEXTS: [&str; NAMES.len()] = [
    include_str!("../../board/raspberry-pi-4.toml"),
    include_str!("../../board/raspberry-pi-5.toml"),
    include_str!("../../board/jetson-nano.toml"),
    include_str!("../../board/jetson-orin.toml"),
    include_str!("../../board/emulated.toml"),
    include_str!("../../board/generic-x86-64.toml"),
];

impl Board {
    /// The board of a built-in name or of a file.
    ///
    /// # Errors
    /// [`Error::UnknownName`] when it is neither, and those of [`Board::open`].
    pub fn find(name: &str) -> Result<Self, Error> {
        if let Some(index) = NAMES.iter().position(|known| *known == name) {
            return Self::parse(TEXTS[index], name);
        }
        let path = Path::new(name);
        if path.exists() || name.contains(['/', '.']) {
            return Self::open(path);
        }
        Err(Error::UnknownName { name: name.to_owned(), known: NAMES.join(", ") })
    }
}

/// The built-in board that this machine is.
///
/// # Errors
/// [`Error::UnknownMachine`].
pub fn detect(machine: &Machine) -> Result<Board, Error> {
    let mut generic = None;
    for name in NAMES {
        let board = Board::find(name)?;
        if board.architecture != machine.architecture {
            continue;
        }
        match (&board.model, &machine.model) {
            (Some(wanted), Some(found)) if found.starts_with(wanted.as_str()) => return Ok(board),
            (None, _) => generic = Some(board),
            _ => {}
        }
    }
    let model = machine.model.as_deref().unwrap_or("no device tree");
    let found = format!("{model}, {}", machine.architecture);
    generic.ok_or(Error::UnknownMachine { found, known: NAMES.join(", ") })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    fn machine(architecture: &'static str, model: Option<&str>) -> Machine {
        Machine { architecture, model: model.map(str::to_owned), ..Machine::default() }
    }

    #[test]
    fn every_file_of_the_folder_is_built_in_and_sound() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("board");
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.extension().is_some_and(|it| it == "toml"));
        let found: BTreeSet<String> =
            files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        assert_eq!(found, NAMES.map(str::to_owned).into());
        for name in NAMES {
            assert_eq!(Board::find(name).unwrap().name, name);
        }
    }

    #[test]
    fn every_wired_built_in_board_rejects_when_it_is_dead() {
        for name in NAMES {
            let Some(gpio) = Board::find(name).unwrap().gpio else { continue };
            assert_eq!(gpio.wiring, super::super::LineWiring::EnergiseToPass, "{name}");
            assert!(gpio.lines.iter().any(|(line, _)| *line == "pass"), "{name}");
        }
    }

    #[test]
    fn a_machine_is_told_by_the_start_of_its_model() {
        for (architecture, model, name) in [
            ("aarch64", Some("Raspberry Pi 4 Model B Rev 1.4"), "raspberry-pi-4"),
            ("aarch64", Some("Raspberry Pi 5 Model B Rev 1.0"), "raspberry-pi-5"),
            ("aarch64", Some("NVIDIA Jetson Nano Developer Kit"), "jetson-nano"),
            ("aarch64", Some("NVIDIA Jetson Orin Nano Developer Kit"), "jetson-orin"),
            ("aarch64", Some("linux,dummy-virt"), "emulated"),
            ("x86_64", None, "generic-x86-64"),
        ] {
            assert_eq!(detect(&machine(architecture, model)).unwrap().name, name);
        }
        let error = detect(&machine("aarch64", Some("Some Board"))).unwrap_err().to_string();
        assert!(error.starts_with("this machine (Some Board, aarch64) has no built-in"), "{error}");
    }

    #[test]
    fn names_that_are_nothing_are_answered_with_those_there_are() {
        let error = Board::find("raspberry-pi-3").unwrap_err().to_string();
        assert!(error.contains("these are raspberry-pi-4, raspberry-pi-5,"), "{error}");
        assert!(Board::find("/absent/board.toml").is_err());
    }

    #[test]
    fn bad_files_name_line_or_key() {
        let good = TEXTS[0];
        for (from, to, says) in [
            ("threads = 4", "threads = 0", "x, line 8: threads = 0: from 1 to 256"),
            ("threads = 4", "treads = 4", "line 8, column 1"),
            ("\"aarch64\"", "\"armv7\"", "architecture = armv7: aarch64 or x86_64"),
            ("pass = 27", "pass = 17", "x, line 30: gpio.pass = 17: another line than trigger's"),
            ("interface = 2", "interface = 3", "gpio.interface = 3: 1 or 2"),
            ("\"YUYV\"", "\"H264\"", "camera.formats = H264: pixel format H264 is not supported"),
            ("rate_hz = 30", "rate_hz = nan", "camera.rate_hz = NaN: from 0.1"),
            ("width = 1280", "width = 1", "camera.width = 1: from 2 to 16384"),
            ("/dev/fb0", "fb0", "display.framebuffer = fb0: an absolute path"),
            ("/dev/watchdog0", "w", "watchdog.device = w: an absolute path"),
            ("/var/lib/pairspec", "data", "data.folder = data: an absolute path"),
            ("warn_c = 75", "warn_c = 151", "thermal.warn_c = 151: from 0 to 150"),
            ("zones = [\"cpu-thermal\"]", "zones = []", "thermal.zones = []: at least one"),
            ("\"energise-to-pass\"", "\"hope\"", "unknown variant"),
        ] {
            let text = good.replacen(from, to, 1);
            assert_ne!(text, good, "{from}");
            let message = Board::parse(&text, "x").unwrap_err().to_string();
            assert!(message.contains(says), "{to} gave {message}");
        }
    }
}

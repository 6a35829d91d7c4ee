//! From what a station file calls a chip and a line to the device and offset of this box.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use gpiocdev::chip::Chip;

use super::gpio::CONSUMER;
use super::{Error, LineName};

// Of `errno-base.h`, the same on every Linux.
const EPERM: i32 = 1;
const EACCES: i32 = 13;

/// A chip as the box shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    path: PathBuf,
    name: String,
    label: String,
    lines: u32,
}

/// A line that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) offset: u32,
    /// Chip and line in messages.
    pub(super) name: String,
}

impl Place {
    /// Looks a line up on this box.
    pub(super) fn find(chip: &str, line: &LineName) -> Result<Self, Error> {
        let known = choose(chip, &chips(chip)?)?;
        let shown = format!("{} ({})", known.path.display(), known.label);
        let offset = match line {
            LineName::Offset(offset) if *offset < known.lines => *offset,
            LineName::Offset(_) => return Err(no_line(&shown, line, known.lines)),
            LineName::Name(name) => {
                let opened =
                    Chip::from_path(&known.path).map_err(|error| refused(&known.path, &error))?;
                let found = opened.find_line_info(name);
                found.ok_or_else(|| no_line(&shown, line, known.lines))?.offset
            }
        };
        Ok(Self { path: known.path, offset, name: format!("{shown}: line {offset}") })
    }

    /// Why a request for this line failed.
    pub(super) fn refusal(&self, error: &gpiocdev::Error) -> Error {
        let info = Chip::from_path(&self.path).and_then(|chip| chip.line_info(self.offset));
        match info {
            Ok(info) if info.used => Error::LineTaken {
                chip: self.path.display().to_string(),
                line: self.offset,
                consumer: info.consumer,
            },
            _ => refused(&self.path, error),
        }
    }
}

/// Who uses a line of this box now, other than a station: `None` if it is free.
///
/// # Errors
/// As for a line that is taken: no such chip or line, two of them, no permission.
pub fn line_user(chip: &str, line: &LineName) -> Result<Option<String>, Error> {
    let place = Place::find(chip, line)?;
    let info = Chip::from_path(&place.path).and_then(|chip| chip.line_info(place.offset));
    let info = info.map_err(|error| refused(&place.path, &error))?;
    Ok((info.used && info.consumer != CONSUMER).then_some(info.consumer))
}

/// Every chip that can be asked; one that cannot counts only if it is the one that is wanted.
fn chips(wanted: &str) -> Result<Vec<Known>, Error> {
    let paths = gpiocdev::chip::chips().map_err(Error::io("gpio chips", "list"))?;
    let mut known = Vec::new();
    let mut unreadable = None;
    for path in paths {
        match Chip::from_path(&path).and_then(|chip| chip.info()) {
            Ok(info) => known.push(Known {
                path,
                name: info.name,
                label: info.label,
                lines: info.num_lines,
            }),
            Err(error) => unreadable = Some(refused(&path, &error)),
        }
    }
    match unreadable {
        Some(error) if choose(wanted, &known).is_err() => Err(error),
        _ => Ok(known),
    }
}

/// The chip of that path, name or label.
fn choose(wanted: &str, known: &[Known]) -> Result<Known, Error> {
    let is_path = |chip: &&Known| chip.path == Path::new(wanted) || chip.name == wanted;
    if let Some(chip) = known.iter().find(is_path) {
        return Ok(chip.clone());
    }
    let labelled: Vec<&Known> = known.iter().filter(|chip| chip.label == wanted).collect();
    let list = |chips: &[&Known]| {
        let shown = chips.iter().map(|chip| format!("{} ({})", chip.path.display(), chip.label));
        shown.collect::<Vec<String>>().join(", ")
    };
    match labelled.as_slice() {
        [chip] => Ok((*chip).clone()),
        [] => {
            let all = list(&known.iter().collect::<Vec<_>>());
            let present = if all.is_empty() { "none".to_owned() } else { all };
            Err(Error::NoChip { wanted: wanted.to_owned(), present })
        }
        several => Err(Error::TwoChips { wanted: wanted.to_owned(), found: list(several) }),
    }
}

fn no_line(chip: &str, line: &LineName, lines: u32) -> Error {
    Error::NoLine { chip: chip.to_owned(), wanted: line.to_string(), lines }
}

fn refused(path: &Path, error: &gpiocdev::Error) -> Error {
    match error {
        gpiocdev::Error::Os(errno) if [EPERM, EACCES].contains(&errno.0) => {
            Error::Permission { path: path.to_owned(), group: group_of(path) }
        }
        _ => Error::io(path.display().to_string(), "open")(error),
    }
}

/// The name of the group that owns a file, or its number.
fn group_of(path: &Path) -> String {
    let Ok(metadata) = fs::metadata(path) else { return "gpio".to_owned() };
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    group_name(&groups, metadata.gid())
}

fn group_name(groups: &str, gid: u32) -> String {
    let named = groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(gid)).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| gid.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn chip(number: u32, label: &str) -> Known {
        let name = format!("gpiochip{number}");
        Known { path: Path::new("/dev").join(&name), name, label: label.to_owned(), lines: 54 }
    }

    #[test]
    fn a_chip_is_found_by_label_name_or_path() {
        let known = [chip(0, "pinctrl-rp1"), chip(4, "brcmvirt-gpio")];
        for wanted in ["brcmvirt-gpio", "gpiochip4", "/dev/gpiochip4"] {
            assert_eq!(choose(wanted, &known).unwrap(), known[1], "{wanted}");
        }
    }

    #[test]
    fn an_absent_chip_is_answered_with_those_that_are_there() {
        let error = choose("pinctrl-rp1", &[chip(0, "pinctrl-bcm2711")]).unwrap_err().to_string();
        assert_eq!(
            error,
            "gpio chip \"pinctrl-rp1\": not on this box, which has /dev/gpiochip0 (pinctrl-bcm2711)"
        );
        assert!(choose("x", &[]).unwrap_err().to_string().ends_with("which has none"));
    }

    #[test]
    fn a_label_of_two_chips_is_not_guessed() {
        let known = [chip(0, "mcp23017"), chip(1, "mcp23017")];
        assert!(matches!(choose("mcp23017", &known), Err(Error::TwoChips { .. })));
        assert_eq!(choose("gpiochip1", &known).unwrap(), known[1]);
    }

    #[test]
    fn a_group_is_named_as_etc_group_does() {
        let groups = "root:x:0:\nvideo:x:44:ann\ngpio:x:997:ann,bob\nbroken\n";
        assert_eq!(group_name(groups, 997), "gpio");
        assert_eq!(group_name(groups, 5), "5");
    }

    #[test]
    fn a_line_on_a_box_without_chips_is_an_error_that_says_so() {
        let error = Place::find("no such chip", &LineName::Offset(0)).unwrap_err();
        assert!(error.to_string().contains("no such chip"), "{error}");
    }
}

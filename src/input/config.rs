use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use evdev::KeyCode;
use serde::{Deserialize, Serialize};

use super::{Action, Error, Lock};

/// The `[input]` section, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawInputs {
    /// Device nodes to read; without any, every device that has one of the keys or a touch screen.
    #[serde(default)]
    pub devices: Vec<PathBuf>,
    /// A button that was pressed is not heard for so long, 0 to 2,000 ms.
    pub debounce_ms: Option<u64>,
    /// How the touch screen is turned against the picture: 0, 90, 180 or 270, clockwise.
    #[serde(default)]
    pub touch_rotation_deg: u16,
    /// Which keys of keyboards do what.
    #[serde(default)]
    pub keys: RawKeys,
    /// Buttons at GPIO lines.
    #[serde(default, rename = "button")]
    pub buttons: Vec<RawButton>,
    /// What the operator may do.
    #[serde(default)]
    pub operator: RawOperator,
}

/// Keys by the kernel's names (`KEY_F1`), for each action.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RawKeys(pub BTreeMap<RawAction, String>);

/// An action as a key of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RawAction {
    /// [`Action::Acknowledge`].
    Acknowledge,
    /// [`Action::Hold`].
    Hold,
    /// [`Action::Resume`].
    Resume,
    /// [`Action::Challenge`].
    Challenge,
    /// [`Action::NextRecipe`].
    NextRecipe,
    /// [`Action::SelectRecipe`].
    SelectRecipe,
    /// [`Action::NextScreen`].
    NextScreen,
}

/// A button at a GPIO line, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawButton {
    /// What it does.
    pub action: RawAction,
    /// The chip's label, its name or its path.
    pub chip: String,
    /// Which of its lines.
    pub line: u32,
    /// A pressed button pulls the line low.
    #[serde(default)]
    pub active_low: bool,
}

/// What the operator may do, as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawOperator {
    /// Take another recipe.
    #[serde(default)]
    pub may_change_recipe: bool,
}

/// The operator's input; every value was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputsConfig {
    /// Device nodes to read; empty: all that fit.
    pub devices: Vec<PathBuf>,
    /// The lockout after a press.
    pub debounce: Duration,
    /// How touches lie against the picture.
    pub place: Place,
    /// Keys with what they do.
    pub(super) keys: Vec<(KeyCode, Action)>,
    /// Buttons at GPIO lines.
    pub buttons: Vec<ButtonConfig>,
    /// What the operator may do.
    pub lock: Lock,
}

/// By how much a touch screen is turned clockwise against the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// Not at all.
    #[default]
    Upright,
    /// 90 degrees.
    Quarter,
    /// 180 degrees.
    Half,
    /// 270 degrees.
    ThreeQuarters,
}

/// A button at a GPIO line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ButtonConfig {
    /// What it does.
    pub action: Action,
    /// The chip's label, its name or its path.
    pub chip: String,
    /// Which of its lines.
    pub line: u32,
    /// A pressed button pulls the line low.
    pub active_low: bool,
}

const DEFAULT_DEBOUNCE: u64 = 50;
const MOST_DEBOUNCE: u64 = 2_000;
/// More than any control desk has.
const MOST_BUTTONS: usize = 32;

impl InputsConfig {
    /// Checks what is written.
    ///
    /// # Errors
    /// [`Error::Invalid`] with key and value.
    pub fn validate(raw: &RawInputs) -> Result<Self, Error> {
        check_devices(&raw.devices)?;
        let operator = raw.operator;
        Ok(Self {
            devices: raw.devices.clone(),
            debounce: debounce(raw.debounce_ms)?,
            place: place(raw.touch_rotation_deg)?,
            keys: keys(&raw.keys)?,
            buttons: buttons(&raw.buttons)?,
            lock: Lock { may_change_recipe: operator.may_change_recipe },
        })
    }

    /// The lockout in nanoseconds.
    pub fn debounce_ns(&self) -> i64 {
        // At most two seconds.
        i64::try_from(self.debounce.as_nanos()).unwrap_or(i64::MAX)
    }
}

impl From<RawAction> for Action {
    fn from(raw: RawAction) -> Self {
        match raw {
            RawAction::Acknowledge => Self::Acknowledge,
            RawAction::Hold => Self::Hold,
            RawAction::Resume => Self::Resume,
            RawAction::Challenge => Self::Challenge,
            RawAction::NextRecipe => Self::NextRecipe,
            RawAction::SelectRecipe => Self::SelectRecipe,
            RawAction::NextScreen => Self::NextScreen,
        }
    }
}

fn check_devices(devices: &[PathBuf]) -> Result<(), Error> {
    match devices.iter().find(|device| !device.is_absolute()) {
        Some(device) => Err(invalid("input.devices", device.display(), "absolute paths")),
        None => Ok(()),
    }
}

fn debounce(written: Option<u64>) -> Result<Duration, Error> {
    match written.unwrap_or(DEFAULT_DEBOUNCE) {
        ms @ 0..=MOST_DEBOUNCE => Ok(Duration::from_millis(ms)),
        ms => Err(invalid("input.debounce_ms", ms, "from 0 to 2000")),
    }
}

fn place(degrees: u16) -> Result<Place, Error> {
    match degrees {
        0 => Ok(Place::Upright),
        90 => Ok(Place::Quarter),
        180 => Ok(Place::Half),
        270 => Ok(Place::ThreeQuarters),
        _ => Err(invalid("input.touch_rotation_deg", degrees, "0, 90, 180 or 270")),
    }
}

/// A key that does two things would do the one that is worse.
fn keys(raw: &RawKeys) -> Result<Vec<(KeyCode, Action)>, Error> {
    let mut keys: Vec<(KeyCode, Action)> = Vec::new();
    for (action, name) in &raw.0 {
        let action = Action::from(*action);
        let key = format!("input.keys.{}", action.name());
        let Ok(code) = KeyCode::from_str(name) else {
            return Err(invalid(&key, name, "a key by the kernel's name, as KEY_F1"));
        };
        if let Some((_, other)) = keys.iter().find(|(taken, _)| *taken == code) {
            return Err(invalid(&key, name, &format!("another key than {}'s", other.name())));
        }
        keys.push((code, action));
    }
    Ok(keys)
}

fn buttons(raw: &[RawButton]) -> Result<Vec<ButtonConfig>, Error> {
    if raw.len() > MOST_BUTTONS {
        return Err(invalid("input.button", raw.len(), "at most 32 buttons"));
    }
    let mut buttons: Vec<ButtonConfig> = Vec::new();
    for RawButton { action, chip, line, active_low } in raw {
        let action = Action::from(*action);
        if chip.trim().is_empty() {
            return Err(invalid("input.button.chip", "\"\"", "a GPIO chip"));
        }
        let is_taken = |other: &&ButtonConfig| other.chip == *chip && other.line == *line;
        if let Some(other) = buttons.iter().find(is_taken) {
            let expected = format!("another line than {}'s", other.action.name());
            return Err(invalid("input.button.line", format!("{chip} line {line}"), &expected));
        }
        let (chip, line, active_low) = (chip.clone(), *line, *active_low);
        buttons.push(ButtonConfig { action, chip, line, active_low });
    }
    Ok(buttons)
}

fn invalid(key: &str, found: impl ToString, expected: &str) -> Error {
    let (key, found) = (key.to_owned(), found.to_string());
    Error::Invalid { key, found, expected: expected.to_owned() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<InputsConfig, String> {
        let raw: RawInputs = toml::from_str(text).map_err(|error| error.to_string())?;
        InputsConfig::validate(&raw).map_err(|error| error.to_string())
    }

    #[test]
    fn an_empty_section_locks_the_operator() {
        let config = parsed("").unwrap();
        assert_eq!(config.lock, Lock::default());
        assert!(config.keys.is_empty() && config.debounce == Duration::from_millis(50));
    }

    #[test]
    fn keys_buttons_and_the_operator_are_read() {
        let text = "devices = ['/dev/input/event0']\ndebounce_ms = 20\ntouch_rotation_deg = 90\n\
            [keys]\nhold = 'KEY_F1'\nnext-screen = 'KEY_TAB'\n\
            [[button]]\naction = 'resume'\nchip = 'pinctrl-bcm2711'\nline = 5\nactive_low = true\n\
            [operator]\nmay_change_recipe = true\n";
        let config = parsed(text).unwrap();
        assert_eq!(config.keys[0], (KeyCode::KEY_F1, Action::Hold));
        assert_eq!(config.buttons[0].action, Action::Resume);
        assert_eq!((config.place, config.debounce_ns()), (Place::Quarter, 20_000_000));
        assert!(config.lock.may_change_recipe);
    }

    #[test]
    fn what_cannot_be_is_refused_by_key_and_value() {
        let button = "[[button]]\naction = 'hold'\nchip = 'a'\nline = 1\n";
        for (text, fact) in [
            ("devices = ['event0']".to_owned(), "input.devices = event0: expected absolute"),
            ("debounce_ms = 2001".to_owned(), "input.debounce_ms = 2001: expected from 0"),
            ("touch_rotation_deg = 45".to_owned(), "expected 0, 90, 180 or 270"),
            ("[keys]\nhold = 'F1'".to_owned(), "input.keys.hold = F1: expected a key"),
            (
                "[keys]\nhold = 'KEY_A'\nresume = 'KEY_A'".to_owned(),
                "input.keys.resume = KEY_A: expected another key than hold's",
            ),
            (format!("{button}{button}"), "a line 1: expected another line than hold's"),
            (button.replace("'a'", "' '"), "expected a GPIO chip"),
            ("[keys]\njump = 'KEY_A'".to_owned(), "unknown variant"),
            ("[operator]\nmay_all = true".to_owned(), "unknown field"),
            // No judge that took bad parts for good ones goes on passing.
            ("[operator]\nmay_resume_after_failed_challenge = true".to_owned(), "unknown field"),
            (button.repeat(33), "at most 32"),
        ] {
            let error = parsed(&text).unwrap_err();
            assert!(error.contains(fact), "{fact}: {error}");
        }
    }
}

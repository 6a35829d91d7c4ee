use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::files;

pub use jiff::civil::Date;

/// How far the clock of a box may lie behind the one that dated a golden, in days.
const CLOCK_DAYS: i32 = 1;

/// A stored frame of a product, and what is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Golden {
    /// The file as the recipe names it, below the recipe's folder.
    pub file: String,
    /// Where that is.
    pub path: PathBuf,
    /// What it shows.
    pub shows: Shows,
    /// What ties it to its image; `None` for one that the recipe itself names.
    pub listed: Option<Listed>,
}

/// What the list beside a recipe says of a golden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// SHA-256 of the file.
    pub sha256: String,
    /// The day on which the frame was taken, UTC.
    pub taken: Date,
    /// The first day on which it is not used any more.
    pub expires: Option<Date>,
    /// The day on which somebody took it out of force.
    pub withdrawn: Option<Date>,
}

/// What a golden shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Shows {
    /// A part that parts are compared with: `ok`.
    Good,
    /// A part that must be found bad: the ids of the sentences it violates, separated by `|`.
    Faults(Vec<String>),
}

/// Whether a golden may be used on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GoldenState {
    /// It may.
    InForce,
    /// Its last day is over.
    Expired(Date),
    /// Somebody took it out of force.
    Withdrawn(Date),
    /// By this box's clock it is not taken yet, so that nothing is known about its age.
    NotYet(Date),
    /// Its file is not what was listed.
    Altered {
        /// The sum of the file now.
        found: String,
    },
    /// Its file cannot be read.
    Unreadable(String),
}

impl Golden {
    /// Whether it may be used today; reads the file.
    pub fn state(&self, today: Date) -> GoldenState {
        match self.dated(today) {
            GoldenState::InForce => self.file_state(),
            other => other,
        }
    }

    /// Whether its dates allow it to be used on a day; reads nothing.
    pub fn dated(&self, today: Date) -> GoldenState {
        let Some(listed) = &self.listed else { return GoldenState::InForce };
        if let Some(day) = listed.withdrawn {
            return GoldenState::Withdrawn(day);
        }
        if let Some(day) = listed.expires.filter(|day| today >= *day) {
            return GoldenState::Expired(day);
        }
        if days(today, listed.taken) > CLOCK_DAYS {
            return GoldenState::NotYet(listed.taken);
        }
        GoldenState::InForce
    }

    /// Whether the file is there and is what was listed, whatever the dates say.
    pub fn file_state(&self) -> GoldenState {
        match (files::sha256_of(&self.path), &self.listed) {
            (Err(error), _) => GoldenState::Unreadable(error.to_string()),
            (Ok(found), Some(listed)) if found != listed.sha256 => GoldenState::Altered { found },
            (Ok(_), _) => GoldenState::InForce,
        }
    }

    /// Whole days since it was taken, where that is known; negative by a clock that is behind.
    pub fn age_days(&self, today: Date) -> Option<i32> {
        self.listed.as_ref().map(|listed| days(listed.taken, today))
    }
}

impl GoldenState {
    /// Whether the golden may be used.
    pub fn is_in_force(&self) -> bool {
        *self == Self::InForce
    }

    /// Whether the file is not what it should be: a fault, where an expiry is what was meant to come.
    pub fn is_broken(&self) -> bool {
        matches!(self, Self::Altered { .. } | Self::Unreadable(_))
    }
}

impl fmt::Display for GoldenState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InForce => out.write_str("in force"),
            Self::Expired(day) => write!(out, "expired on {day}"),
            Self::Withdrawn(day) => write!(out, "taken out of force on {day}"),
            Self::NotYet(day) => {
                write!(
                    out,
                    "taken on {day}, which by this box's clock is yet to come; set the clock"
                )
            }
            Self::Altered { found } => write!(
                out,
                "altered: its SHA-256 begins with {}, another was listed; add it anew",
                found.get(..12).unwrap_or(found)
            ),
            Self::Unreadable(reason) => out.write_str(reason),
        }
    }
}

impl fmt::Display for Shows {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good => out.write_str("ok"),
            Self::Faults(ids) => out.write_str(&ids.join("|")),
        }
    }
}

impl From<Shows> for String {
    fn from(shows: Shows) -> Self {
        shows.to_string()
    }
}

impl TryFrom<String> for Shows {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "ok" {
            return Ok(Self::Good);
        }
        let ids: Vec<String> = text.split('|').map(|id| id.trim().to_owned()).collect();
        if ids.iter().any(|id| id.is_empty() || id == "ok") {
            return Err(format!("label {text:?}: either ok or spec ids separated by |"));
        }
        Ok(Self::Faults(ids))
    }
}

/// The day of a time in milliseconds since 1970-01-01 UTC, in UTC.
pub fn day_of(unix_ms: u64) -> Date {
    let ms = i64::try_from(unix_ms).unwrap_or(i64::MAX);
    let time = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX);
    time.to_zoned(TimeZone::UTC).date()
}

/// Today in UTC, by the clock of this box.
pub fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// Whole days from one day to another.
fn days(from: Date, to: Date) -> i32 {
    // Both lie in the years that the calendar has.
    from.until(to).map_or(0, |span| span.get_days())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn golden(expires: Option<&str>, withdrawn: Option<&str>) -> Golden {
        Golden {
            file: "goldens/a.png".to_owned(),
            path: "/nowhere/goldens/a.png".into(),
            shows: Shows::Good,
            listed: Some(Listed {
                sha256: "00".to_owned(),
                taken: day("2026-05-10"),
                expires: expires.map(day),
                withdrawn: withdrawn.map(day),
            }),
        }
    }

    #[test]
    fn a_golden_is_in_force_until_the_day_on_which_it_expires() {
        let golden = golden(Some("2026-06-01"), None);
        for (today, expected) in [
            ("2026-05-10", GoldenState::InForce),
            ("2026-05-31", GoldenState::InForce),
            ("2026-06-01", GoldenState::Expired(day("2026-06-01"))),
            ("2027-06-01", GoldenState::Expired(day("2026-06-01"))),
        ] {
            assert_eq!(golden.dated(day(today)), expected, "{today}");
        }
    }

    #[test]
    fn a_clock_from_before_the_golden_is_not_believed() {
        let golden = golden(Some("2026-06-01"), None);
        // Another box may date a few hours ahead.
        assert_eq!(golden.dated(day("2026-05-09")), GoldenState::InForce);
        assert_eq!(golden.dated(day("1970-01-01")), GoldenState::NotYet(day("2026-05-10")));
        assert_eq!(golden.age_days(day("2026-07-10")), Some(61));
        assert_eq!(golden.age_days(day("2026-05-08")), Some(-2));
    }

    #[test]
    fn what_somebody_took_out_of_force_stays_out_and_a_missing_file_is_broken() {
        let withdrawn = golden(None, Some("2026-05-20"));
        assert_eq!(withdrawn.state(day("2026-05-11")), GoldenState::Withdrawn(day("2026-05-20")));
        let missing = golden(None, None).state(day("2026-05-11"));
        assert!(missing.is_broken() && missing.to_string().contains("a.png"), "{missing}");
    }

    #[test]
    fn labels_are_those_of_manifests() {
        let parsed = |text: &str| Shows::try_from(text.to_owned());
        assert_eq!(parsed("ok"), Ok(Shows::Good));
        assert_eq!(parsed("a| b"), Ok(Shows::Faults(vec!["a".to_owned(), "b".to_owned()])));
        assert_eq!(parsed("a|b").unwrap().to_string(), "a|b");
        for wrong in ["", "a|", "ok|a"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn days_are_those_of_utc() {
        assert_eq!(day_of(0), day("1970-01-01"));
        assert_eq!(day_of(86_399_999), day("1970-01-01"));
        assert_eq!(day_of(86_400_000), day("1970-01-02"));
        assert!(day_of(u64::MAX) > day("9000-01-01"));
    }
}

use std::collections::BTreeMap;
use std::path::Path;

use pairspec::files;
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::grammar::pick;
use super::meaning::{self, Sense};
use super::topic::Topic;
use super::{Difference, Error};

/// A thousand meanings with as many sentences each are less, bytes.
const MAX_BYTES: u64 = 64 << 20;

/// What an integrator's own classes look like; before the bundled meanings, which it may replace.
///
/// ```toml
/// [[meaning]]
/// key = "warped"                     # the class of boxes, or a label
/// sense = "fault"                    # or "requirement", "allowed"
/// phrasings = ["the board is warped", "the board is not flat any more"]
/// ```
///
/// A requirement may name the fault that violates it, `violated_by = "warped"`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OwnMeanings(BTreeMap<String, Own>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Own {
    sense: Sense,
    phrasings: Vec<String>,
    violated_by: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    meaning: Vec<RawMeaning>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMeaning {
    key: String,
    sense: Sense,
    phrasings: Vec<String>,
    violated_by: Option<String>,
}

impl OwnMeanings {
    /// Reads a file of meanings.
    ///
    /// # Errors
    /// [`Error::File`], or [`Error::Entry`] with the key or the line that is wrong.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let text = files::read_text(path, MAX_BYTES)?;
        let raw: RawFile =
            toml::from_str(&text).map_err(|error| Error::entry(path, error.to_string().trim()))?;
        let mut own = Self::default();
        for RawMeaning { key, sense, phrasings, violated_by } in raw.meaning {
            let entry = Own { sense, phrasings, violated_by };
            own.insert(&key, entry)
                .map_err(|reason| Error::entry(path, format!("meaning {key:?}: {reason}")))?;
        }
        Ok(own)
    }

    /// What a command line gives: a file of meanings, and classes one by one.
    ///
    /// # Errors
    /// Those of [`OwnMeanings::open`] and [`OwnMeanings::add_class`].
    pub fn given(file: Option<&Path>, classes: &[String]) -> Result<Self, Error> {
        let mut own = file.map(Self::open).transpose()?.unwrap_or_default();
        classes.iter().try_for_each(|class| own.add_class(class))?;
        Ok(own)
    }

    /// Adds a fault as given on a command line: `NAME=one sentence|another sentence`.
    ///
    /// # Errors
    /// [`Error::Class`].
    pub fn add_class(&mut self, text: &str) -> Result<(), Error> {
        let wrong = |reason: String| Error::Class { text: text.to_owned(), reason };
        let (key, phrasings) =
            text.split_once('=').ok_or_else(|| wrong("no = in it".to_owned()))?;
        let phrasings = phrasings.split('|').map(str::to_owned).collect();
        let entry = Own { sense: Sense::Fault, phrasings, violated_by: None };
        self.insert(key.trim(), entry).map_err(wrong)
    }

    /// Every sentence, for a training vocabulary.
    pub fn phrasings(&self) -> impl Iterator<Item = &str> {
        self.0.values().flat_map(|own| own.phrasings.iter().map(String::as_str))
    }

    /// All of them, to learn from.
    pub(super) fn topics(&self) -> Vec<Topic> {
        let topic = |(key, own): (&String, &Own)| {
            Topic::own(key, (own.sense, own.violated_by.as_deref()), &own.phrasings)
        };
        self.0.iter().map(topic).collect()
    }

    fn insert(&mut self, key: &str, mut own: Own) -> Result<(), String> {
        if key.is_empty() || key.contains(char::is_whitespace) || key.contains('|') {
            return Err("a key is one word without bars, as in the boxes of a manifest".to_owned());
        }
        own.phrasings.iter_mut().for_each(|text| *text = text.trim().to_owned());
        if own.phrasings.is_empty() || own.phrasings.iter().any(String::is_empty) {
            return Err("no phrasing, or an empty one".to_owned());
        }
        if own.violated_by.is_some() && own.sense != Sense::Requirement {
            return Err("violated_by belongs to requirements".to_owned());
        }
        match self.0.insert(key.to_owned(), own) {
            None => Ok(()),
            Some(_) => Err("stands twice".to_owned()),
        }
    }

    /// A difference that says this class, and then the requirement that it violates, if any; `None`
    /// for an unknown class.
    pub(super) fn say<R: Rng + ?Sized>(
        &self,
        class: &str,
        random: &mut R,
    ) -> Option<Vec<Difference>> {
        let fault = self.sentence(class, random)?;
        let own = self.0.iter().find(|(_, own)| own.violated_by.as_deref() == Some(class));
        let requirement = own
            .map(|(key, _)| key.as_str())
            .or_else(|| meaning::requirement_of(class).map(|requirement| requirement.key));
        let requirement = requirement.and_then(|key| self.sentence(key, random));
        Some([Some(fault), requirement].into_iter().flatten().collect())
    }

    /// A sentence with this key, without pair and box.
    fn sentence<R: Rng + ?Sized>(&self, key: &str, random: &mut R) -> Option<Difference> {
        let (sense, sentence) = match self.0.get(key) {
            Some(own) => (own.sense, pick(&own.phrasings, random)?.clone()),
            None => {
                let meaning = meaning::find(key)?;
                (meaning.sense, meaning.sentence(None, random))
            }
        };
        Some(Difference {
            pair_id: String::new(),
            bounds: None,
            key: Some(key.to_owned()),
            sense: Some(sense),
            sentence,
            reference: None,
            test: None,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::ChaCha8Rng;

    use super::*;

    fn opened(text: &str) -> Result<OwnMeanings, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.toml");
        std::fs::write(&path, text).unwrap();
        OwnMeanings::open(&path)
    }

    #[test]
    fn own_meanings_come_before_the_bundled_ones() {
        let own = opened(
            "[[meaning]]\nkey = 'open'\nsense = 'fault'\nphrasings = ['a cut']\n\
             [[meaning]]\nkey = 'whole'\nsense = 'requirement'\nviolated_by = 'open'\nphrasings = ['all whole ']\n",
        )
        .unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let said = own.say("open", &mut random).unwrap();
        let said: Vec<_> = said.iter().map(|it| (it.sentence.as_str(), it.sense)).collect();
        let expected = [("a cut", Some(Sense::Fault)), ("all whole", Some(Sense::Requirement))];
        assert_eq!(said, expected);
        let bundled = own.say("short", &mut random).unwrap();
        assert_eq!(bundled[1].key.as_deref(), Some("requires-separate-traces"));
        assert_eq!(own.say("warped", &mut random), None);
    }

    #[test]
    fn classes_of_a_command_line_are_faults() {
        let mut own = OwnMeanings::default();
        own.add_class("warped=the board is warped| it is not flat").unwrap();
        assert_eq!(own.phrasings().collect::<Vec<_>>(), ["the board is warped", "it is not flat"]);
        for wrong in ["warped", "=x", "a=", "a=x|", "a b=x", "warped=again"] {
            let message = own.add_class(wrong).unwrap_err().to_string();
            assert!(message.contains("expected NAME=") && message.contains(wrong), "{message}");
        }
    }

    #[test]
    fn wrong_files_name_what_is_wrong() {
        let good = "[[meaning]]\nkey = 'a'\nsense = 'fault'\nphrasings = ['x']\n";
        assert!(opened(good).is_ok());
        for (text, fact) in [
            (good.repeat(2), "stands twice"),
            (good.replace("'fault'", "'bad'"), "line 3"),
            (good.replace("key", "kee"), "line 2"),
            (good.replace("['x']", "[]"), "no phrasing"),
            (good.replace("'a'", "'a b'"), "one word"),
            (format!("{good}violated_by = 'b'\n"), "belongs to requirements"),
            (String::new(), "meaning"),
        ] {
            let message = opened(&text).unwrap_err().to_string();
            assert!(message.contains("own.toml") && message.contains(fact), "{message}");
        }
    }
}

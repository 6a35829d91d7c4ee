use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Error;
use crate::files;
use crate::spec::{Kind, Sheet};
use crate::verdict::Thresholds;

const MAX_BYTES: u64 = 4 << 20;
const FORMAT: u32 = 1;

/// Thresholds with the evidence behind them and the sums of what they were made with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdFile {
    format: u32,
    /// What the thresholds hold for, and nothing else.
    pub made_with: MadeWith,
    /// The limits.
    pub thresholds: Thresholds,
    /// How they were found and what was attained on pairs they were not fitted to; for people.
    #[serde(default)]
    pub evidence: toml::Table,
}

/// What scores depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MadeWith {
    /// The vision file that embedded the regions.
    pub vision_sha256: String,
    /// The text tower's file that embedded the sentences.
    pub text_sha256: String,
    /// The sentences, as [`crate::spec::Prompt::digest`] sums them.
    pub prompts_sha256: String,
    /// The recipe's align, photo and region sections.
    pub sections_sha256: String,
}

impl ThresholdFile {
    /// A file of the present format.
    pub fn new(made_with: MadeWith, thresholds: Thresholds, evidence: toml::Table) -> Self {
        Self { format: FORMAT, made_with, thresholds, evidence }
    }

    /// Reads a threshold file.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Toml`] or [`Error::Invalid`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::parse(&files::read_text(path, MAX_BYTES)?, &path.display().to_string())
    }

    /// Reads a threshold file from text; `path` names it in messages.
    ///
    /// # Errors
    /// [`Error::Toml`] or [`Error::Invalid`].
    pub fn parse(text: &str, path: &str) -> Result<Self, Error> {
        let file: Self = toml::from_str(text).map_err(|error| Error::Toml {
            path: path.to_owned(),
            reason: error.to_string().trim_end().to_owned(),
        })?;
        if file.format != FORMAT {
            return Err(Error::Invalid {
                path: path.to_owned(),
                section: "format",
                reason: format!("{}, this version reads {FORMAT}", file.format),
            });
        }
        Ok(file)
    }

    /// Writes the file whole or not at all, in the place of none or of one of its kind.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Occupied`] when something else is there, or [`Error::Toml`] when the
    /// evidence cannot be written as TOML.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        Self::check_place(path)?;
        let text = toml::to_string(self).map_err(|error| Error::Toml {
            path: path.display().to_string(),
            reason: error.to_string(),
        })?;
        Ok(files::write(path, text.as_bytes())?)
    }

    /// Refuses a place where [`Self::save`] would not write; to be asked before the work.
    ///
    /// # Errors
    /// [`Error::Occupied`].
    pub fn check_place(path: &Path) -> Result<(), Error> {
        if path.exists() && Self::open(path).is_err() {
            return Err(Error::Occupied { path: path.display().to_string() });
        }
        Ok(())
    }

    /// The limits, if they were made with exactly `now` and fit the sheet.
    ///
    /// # Errors
    /// [`Error::Stale`] naming the first thing that differs, or [`Error::Thresholds`].
    pub fn limits_for(
        &self,
        now: &MadeWith,
        sheet: &Sheet,
        path: &Path,
    ) -> Result<&Thresholds, Error> {
        let then = &self.made_with;
        for (what, made_with, found) in [
            ("vision file", &then.vision_sha256, &now.vision_sha256),
            ("text tower", &then.text_sha256, &now.text_sha256),
            ("spec sheet", &then.prompts_sha256, &now.prompts_sha256),
            ("align, photo or region section", &then.sections_sha256, &now.sections_sha256),
        ] {
            if made_with != found {
                return Err(Error::Stale {
                    path: path.display().to_string(),
                    what,
                    made_with: made_with.chars().take(12).collect(),
                    found: found.chars().take(12).collect(),
                    command: "calibrate",
                });
            }
        }
        let violable = sheet.specs.iter().filter(|spec| spec.kind != Kind::Allowed);
        self.thresholds
            .validate(violable.map(|spec| spec.prompt.id.as_str()))
            .map_err(|source| Error::Thresholds { path: path.display().to_string(), source })?;
        Ok(&self.thresholds)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn made_with() -> MadeWith {
        let [vision_sha256, text_sha256, prompts_sha256, sections_sha256] =
            ["v", "t", "p", "s"].map(str::to_owned);
        MadeWith { vision_sha256, text_sha256, prompts_sha256, sections_sha256 }
    }

    fn sheet() -> Sheet {
        let text = "[[spec]]\nid = 'open'\nkind = 'fault'\nsentence = 'x'\n\
                    [[spec]]\nid = 'dust'\nkind = 'allowed'\nsentence = 'y'\n";
        Sheet::parse(text, "s").unwrap()
    }

    fn file() -> ThresholdFile {
        let armed = [("open".to_owned(), 0.25)].into();
        ThresholdFile::new(
            made_with(),
            Thresholds { armed, ..Thresholds::default() },
            toml::Table::new(),
        )
    }

    #[test]
    fn a_threshold_file_comes_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.toml");
        file().save(&path).unwrap();
        let read = ThresholdFile::open(&path).unwrap();
        assert_eq!(read, file());
        assert_eq!(read.limits_for(&made_with(), &sheet(), &path).unwrap().armed["open"], 0.25);
    }

    #[test]
    fn a_file_of_another_kind_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.toml");
        std::fs::write(&path, "name = 'a recipe'").unwrap();
        assert!(matches!(file().save(&path), Err(Error::Occupied { .. })));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "name = 'a recipe'");
    }

    #[test]
    fn thresholds_of_anything_else_are_refused() {
        let path = Path::new("t.toml");
        let change: [fn(&mut MadeWith); 4] = [
            |made| made.vision_sha256.push('x'),
            |made| made.text_sha256.push('x'),
            |made| made.prompts_sha256.push('x'),
            |made| made.sections_sha256.push('x'),
        ];
        for change in change {
            let mut now = made_with();
            change(&mut now);
            let error = file().limits_for(&now, &sheet(), path).unwrap_err();
            assert!(matches!(error, Error::Stale { .. }), "{error}");
            assert!(error.to_string().contains("calibrate"));
        }
    }

    #[test]
    fn a_sheet_with_a_sentence_nobody_calibrated_is_refused() {
        let text = "[[spec]]\nid = 'short'\nkind = 'fault'\nsentence = 'x'\n";
        let other = Sheet::parse(text, "s").unwrap();
        let error = file().limits_for(&made_with(), &other, Path::new("t")).unwrap_err();
        assert!(matches!(error, Error::Thresholds { .. }), "{error}");
    }

    #[test]
    fn other_formats_and_unknown_keys_are_refused() {
        let text = toml::to_string(&file()).unwrap();
        assert!(ThresholdFile::parse(&text.replace("format = 1", "format = 2"), "t").is_err());
        assert!(ThresholdFile::parse(&format!("extra = 1\n{text}"), "t").is_err());
    }
}

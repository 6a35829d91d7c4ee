use std::path::Path;

use pairspec::files;
use serde::{Deserialize, Serialize};

use super::{Error, Sense};

/// A million lines of `differences.jsonl` are a fifth of this, bytes.
const MAX_BYTES: u64 = 1 << 30;

/// One line of `differences.jsonl`: one sentence about the test frame of a pair against its
/// reference.
///
/// The difference of the pair points toward the sentence, or away from it when its sense is
/// [`Sense::Requirement`]; see [`Sense::sign`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The pair of the manifest; of pairs of captioned images both names.
    pub pair_id: String,
    /// Where: left, top, right and bottom in pixels, the last two exclusive; none for whole frames.
    #[serde(rename = "box")]
    pub bounds: Option<[u32; 4]>,
    /// What it means, see [`super::Meaning`]; none where every sentence means something of its own.
    pub key: Option<String>,
    /// How it relates to the difference; none is as [`Sense::Allowed`], a plain description.
    pub sense: Option<Sense>,
    /// The sentence.
    pub sentence: String,
    /// The image in the place of the reference: a name as the captions or the manifest have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The image in the place of the test frame, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
}

/// Reads `differences.jsonl`, in its order; empty lines are skipped.
///
/// # Errors
/// [`Error::File`], or [`Error::Entry`] with the first line that is no difference.
pub fn read(path: &Path) -> Result<Vec<Difference>, Error> {
    let text = files::read_text(path, MAX_BYTES)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| Error::line(path, index + 1, error))
        })
        .collect()
}

/// Writes `differences.jsonl` whole or not at all.
///
/// # Errors
/// [`Error::File`]; what was there before is then still there.
pub fn write(path: &Path, differences: &[Difference]) -> Result<(), Error> {
    files::write_with(path, |out| {
        for difference in differences {
            serde_json::to_writer(&mut *out, difference)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    })?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_documented_fields_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("differences.jsonl");
        let differences = [
            Difference {
                pair_id: "7".to_owned(),
                bounds: Some([1, 2, 30, 40]),
                key: Some("open".to_owned()),
                sense: Some(Sense::Fault),
                sentence: "a trace is \"broken\"".to_owned(),
                reference: None,
                test: None,
            },
            Difference {
                pair_id: "a|b".to_owned(),
                bounds: None,
                key: None,
                sense: None,
                sentence: "there is snow instead of sand".to_owned(),
                reference: Some("a".to_owned()),
                test: Some("b".to_owned()),
            },
        ];
        write(&path, &differences).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text.lines().next().unwrap(),
            r#"{"pair_id":"7","box":[1,2,30,40],"key":"open","sense":"fault","sentence":"a trace is \"broken\""}"#
        );
        assert_eq!(read(&path).unwrap(), differences);
    }

    #[test]
    fn a_wrong_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d.jsonl");
        let good = r#"{"pair_id":"1","box":null,"key":"open","sense":"fault","sentence":"x"}"#;
        let misspelt = good.replace("sense", "sens");
        for wrong in [&good[..20], "[]", &misspelt, &good.replace("fault", "bad")] {
            std::fs::write(&path, format!("{good}\n\n{wrong}\n")).unwrap();
            assert!(read(&path).unwrap_err().to_string().contains("d.jsonl, line 3: "), "{wrong}");
        }
    }
}

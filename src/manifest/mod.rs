//! Manifests: CSV lists of pairs, with labels where somebody knows them.
//!
//! Owns the reading of `pair_id,ref_path,test_path` and the optional columns `group`, `label` and
//! `boxes` (`x1 y1 x2 y2 class|...`, right and bottom exclusive); other columns are ignored, so
//! that a data set may carry its own. And their growing, a pair at a time ([`Appending`]).
//!
//! It opens no image, and does not know what a label means to a spec sheet.

mod append;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::files;
use crate::frame::Rect;

pub use append::{Appending, NewPair};

/// A million pairs with a dozen boxes each are about this much text.
const MAX_BYTES: u64 = 256 << 20;

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] files::Error),
    /// Not CSV, or a column is missing.
    #[error(
        "{path}: {reason}; a manifest has the columns pair_id,ref_path,test_path and may have group,label,boxes"
    )]
    Csv {
        /// The manifest.
        path: String,
        /// What the reader said, with the line.
        reason: String,
    },
    /// One value is wrong.
    #[error("{path}, line {line}: {reason}")]
    Row {
        /// The manifest.
        path: String,
        /// Counted from 1, the header included.
        line: u64,
        /// What was found and what was expected.
        reason: String,
    },
    /// Boxes that would be known of some faulty pairs and not of others.
    #[error("{path}: {reason}")]
    Boxes {
        /// The manifest.
        path: String,
        /// What stands in the way and what to do.
        reason: String,
    },
    /// No pair at all.
    #[error("{path}: no pairs")]
    Empty {
        /// The manifest.
        path: String,
    },
}

/// One pair of frames and what is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Unique in the manifest.
    pub id: String,
    /// The reference frame.
    pub reference: PathBuf,
    /// The frame of the part under test.
    pub test: PathBuf,
    /// Pairs that share a product, board or day; kept together when data is split.
    pub group: Option<String>,
    /// `ok`, or the spec ids that are violated, separated by `|`.
    pub label: Option<Label>,
    /// Labelled faults, in pixels of the reference; `None` when nobody labelled boxes.
    pub boxes: Option<Vec<LabelledBox>>,
}

/// What somebody says about a whole pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Label {
    /// Nothing is violated.
    Conforming,
    /// These spec ids are violated; at least one.
    Faults(Vec<String>),
}

/// One labelled fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledBox {
    /// Where, in pixels of the reference.
    pub rect: Rect,
    /// The spec id it violates.
    pub class: String,
}

#[derive(Debug, Deserialize)]
struct Row {
    pair_id: String,
    ref_path: String,
    test_path: String,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    boxes: Option<String>,
}

/// Reads a manifest; paths in it are relative to its folder and must stay below it.
///
/// # Errors
/// Every variant of [`Error`], each naming the file and the line.
pub fn open(path: &Path) -> Result<Vec<Pair>, Error> {
    let content = files::read(path, MAX_BYTES)?;
    parse(&content, path)
}

/// Reads a manifest from bytes; `path` names it and is the base of the paths in it.
///
/// # Errors
/// Those of [`open`], except that no file is read.
pub fn parse(content: &[u8], path: &Path) -> Result<Vec<Pair>, Error> {
    let name = path.display().to_string();
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(content);
    let headers = reader.headers().map_err(|error| foreign(&name, &error))?.clone();
    // The csv crate reads an empty value as a missing one; a pair without faults has both.
    let has_boxes = headers.iter().any(|header| header == "boxes");
    let mut seen = HashSet::new();
    let mut pairs = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| foreign(&name, &error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let mut row: Row =
            record.deserialize(Some(&headers)).map_err(|error| foreign(&name, &error))?;
        row.boxes = row.boxes.or(has_boxes.then(String::new));
        let pair = pair(row, folder)
            .and_then(|pair| {
                let unique = seen.insert(pair.id.clone());
                unique.then_some(pair).ok_or_else(|| "this pair_id stands twice".to_owned())
            })
            .map_err(|reason| Error::Row { path: name.clone(), line, reason })?;
        pairs.push(pair);
    }
    if pairs.is_empty() {
        return Err(Error::Empty { path: name });
    }
    Ok(pairs)
}

fn foreign(path: &str, error: &csv::Error) -> Error {
    Error::Csv { path: path.to_owned(), reason: error.to_string() }
}

fn pair(row: Row, folder: &Path) -> Result<Pair, String> {
    if row.pair_id.is_empty() {
        return Err("pair_id is empty".to_owned());
    }
    let join = |path: &str| files::join_below(folder, path).map_err(|error| error.to_string());
    Ok(Pair {
        reference: join(&row.ref_path)?,
        test: join(&row.test_path)?,
        group: row.group.filter(|group| !group.is_empty()),
        label: row
            .label
            .filter(|label| !label.is_empty())
            .map(|label| parse_label(&label))
            .transpose()?,
        boxes: row.boxes.map(|boxes| parse_boxes(&boxes)).transpose()?,
        id: row.pair_id,
    })
}

fn parse_label(text: &str) -> Result<Label, String> {
    if text == "ok" {
        return Ok(Label::Conforming);
    }
    let faults: Vec<String> = text.split('|').map(|id| id.trim().to_owned()).collect();
    if faults.iter().any(|id| id.is_empty() || id == "ok") {
        return Err(format!("label {text:?}: either ok or spec ids separated by |"));
    }
    Ok(Label::Faults(faults))
}

fn parse_boxes(text: &str) -> Result<Vec<LabelledBox>, String> {
    text.split('|').map(str::trim).filter(|part| !part.is_empty()).map(parse_box).collect()
}

fn parse_box(text: &str) -> Result<LabelledBox, String> {
    let wrong = || format!("box {text:?}: expected x1 y1 x2 y2 class, with x1 < x2 and y1 < y2");
    let mut words = text.split_whitespace();
    let mut number = || words.next().and_then(|word| word.parse::<u32>().ok()).ok_or_else(wrong);
    let [left, top, right, bottom] = [number()?, number()?, number()?, number()?];
    let class = words.next().ok_or_else(wrong)?.to_owned();
    let rect = Rect::from_corners(left, top, right, bottom);
    if rect.is_empty() || words.next().is_some() {
        return Err(wrong());
    }
    Ok(LabelledBox { rect, class })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<Pair>, Error> {
        parse(text.as_bytes(), Path::new("set/manifest.csv"))
    }

    #[test]
    fn columns_of_other_tools_are_ignored_and_paths_are_relative() {
        let pairs = parsed(
            "pair_id,split,group,ref_path,test_path,boxes\n\
             1,train,g1,a/r.png,a/t.png,1 2 3 4 open|5 6 9 9 short\n\
             2,train,,r.png,t.png,\n",
        )
        .unwrap();
        assert_eq!(pairs[0].reference, Path::new("set/a/r.png"));
        assert_eq!(pairs[0].group.as_deref(), Some("g1"));
        let boxes = pairs[0].boxes.as_ref().unwrap();
        assert_eq!(boxes[1].rect, Rect::new(5, 6, 4, 3));
        assert_eq!(boxes[1].class, "short");
        assert_eq!((pairs[1].group.as_ref(), pairs[1].boxes.as_deref()), (None, Some(&[][..])));
    }

    #[test]
    fn no_boxes_column_is_not_the_same_as_no_boxes() {
        assert_eq!(parsed("pair_id,ref_path,test_path\n1,r,t\n").unwrap()[0].boxes, None);
    }

    #[test]
    fn labels_are_ok_or_spec_ids() {
        let text = "pair_id,ref_path,test_path,label\n1,r,t,ok\n2,r,t,open|short\n3,r,t,\n";
        let labels: Vec<_> = parsed(text).unwrap().into_iter().map(|pair| pair.label).collect();
        let faults = Label::Faults(vec!["open".into(), "short".into()]);
        assert_eq!(labels, [Some(Label::Conforming), Some(faults), None]);
    }

    #[test]
    fn wrong_rows_name_their_line() {
        let head = "pair_id,ref_path,test_path,boxes,label\n0,r,t,,\n";
        for (row, fact) in [
            ("1,../r,t,,", "stay below"),
            ("1,/r,t,,", "stay below"),
            ("0,r,t,,", "twice"),
            (",r,t,,", "empty"),
            ("1,r,t,1 2 3 open,", "x1 y1 x2 y2"),
            ("1,r,t,3 2 1 4 open,", "x1 < x2"),
            ("1,r,t,-1 2 3 4 open,", "x1 y1 x2 y2"),
            ("1,r,t,,ok|open", "either ok or"),
        ] {
            let message = parsed(&format!("{head}{row}\n")).unwrap_err().to_string();
            assert!(message.contains("line 3") && message.contains(fact), "{row}: {message}");
        }
    }

    #[test]
    fn missing_columns_and_empty_manifests_are_errors() {
        assert!(parsed("pair_id,ref_path\n1,r\n").unwrap_err().to_string().contains("test_path"));
        assert!(matches!(parsed("pair_id,ref_path,test_path\n"), Err(Error::Empty { .. })));
        assert!(parsed("").is_err());
        assert!(parse(&[0xff, 0xfe, 0x00], Path::new("m")).is_err());
    }
}

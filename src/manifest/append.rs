use std::path::{Path, PathBuf};

use csv::StringRecord;

use super::{Error, Label, LabelledBox, MAX_BYTES, Pair, parse};
use crate::files;

/// The columns that a pair is written to; `boxes` only where somebody labels boxes.
const COLUMNS: [&str; 5] = ["pair_id", "ref_path", "test_path", "group", "label"];
const BOXES: &str = "boxes";

/// A manifest that pairs are added to, all of one label; what it has already stays as it is.
#[derive(Debug, Clone)]
pub struct Appending {
    path: PathBuf,
    headers: StringRecord,
    records: Vec<StringRecord>,
    label: Label,
    boxes: Vec<LabelledBox>,
}

/// What is different from one added pair to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewPair<'a> {
    /// Unique, as [`Appending::next_id`] gives it.
    pub id: &'a str,
    /// The reference frame, relative to the manifest's folder.
    pub reference: &'a str,
    /// The frame of the part, likewise.
    pub test: &'a str,
    /// What it shares a product, board or day with.
    pub group: &'a str,
}

impl Appending {
    /// Reads the manifest, or begins one where there is none; nothing is written yet.
    ///
    /// `boxes` are where the fault is in every pair that is added.
    ///
    /// # Errors
    /// Those of [`open`](super::open) except that it may be absent, and [`Error::Boxes`] when boxes
    /// would be known of some faulty pairs and not of others: those would count as faultless regions.
    pub fn open(path: &Path, label: Label, boxes: Vec<LabelledBox>) -> Result<Self, Error> {
        let (mut headers, mut records) = (StringRecord::new(), Vec::new());
        let mut known = Vec::new();
        if path.exists() {
            let content = files::read(path, MAX_BYTES)?;
            known = parse(&content, path)?;
            let csv = |error: csv::Error| super::foreign(&path.display().to_string(), &error);
            let mut reader =
                csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(content.as_slice());
            headers = reader.headers().map_err(csv)?.clone();
            records = reader.records().collect::<Result<_, _>>().map_err(csv)?;
        }
        let mut appending = Self { path: path.to_owned(), headers, records, label, boxes };
        appending.check_boxes(&known)?;
        let wanted = COLUMNS.iter().chain((!appending.boxes.is_empty()).then_some(&BOXES));
        wanted.for_each(|column| appending.add_column(column));
        Ok(appending)
    }

    /// How many pairs it has.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether it has none yet.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The id of the next pair: the label and a number, such as `scratch-0004`.
    pub fn next_id(&self) -> String {
        let stem = match &self.label {
            Label::Conforming => "ok".to_owned(),
            Label::Faults(ids) => ids.join("+"),
        };
        // A file is called so, too.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_+".contains(c);
        let stem: String = stem.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
        let number = |record: &StringRecord| {
            let id = record.get(self.column(COLUMNS[0])?)?;
            id.strip_prefix(&stem)?.strip_prefix('-')?.parse::<u64>().ok()
        };
        let last = self.records.iter().filter_map(number).max().unwrap_or(0);
        format!("{stem}-{:04}", last.saturating_add(1))
    }

    /// Adds a pair and writes the manifest whole or not at all.
    ///
    /// # Errors
    /// [`Error::File`]; the manifest is then as it was, here and on the disk.
    pub fn add(&mut self, pair: NewPair<'_>) -> Result<(), Error> {
        let label = match &self.label {
            Label::Conforming => "ok".to_owned(),
            Label::Faults(ids) => ids.join("|"),
        };
        let boxes: Vec<String> = self.boxes.iter().map(written).collect();
        let boxes = boxes.join("|");
        let value = |column: &str| match column {
            "pair_id" => pair.id,
            "ref_path" => pair.reference,
            "test_path" => pair.test,
            "group" => pair.group,
            "label" => &label,
            BOXES => &boxes,
            _ => "",
        };
        self.records.push(self.headers.iter().map(value).collect());
        let saved = self.save();
        if saved.is_err() {
            self.records.pop();
        }
        saved
    }

    fn save(&self) -> Result<(), Error> {
        let failed = |error: csv::Error| super::foreign(&self.path.display().to_string(), &error);
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.headers).map_err(failed)?;
        for record in &self.records {
            writer.write_record(record).map_err(failed)?;
        }
        let content = writer.into_inner().map_err(|error| failed(error.into_error().into()))?;
        Ok(files::write(&self.path, &content)?)
    }

    fn check_boxes(&self, known: &[Pair]) -> Result<(), Error> {
        let wrong = |reason: &str| {
            let (path, reason) = (self.path.display().to_string(), reason.to_owned());
            Err(Error::Boxes { path, reason })
        };
        let is_faulty = |label: &Option<Label>| matches!(label, Some(Label::Faults(_)) | None);
        let has_boxes = known.iter().any(|pair| pair.boxes.is_some());
        match (has_boxes, self.boxes.is_empty()) {
            (true, true) if self.label != Label::Conforming => {
                wrong("has boxes, so that the fault of a new pair needs one too; give --box")
            }
            (false, false) if known.iter().any(|pair| is_faulty(&pair.label)) => {
                wrong("has faulty pairs without boxes; take pairs with boxes into another folder")
            }
            (_, false) if self.label == Label::Conforming => {
                wrong("a pair without a fault has no box")
            }
            _ => Ok(()),
        }
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.headers.iter().position(|header| header == name)
    }

    fn add_column(&mut self, name: &str) {
        if self.column(name).is_none() {
            self.headers.push_field(name);
            self.records.iter_mut().for_each(|record| record.push_field(""));
        }
    }
}

fn written(labelled: &LabelledBox) -> String {
    let rect = labelled.rect;
    format!("{} {} {} {} {}", rect.x, rect.y, rect.right(), rect.bottom(), labelled.class)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::frame::Rect;
    use crate::manifest::open;

    fn pair(id: &str) -> NewPair<'_> {
        NewPair { id, reference: "r.png", test: "t.png", group: "day 1" }
    }

    fn faults() -> Label {
        Label::Faults(vec!["scratch".to_owned(), "dent".to_owned()])
    }

    fn boxed() -> Vec<LabelledBox> {
        vec![LabelledBox { rect: Rect::new(1, 2, 3, 4), class: "scratch".to_owned() }]
    }

    #[test]
    fn pairs_of_two_labels_are_read_back_as_they_were_added() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.csv");
        for label in [Label::Conforming, faults(), Label::Conforming] {
            let mut appending = Appending::open(&path, label, Vec::new()).unwrap();
            let id = appending.next_id();
            appending.add(pair(&id)).unwrap();
        }
        let pairs = open(&path).unwrap();
        let ids: Vec<&str> = pairs.iter().map(|pair| pair.id.as_str()).collect();
        assert_eq!(ids, ["ok-0001", "scratch+dent-0001", "ok-0002"]);
        assert_eq!(pairs[1].label, Some(faults()));
        assert_eq!(pairs[2].label, Some(Label::Conforming));
        assert_eq!(pairs[0].group.as_deref(), Some("day 1"));
        assert!(pairs.iter().all(|pair| pair.boxes.is_none()));
    }

    #[test]
    fn columns_of_other_tools_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.csv");
        std::fs::write(&path, "pair_id,split,ref_path,test_path\nx,\"a, b\",r,t\n").unwrap();
        Appending::open(&path, faults(), Vec::new()).unwrap().add(pair("y")).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            "pair_id,split,ref_path,test_path,group,label\nx,\"a, b\",r,t,,\n\
             y,,r.png,t.png,day 1,scratch|dent\n"
        );
    }

    #[test]
    fn boxes_are_known_of_all_faulty_pairs_or_of_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.csv");
        Appending::open(&path, Label::Conforming, Vec::new()).unwrap().add(pair("a")).unwrap();
        let mut boxes = Appending::open(&path, faults(), boxed()).unwrap();
        boxes.add(pair("b")).unwrap();
        let pairs = open(&path).unwrap();
        assert_eq!(
            (pairs[0].boxes.as_deref(), pairs[1].boxes.clone()),
            (Some(&[][..]), Some(boxed()))
        );
        // One without would say that nothing is wrong anywhere in it.
        assert!(matches!(Appending::open(&path, faults(), vec![]), Err(Error::Boxes { .. })));
        assert!(Appending::open(&path, Label::Conforming, vec![]).is_ok());
        let other = folder.path().join("other.csv");
        Appending::open(&other, faults(), Vec::new()).unwrap().add(pair("a")).unwrap();
        assert!(matches!(Appending::open(&other, faults(), boxed()), Err(Error::Boxes { .. })));
        let absent = folder.path().join("absent.csv");
        let good = Appending::open(&absent, Label::Conforming, boxed());
        assert!(matches!(good, Err(Error::Boxes { .. })) && !absent.exists());
    }

    #[test]
    fn a_pair_that_cannot_be_written_leaves_the_manifest_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/m.csv");
        let mut appending = Appending::open(&path, faults(), Vec::new()).unwrap();
        // A file stands where the folder should be made.
        std::fs::write(folder.path().join("deep"), "").unwrap();
        assert!(matches!(appending.add(pair("a")), Err(Error::File(_))));
        assert!(appending.is_empty());
        std::fs::remove_file(folder.path().join("deep")).unwrap();
        appending.add(pair("a")).unwrap();
        assert_eq!(open(&path).unwrap().len(), 1);
    }
}

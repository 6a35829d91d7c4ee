use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use pairspec::files;
use serde::Deserialize;

use crate::describe::Error;

/// COCO's training captions are 92 MB.
const MAX_BYTES: u64 = 1 << 30;

/// Images and what is said of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captions {
    pub(super) path: PathBuf,
    /// By name, each with at least one caption.
    pub(super) images: Vec<(String, Vec<String>)>,
}

#[derive(Debug, Deserialize)]
struct Coco {
    images: Vec<CocoImage>,
    annotations: Vec<CocoAnnotation>,
}

#[derive(Debug, Deserialize)]
struct CocoImage {
    id: u64,
    file_name: String,
}

#[derive(Debug, Deserialize)]
struct CocoAnnotation {
    image_id: u64,
    caption: String,
}

#[derive(Debug, Deserialize)]
struct Row {
    image: String,
    caption: String,
}

impl Captions {
    /// Reads COCO's captions (`.json`), or rows of `image` and `caption` (`.csv`, `.jsonl`); an image
    /// may have several captions.
    ///
    /// # Errors
    /// [`Error::File`], or [`Error::Entry`] with the first entry that is wrong: an annotation of an
    /// image that is not listed, an empty caption or name.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let text = files::read_text(path, MAX_BYTES)?;
        let rows = match path.extension().and_then(|it| it.to_str()) {
            Some("json") => coco(path, &text)?,
            Some("jsonl") => json_lines(path, &text)?,
            Some("csv") => table(path, &text)?,
            _ => {
                return Err(Error::entry(
                    path,
                    "expected .json (COCO captions), .jsonl or .csv (image, caption)",
                ));
            }
        };
        let mut images: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (place, Row { image, caption }) in rows {
            // One line each, as the prompt needs it.
            let caption = caption.split_whitespace().collect::<Vec<_>>().join(" ");
            let reason = match (image.trim(), caption.as_str()) {
                ("", _) => Some("a caption without an image"),
                (_, "") => Some("an image with an empty caption"),
                // It separates the two names of a pair.
                (name, _) if name.contains('|') => Some("a bar in the name of an image"),
                _ => None,
            };
            if let Some(reason) = reason {
                let (path, reason) = (path.to_owned(), reason.to_owned());
                return Err(Error::Entry { path, place, reason });
            }
            images.entry(image).or_default().push(caption);
        }
        Ok(Self { path: path.to_owned(), images: images.into_iter().collect() })
    }

    /// Names of images in their order, each with its captions.
    pub(crate) fn images(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.images.iter().map(|(name, captions)| (name.as_str(), captions.as_slice()))
    }

    /// How many images have a caption.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether no image has a caption.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// Checks that every captioned image is a file in this folder.
    ///
    /// # Errors
    /// [`Error::Entry`] with how many are not, and the first.
    pub fn check_images(&self, folder: &Path) -> Result<(), Error> {
        let mut absent =
            self.images.iter().map(|(name, _)| name).filter(|name| !folder.join(name).is_file());
        let Some(first) = absent.next() else { return Ok(()) };
        let reason = format!(
            "captions without images: {} of {} are not in {}, the first is {first}",
            absent.count() + 1,
            self.len(),
            folder.display()
        );
        Err(Error::entry(&self.path, reason))
    }
}

type Rows = Vec<(String, Row)>;

fn coco(path: &Path, text: &str) -> Result<Rows, Error> {
    let coco: Coco = serde_json::from_str(text).map_err(|error| {
        Error::entry(path, format!("{error}; expected COCO captions, {{\"images\": [{{\"id\", \"file_name\"}}], \"annotations\": [{{\"image_id\", \"caption\"}}]}}"))
    })?;
    let names: HashMap<u64, String> =
        coco.images.into_iter().map(|image| (image.id, image.file_name)).collect();
    let orphans = coco.annotations.iter().filter(|it| !names.contains_key(&it.image_id));
    let mut orphans = orphans.map(|it| it.image_id);
    if let Some(first) = orphans.next() {
        let count = orphans.count() + 1;
        let reason = format!(
            "captions without images: {count} name an image_id that is not among the images, the first is {first}"
        );
        return Err(Error::entry(path, reason));
    }
    let rows = coco.annotations.into_iter().enumerate().map(|(index, annotation)| {
        let image = names.get(&annotation.image_id).cloned().unwrap_or_default();
        (format!(", annotation {index}"), Row { image, caption: annotation.caption })
    });
    Ok(rows.collect())
}

fn json_lines(path: &Path, text: &str) -> Result<Rows, Error> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            let row =
                serde_json::from_str(line).map_err(|error| Error::line(path, index + 1, error))?;
            Ok((format!(", line {}", index + 1), row))
        })
        .collect()
}

fn table(path: &Path, text: &str) -> Result<Rows, Error> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| Error::entry(path, error))?.clone();
    let records = reader.records().map(|record| {
        let record = record.map_err(|error| Error::entry(path, error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let row = record
            .deserialize(Some(&headers))
            .map_err(|error| Error::entry(path, format!("{error}; expected image,caption")))?;
        Ok((format!(", line {line}"), row))
    });
    records.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod unit {
    use super::*;

    fn opened(name: &str, text: &str) -> Result<Captions, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Captions::open(&path)
    }

    const COCO: &str = r#"{"info": {"year": 2017},
        "images": [{"id": 9, "file_name": "9.jpg", "height": 4}, {"id": 2, "file_name": "2.jpg"}, {"id": 5, "file_name": "5.jpg"}],
        "annotations": [{"id": 1, "image_id": 9, "caption": "A dog\n runs. "}, {"image_id": 2, "caption": "A cat"}, {"image_id": 9, "caption": "A dog"}]}"#;

    #[test]
    fn all_formats_give_the_same_images_by_name() {
        let expected = [
            ("2.jpg".to_owned(), vec!["A cat".to_owned()]),
            ("9.jpg".to_owned(), vec!["A dog runs.".to_owned(), "A dog".to_owned()]),
        ];
        let lines = "{\"image\":\"9.jpg\",\"caption\":\"A dog runs.\"}\n\n{\"image\":\"9.jpg\",\"caption\":\"A dog\"}\n\
                     {\"image\":\"2.jpg\",\"caption\":\"A cat\"}\n";
        let table = "caption,image\n\"A dog\nruns.\",9.jpg\nA dog,9.jpg\nA cat,2.jpg\n";
        for (name, text) in [("c.json", COCO), ("c.jsonl", lines), ("c.csv", table)] {
            assert_eq!(opened(name, text).unwrap().images, expected, "{name}");
        }
    }

    #[test]
    fn wrong_captions_are_named() {
        for (name, text, fact) in [
            (
                "c.json",
                COCO.replace("\"image_id\": 2", "\"image_id\": 7"),
                "captions without images: 1 name",
            ),
            ("c.json", COCO.replace("A cat", " "), "annotation 1: an image with an empty caption"),
            ("c.json", COCO[..60].to_owned(), "expected COCO captions"),
            ("c.json", "[]".to_owned(), "expected COCO captions"),
            ("c.jsonl", "{\"image\":\"a\",\"caption\":\"b\"}\n{\"image\":".to_owned(), "line 2"),
            ("c.csv", "image,caption\n,a dog\n".to_owned(), "line 2: a caption without an image"),
            ("c.csv", "image,text\na,b\n".to_owned(), "expected image,caption"),
            ("c.txt", String::new(), "expected .json"),
        ] {
            let message = opened(name, &text).unwrap_err().to_string();
            assert!(message.contains(name) && message.contains(fact), "{message}");
        }
    }

    #[test]
    fn absent_images_are_counted() {
        let captions = opened("c.json", COCO).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("2.jpg"), "").unwrap();
        let message = captions.check_images(folder.path()).unwrap_err().to_string();
        assert!(message.contains("1 of 2") && message.ends_with("9.jpg"), "{message}");
        std::fs::write(folder.path().join("9.jpg"), "").unwrap();
        captions.check_images(folder.path()).unwrap();
    }
}

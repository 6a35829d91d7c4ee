use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tract_onnx::pb::ModelProto;

use super::manifest::FileRecord;
use super::{FileName, Manifest};
use crate::clip::onnx::{check_model, decode_stream};
use crate::clip::{Error, Tokenizer};
use crate::files::{self, Summed};
use crate::frame::Preprocess;

/// Enough for a training vocabulary of a million words.
const MAX_MANIFEST_BYTES: u64 = 32 << 20;
/// A file that grew by so much is still read, to say that it was altered.
const LEAST_LIMIT: u64 = 1 << 20;

/// An opened bundle: its manifest is checked, its files are not read yet.
#[derive(Debug, Clone)]
pub struct Bundle {
    folder: PathBuf,
    manifest: Manifest,
}

/// Which of a tower's two files to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// fp32 arithmetic; weights may be stored in fp16.
    Fp32,
    /// int8 linear layers.
    Int8,
}

impl Bundle {
    /// The manifest's name in every bundle.
    pub const MANIFEST: &str = "bundle.toml";

    /// Opens the bundle in a directory.
    ///
    /// # Errors
    /// [`Error::Missing`] without `bundle.toml`, [`Error::File`], and those of
    /// [`Manifest::from_toml`].
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(Self::MANIFEST);
        if !path.is_file() {
            return Err(Error::Missing {
                path: folder.to_owned(),
                file: Self::MANIFEST.to_owned(),
                advice: "is this a bundle? `pairspec model import` makes one",
            });
        }
        let text = files::read_text(&path, MAX_MANIFEST_BYTES)?;
        let manifest = Manifest::from_toml(&text, &path.display().to_string())?;
        Ok(Self { folder: folder.to_owned(), manifest })
    }

    /// What `bundle.toml` says.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its directory.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a file of it lies.
    pub fn path(&self, file: FileName) -> PathBuf {
        self.folder.join(file.as_str())
    }

    /// Whether it has this file.
    pub fn has(&self, file: FileName) -> bool {
        self.manifest.files.contains_key(&file)
    }

    /// The SHA-256 that a file of it must have.
    pub fn sha256(&self, file: FileName) -> Option<&str> {
        self.manifest.files.get(&file).map(|record| record.sha256.as_str())
    }

    /// The image tower of a precision; with none given int8 where there is one, else fp32.
    ///
    /// # Errors
    /// [`Error::Missing`].
    pub fn vision_file(&self, precision: Option<Precision>) -> Result<FileName, Error> {
        self.choose(precision, FileName::Vision, FileName::VisionInt8)
    }

    /// The text tower of a precision; with none given fp32 where there is one, else int8: texts
    /// are embedded once and cached, so speed is not worth accuracy.
    ///
    /// # Errors
    /// [`Error::Missing`].
    pub fn text_file(&self, precision: Option<Precision>) -> Result<FileName, Error> {
        let precision = precision.or(self.has(FileName::Text).then_some(Precision::Fp32));
        self.choose(precision, FileName::Text, FileName::TextInt8)
    }

    fn choose(
        &self,
        precision: Option<Precision>,
        fp32: FileName,
        int8: FileName,
    ) -> Result<FileName, Error> {
        let file = match precision {
            Some(Precision::Fp32) => fp32,
            Some(Precision::Int8) => int8,
            None if self.has(int8) => int8,
            None => fp32,
        };
        if self.has(file) {
            return Ok(file);
        }
        let advice = match file.is_int8() {
            true => "`pairspec quantize` makes it",
            false => "choose another precision, or import a model with this tower",
        };
        Err(self.missing(file, advice))
    }

    /// Reads a file and compares its sum with the manifest.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Altered`] and [`Error::File`].
    pub fn read(&self, file: FileName) -> Result<Vec<u8>, Error> {
        let record = self.record(file)?;
        let path = self.path(file);
        let content = files::read(&path, record.bytes.max(LEAST_LIMIT))?;
        unaltered(path, record, files::sha256(&content))?;
        Ok(content)
    }

    /// Decodes a model file as it is read, verifies and checks it.
    ///
    /// Returned with it: the time for reading and decoding, and that for sum and checks.
    ///
    /// # Errors
    /// Those of [`Bundle::read`] and of [`parse_model`](crate::clip::onnx::parse_model).
    pub fn model(&self, file: FileName) -> Result<(ModelProto, [Duration; 2]), Error> {
        let record = self.record(file)?;
        let path = self.path(file);
        let started = Instant::now();
        let mut content = Summed::open(&path, record.bytes.max(LEAST_LIMIT))?;
        let bytes = content.size();
        let decoded = decode_stream(&mut content, bytes);
        let (sum, summing) = content.finish()?;
        let read = started.elapsed().saturating_sub(summing);
        let origin = path.display().to_string();
        // A file that is not the recorded one is told as that, whatever it holds.
        unaltered(path, record, sum)?;
        let model = decoded
            .map_err(|error| Error::Onnx { origin: origin.clone(), reason: error.to_string() })?;
        check_model(&model, &origin)?;
        Ok((model, [read, started.elapsed().saturating_sub(read)]))
    }

    fn record(&self, file: FileName) -> Result<&FileRecord, Error> {
        let missing = || self.missing(file, "choose another bundle");
        self.manifest.files.get(&file).ok_or_else(missing)
    }

    /// The tokenizer.
    ///
    /// # Errors
    /// Those of [`Bundle::read`], and [`Error::Tokenizer`].
    pub fn tokenizer(&self) -> Result<Tokenizer, Error> {
        let content = self.read(FileName::Tokenizer)?;
        let origin = self.path(FileName::Tokenizer).display().to_string();
        Ok(Tokenizer::from_bundle_json(&content, &origin)?)
    }

    /// How frames become pixels.
    ///
    /// # Errors
    /// Those of [`Bundle::read`], [`Error::Frame`], and [`Error::Manifest`] when it gives another
    /// size than the image tower takes.
    pub fn preprocess(&self) -> Result<Preprocess, Error> {
        let content = self.read(FileName::Preprocessor)?;
        let origin = self.path(FileName::Preprocessor).display().to_string();
        let preprocess = Preprocess::from_json(&content, &origin)?;
        let edge = self.manifest.vision.as_ref().map_or(0, |sizes| sizes.image) as u32;
        if preprocess.size() == (edge, edge) {
            return Ok(preprocess);
        }
        let (width, height) = preprocess.size();
        Err(Error::Manifest {
            origin,
            key: "crop_size".to_owned(),
            reason: format!("{width}x{height} pixels, the image tower takes {edge}x{edge}"),
        })
    }

    fn missing(&self, file: FileName, advice: &'static str) -> Error {
        Error::Missing { path: self.folder.clone(), file: file.to_string(), advice }
    }
}

/// Refuses a file whose sum is not the recorded one.
fn unaltered(path: PathBuf, record: &FileRecord, found: String) -> Result<(), Error> {
    if found == record.sha256 {
        return Ok(());
    }
    Err(Error::Altered { path, expected: record.sha256.clone(), found })
}

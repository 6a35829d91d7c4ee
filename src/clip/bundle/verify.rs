use super::parity::{check_text, check_vision};
use super::{Bundle, FileName, ParityVector};
use crate::clip::{Error, ImageEncoder, TextEncoder};

/// One thing that was checked.
#[derive(Debug)]
pub struct Check {
    /// The file.
    pub file: FileName,
    /// What about it: "sum", "parity".
    pub what: &'static str,
    /// The fact found, or why it failed.
    pub outcome: Result<String, Error>,
}

impl Bundle {
    /// Checks everything: sums of all files, shapes, and on this machine the parity vectors of
    /// every model.
    ///
    /// A failed check does not stop the others.
    pub fn verify(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        for &file in self.manifest().files.keys() {
            let sum = self.read(file).map(|content| format!("{} bytes", content.len()));
            let sound = sum.is_ok();
            checks.push(Check { file, what: "sum", outcome: sum });
            if sound {
                checks.push(self.verify_content(file));
            }
        }
        checks
    }

    /// Runs a model's parity vectors, as a station does once when it starts.
    ///
    /// # Errors
    /// [`Error::Parity`], [`Error::Manifest`] when there is none, and those of the encoders.
    pub fn check_parity(&self, file: FileName) -> Result<usize, Error> {
        let vectors: Vec<&ParityVector> =
            self.manifest().parity.iter().filter(|vector| vector.file == file).collect();
        if vectors.is_empty() {
            return Err(Error::Manifest {
                origin: self.folder().join(Self::MANIFEST).display().to_string(),
                key: "parity".to_owned(),
                reason: format!("no vector for {file}, so nothing shows that it runs as it should"),
            });
        }
        match file.is_vision() {
            true => check_vision(&ImageEncoder::open_file(self, file)?, &vectors)?,
            false => check_text(&TextEncoder::open_file(self, file)?, &vectors)?,
        }
        Ok(vectors.len())
    }

    fn verify_content(&self, file: FileName) -> Check {
        let (what, outcome) = match file {
            FileName::Tokenizer => {
                ("content", self.tokenizer().map(|tokens| format!("{} ids", tokens.id_bound())))
            }
            FileName::Preprocessor => {
                let size = |(width, height)| format!("{width}x{height} pixels");
                ("content", self.preprocess().map(|steps| size(steps.size())))
            }
            model => {
                ("parity", self.check_parity(model).map(|count| format!("{count} vectors agree")))
            }
        };
        Check { file, what, outcome }
    }
}

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Error, Prompt};
use crate::files;

const MAGIC: &[u8; 8] = b"PSPCACH1";
const SUM_BYTES: usize = 64;
const MAX_BYTES: u64 = 64 << 20;
/// The widest CLIP in use projects to 1280 values.
const MAX_DIMENSION: usize = 16_384;

/// Text embeddings of one sheet or class list, tied to what they were made from.
///
/// The file: 8 bytes magic, `u32` length of the header, the header as JSON, the vectors as
/// little-endian `f32` row by row, and the SHA-256 sum of all before it in hexadecimal.
#[derive(Debug, Clone, PartialEq)]
pub struct Cache {
    header: Header,
    vectors: Vec<f32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    text_sha256: String,
    tokenizer_sha256: String,
    prompts_sha256: String,
    ids: Vec<String>,
    dimension: usize,
}

impl Cache {
    /// Ties unit vectors, one per prompt and of equal length, to their prompts and to the SHA-256
    /// sums of the text tower and tokenizer that made them.
    ///
    /// # Errors
    /// [`Error::Cache`] when the vectors are not one per prompt, of one length, and finite.
    pub fn new(
        prompts: &[&Prompt],
        vectors: &[Vec<f32>],
        [text_sha256, tokenizer_sha256]: [String; 2],
    ) -> Result<Self, Error> {
        let dimension = vectors.first().map_or(0, Vec::len);
        let header = Header {
            text_sha256,
            tokenizer_sha256,
            prompts_sha256: Prompt::digest(prompts),
            ids: prompts.iter().map(|prompt| prompt.id.clone()).collect(),
            dimension,
        };
        if vectors.len() != prompts.len() || vectors.iter().any(|vector| vector.len() != dimension)
        {
            return Err(wrong("new cache", "the vectors are not one of equal length per prompt"));
        }
        let cache = Self { header, vectors: vectors.concat() };
        cache.check("new cache")?;
        Ok(cache)
    }

    /// Reads a cache file.
    ///
    /// # Errors
    /// [`Error::File`], or [`Error::Cache`] when it is foreign, cut or altered.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::parse(&files::read(path, MAX_BYTES)?, &path.display().to_string())
    }

    /// Reads a cache from bytes; `path` names it in messages.
    ///
    /// # Errors
    /// [`Error::Cache`].
    pub fn parse(bytes: &[u8], path: &str) -> Result<Self, Error> {
        let rest = bytes
            .strip_prefix(MAGIC)
            .ok_or_else(|| wrong(path, "not a cache of spec embeddings"))?;
        let cut = || wrong(path, "cut short");
        let content_len = bytes.len().checked_sub(SUM_BYTES).ok_or_else(cut)?;
        let (content, sum) = bytes.split_at(content_len);
        if files::sha256(content).as_bytes() != sum {
            return Err(wrong(path, "cut or altered: its sum does not fit its content"));
        }
        let (length, rest) =
            rest[..rest.len() - SUM_BYTES].split_first_chunk::<4>().ok_or_else(cut)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (header, values) = rest.split_at_checked(length).ok_or_else(cut)?;
        let header: Header = serde_json::from_slice(header)
            .map_err(|error| wrong(path, &format!("unreadable header: {error}")))?;
        let (values, tail) = values.as_chunks::<4>();
        if !tail.is_empty() {
            return Err(cut());
        }
        let vectors = values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let cache = Self { header, vectors };
        cache.check(path)?;
        Ok(cache)
    }

    /// Writes the cache whole or not at all.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        Ok(files::write(path, &self.to_bytes())?)
    }

    /// The bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Only strings and integers are inside, which serde_json always writes.
        let header = serde_json::to_vec(&self.header).unwrap_or_default();
        let mut bytes = MAGIC.to_vec();
        bytes.extend((header.len() as u32).to_le_bytes());
        bytes.extend(header);
        bytes.extend(self.vectors.iter().flat_map(|value| value.to_le_bytes()));
        let sum = files::sha256(&bytes);
        bytes.extend(sum.as_bytes());
        bytes
    }

    /// The unit vectors for exactly these prompts, in their order.
    ///
    /// # Errors
    /// [`Error::Cache`] when the cache was made from other sentences.
    pub fn vectors_for(&self, prompts: &[&Prompt], path: &str) -> Result<Vec<Vec<f32>>, Error> {
        if Prompt::digest(prompts) != self.header.prompts_sha256 {
            return Err(wrong(path, "made from other sentences than the sheet has now"));
        }
        Ok(self.vectors.chunks(self.header.dimension).map(<[f32]>::to_vec).collect())
    }

    /// Refuses a bundle other than the one the cache was made with.
    ///
    /// # Errors
    /// [`Error::Cache`] naming the tower or tokenizer that differs.
    pub fn check_model(
        &self,
        [text_sha256, tokenizer_sha256]: [&str; 2],
        path: &str,
    ) -> Result<(), Error> {
        for (what, made_with, found) in [
            ("text tower", &self.header.text_sha256, text_sha256),
            ("tokenizer", &self.header.tokenizer_sha256, tokenizer_sha256),
        ] {
            if made_with != found {
                let reason = format!(
                    "made with another model: {what} {}, the bundle has {}",
                    short(made_with),
                    short(found)
                );
                return Err(wrong(path, &reason));
            }
        }
        Ok(())
    }

    /// Values per vector; equals the model's projection size.
    pub fn dimension(&self) -> usize {
        self.header.dimension
    }

    /// The ids of the prompts, in order.
    pub fn ids(&self) -> &[String] {
        &self.header.ids
    }

    /// The SHA-256 sum of the text tower's file the vectors were made with.
    pub fn text_sha256(&self) -> &str {
        &self.header.text_sha256
    }

    fn check(&self, path: &str) -> Result<(), Error> {
        let Header { ids, dimension, .. } = &self.header;
        if !(1..=MAX_DIMENSION).contains(dimension) {
            return Err(wrong(
                path,
                &format!("dimension {dimension}, expected 1 to {MAX_DIMENSION}"),
            ));
        }
        if ids.len().checked_mul(*dimension) != Some(self.vectors.len()) || ids.is_empty() {
            let found = self.vectors.len();
            let reason = format!("{found} values, expected {} sentences of {dimension}", ids.len());
            return Err(wrong(path, &reason));
        }
        for (id, vector) in ids.iter().zip(self.vectors.chunks(*dimension)) {
            let norm = crate::diff::dot(vector, vector).sqrt();
            if !(0.999..=1.001).contains(&norm) {
                return Err(wrong(
                    path,
                    &format!("the vector of {id:?} has length {norm}, expected 1"),
                ));
            }
        }
        Ok(())
    }
}

fn wrong(path: &str, reason: &str) -> Error {
    Error::Cache { path: path.to_owned(), reason: reason.to_owned() }
}

fn short(sum: &str) -> &str {
    sum.get(..12).unwrap_or(sum)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn prompts() -> [Prompt; 2] {
        ["open", "short"].map(|id| Prompt {
            id: id.to_owned(),
            sentences: vec![format!("{id} circuit")],
            comparative: None,
        })
    }

    fn cache() -> Cache {
        let [open, short] = &prompts();
        let vectors = [vec![1.0, 0.0, 0.0], vec![0.0, 0.6, 0.8]];
        Cache::new(&[open, short], &vectors, ["t".into(), "k".into()]).unwrap()
    }

    #[test]
    fn a_cache_comes_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("specs.cache");
        cache().save(&path).unwrap();
        let read = Cache::open(&path).unwrap();
        assert_eq!(read, cache());
        let [open, short] = &prompts();
        assert_eq!(read.vectors_for(&[open, short], "c").unwrap()[1], [0.0, 0.6, 0.8]);
    }

    #[test]
    fn every_cut_and_every_altered_byte_is_noticed() {
        let bytes = cache().to_bytes();
        for end in 0..bytes.len() {
            assert!(Cache::parse(&bytes[..end], "c").is_err(), "cut at {end}");
            let mut altered = bytes.clone();
            altered[end] ^= 1;
            assert!(Cache::parse(&altered, "c").is_err(), "altered at {end}");
        }
    }

    #[test]
    fn other_sentences_and_other_models_are_refused() {
        let [open, mut short] = prompts();
        short.sentences[0].push('s');
        assert!(cache().vectors_for(&[&open, &short], "c").is_err());
        assert!(cache().check_model(["t", "k"], "c").is_ok());
        let message = cache().check_model(["t", "other"], "c").unwrap_err().to_string();
        assert!(message.contains("tokenizer") && message.contains("specs embed"), "{message}");
        assert!(cache().check_model(["other", "k"], "c").is_err());
    }

    #[test]
    fn vectors_must_be_unit_and_one_per_prompt() {
        let [open, short] = &prompts();
        let sums = || ["t".to_owned(), "k".to_owned()];
        for vectors in [
            vec![vec![1.0, 0.0]],
            vec![vec![1.0, 0.0], vec![1.0]],
            vec![vec![1.0, 0.0], vec![f32::NAN, 0.0]],
            vec![vec![1.0, 0.0], vec![2.0, 0.0]],
            vec![vec![], vec![]],
        ] {
            assert!(Cache::new(&[open, short], &vectors, sums()).is_err(), "{vectors:?}");
        }
    }
}

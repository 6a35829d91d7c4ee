use std::collections::HashMap;

use serde::Deserialize;
use tokenizers::models::bpe::BPE;
use tokenizers::normalizers::{Lowercase, NFC, Replace, replace::ReplacePattern};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::processors::roberta::RobertaProcessing;
use tokenizers::tokenizer::SplitDelimiterBehavior;
use tokenizers::{AddedToken, NormalizerWrapper, PreTokenizerWrapper, normalizers, pre_tokenizers};

/// The token before every text.
const START: &str = "<|startoftext|>";
/// The token after every text, and for what the vocabulary lacks.
const END: &str = "<|endoftext|>";
/// Marks a token that ends a word.
const END_OF_WORD: &str = "</w>";
/// How CLIP splits text into words, before byte pairs (`CLIPTokenizer` of transformers).
const WORDS: &str =
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

/// CLIP's text tokenizer: byte-level BPE between a start and an end token.
///
/// The ids are those of Hugging Face's `CLIPTokenizerFast`.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    start: u32,
    end: u32,
}

/// Why there is no tokenizer, or no ids.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenizerError {
    /// Cut, altered or foreign.
    #[error("{name}: not a tokenizer file: {reason}")]
    Malformed {
        /// The file.
        name: String,
        /// What the parser said.
        reason: String,
    },
    /// Well formed, but not what a CLIP text tower was trained with.
    #[error("{name}: not a CLIP tokenizer: {reason}")]
    NotClip {
        /// The file.
        name: String,
        /// The part and what it says.
        reason: String,
    },
    /// No room for start and end.
    #[error("context length {context_length}: at least 2 tokens are needed, start and end")]
    ContextLength {
        /// What was asked for.
        context_length: usize,
    },
    /// The vocabulary cannot express the text.
    #[error("text {text:?} cannot be tokenized: {reason}")]
    Text {
        /// Its beginning.
        text: String,
        /// What the tokenizer said.
        reason: String,
    },
}

impl Tokenizer {
    /// Reads a `tokenizer.json`; `name` names it in messages.
    ///
    /// Truncation and padding settings of the file are dropped.
    ///
    /// # Errors
    /// [`TokenizerError::Malformed`] and [`TokenizerError::NotClip`].
    pub fn from_bundle_json(bytes: &[u8], name: &str) -> Result<Self, TokenizerError> {
        let malformed =
            |reason: String| TokenizerError::Malformed { name: name.to_owned(), reason };
        let not_clip = |reason: String| TokenizerError::NotClip { name: name.to_owned(), reason };
        let outline: Outline =
            serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
        let (start, end) = outline.start_and_end().map_err(not_clip)?;
        let mut inner = tokenizers::Tokenizer::from_bytes(bytes)
            .map_err(|error| malformed(error.to_string()))?;
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|error| malformed(error.to_string()))?;
        Self::finish(inner, start, end).map_err(not_clip)
    }

    /// Builds what `CLIPTokenizerFast` builds from `vocab.json` and `merges.txt`; `name` names
    /// them in messages.
    ///
    /// # Errors
    /// [`TokenizerError::Malformed`] and [`TokenizerError::NotClip`].
    pub fn from_vocab_and_merges(
        vocab: &[u8],
        merges: &[u8],
        name: &str,
    ) -> Result<Self, TokenizerError> {
        let malformed =
            |reason: String| TokenizerError::Malformed { name: name.to_owned(), reason };
        let vocab: HashMap<String, u32> =
            serde_json::from_slice(vocab).map_err(|error| malformed(error.to_string()))?;
        let merges = parse_merges(merges).map_err(malformed)?;
        let id = |token: &str| {
            let reason = format!("the vocabulary lacks {token}");
            let missing = TokenizerError::NotClip { name: name.to_owned(), reason };
            vocab.get(token).copied().ok_or(missing)
        };
        let (start, end) = ((START.to_owned(), id(START)?), (END.to_owned(), id(END)?));
        let vocab: Vec<(String, u32)> = vocab.into_iter().collect();
        let model = BPE::builder()
            .vocab_and_merges(vocab.into_iter().collect::<tokenizers::models::bpe::Vocab>(), merges)
            .continuing_subword_prefix(String::new())
            .end_of_word_suffix(END_OF_WORD.to_owned())
            .unk_token(END.to_owned())
            .build()
            .map_err(|error| malformed(error.to_string()))?;
        let mut inner = tokenizers::Tokenizer::new(model);
        dress(&mut inner).map_err(|error| malformed(error.to_string()))?;
        Self::finish(inner, start, end)
            .map_err(|reason| TokenizerError::NotClip { name: name.to_owned(), reason })
    }

    fn finish(
        mut inner: tokenizers::Tokenizer,
        start: (String, u32),
        end: (String, u32),
    ) -> Result<Self, String> {
        for (token, id) in [&start, &end] {
            if inner.token_to_id(token) != Some(*id) {
                return Err(format!("the vocabulary has no {token:?} with id {id}"));
            }
        }
        let (start_id, end_id) = (start.1, end.1);
        let processor =
            RobertaProcessing::new(end, start).trim_offsets(false).add_prefix_space(false);
        inner.with_post_processor(Some(processor));
        Ok(Self { inner, start: start_id, end: end_id })
    }

    /// The `tokenizer.json` that [`Tokenizer::from_bundle_json`] and transformers read back.
    ///
    /// # Errors
    /// [`TokenizerError::Malformed`] when the vocabulary contradicts itself.
    pub fn to_json(&self) -> Result<String, TokenizerError> {
        self.inner.to_string(false).map_err(|error| TokenizerError::Malformed {
            name: "tokenizer.json".to_owned(),
            reason: error.to_string(),
        })
    }

    /// The ids of `text` between start and end, at most `context_length`; not padded.
    ///
    /// A longer text loses its last tokens; the end token stays.
    ///
    /// # Errors
    /// [`TokenizerError::ContextLength`] below 2, and [`TokenizerError::Text`].
    pub fn encode(&self, text: &str, context_length: usize) -> Result<Vec<u32>, TokenizerError> {
        if context_length < 2 {
            return Err(TokenizerError::ContextLength { context_length });
        }
        let encoding =
            self.inner.encode_fast(text, false).map_err(|error| TokenizerError::Text {
                text: text.chars().take(60).collect(),
                reason: error.to_string(),
            })?;
        let content = encoding.get_ids().iter().copied().take(context_length - 2);
        Ok(std::iter::once(self.start).chain(content).chain([self.end]).collect())
    }

    /// The id before every text.
    pub fn start_id(&self) -> u32 {
        self.start
    }

    /// The id after every text.
    pub fn end_id(&self) -> u32 {
        self.end
    }

    /// One more than the largest id: the rows that the token embedding must have.
    pub fn id_bound(&self) -> usize {
        let vocabulary = self.inner.get_vocab(true);
        vocabulary.values().max().map_or(0, |id| *id as usize + 1)
    }
}

/// Normalizer, pre-tokenizer, decoder and special tokens of `CLIPTokenizer`.
fn dress(inner: &mut tokenizers::Tokenizer) -> tokenizers::Result<()> {
    let spaces = Replace::new(ReplacePattern::Regex(r"\s+".to_owned()), " ")?;
    let normalizer: Vec<NormalizerWrapper> = vec![NFC.into(), spaces.into(), Lowercase.into()];
    inner.with_normalizer(Some(normalizers::Sequence::new(normalizer)))?;
    let words =
        Split::new(SplitPattern::Regex(WORDS.to_owned()), SplitDelimiterBehavior::Removed, true)?;
    let bytes = ByteLevel::default().add_prefix_space(false);
    let splitters: Vec<PreTokenizerWrapper> = vec![words.into(), bytes.into()];
    inner.with_pre_tokenizer(Some(pre_tokenizers::sequence::Sequence::new(splitters)));
    inner.with_decoder(Some(ByteLevel::default()));
    inner.add_special_tokens([AddedToken::from(START, true), AddedToken::from(END, true)])?;
    Ok(())
}

/// Lines of two tokens, after an optional `#version` line.
fn parse_merges(merges: &[u8]) -> Result<Vec<(String, String)>, String> {
    let text = std::str::from_utf8(merges).map_err(|error| format!("merges: {error}"))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with("#version"));
    lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| match line.split(' ').collect::<Vec<_>>()[..] {
            [left, right] => Ok((left.to_owned(), right.to_owned())),
            _ => Err(format!("merges line {}: two tokens are expected", number + 1)),
        })
        .collect()
}

/// What of a `tokenizer.json` is checked before the rest is believed.
#[derive(Deserialize)]
struct Outline {
    model: ModelOutline,
    pre_tokenizer: Option<Kind>,
    post_processor: Option<PostProcessor>,
}

#[derive(Deserialize)]
struct Kind {
    r#type: String,
}

#[derive(Deserialize)]
struct ModelOutline {
    r#type: Option<String>,
    dropout: Option<f32>,
    continuing_subword_prefix: Option<String>,
}

/// The two forms in which CLIP's start and end tokens are written.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum PostProcessor {
    RobertaProcessing {
        sep: (String, u32),
        cls: (String, u32),
    },
    TemplateProcessing {
        single: Vec<Piece>,
        special_tokens: HashMap<String, SpecialToken>,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
enum Piece {
    SpecialToken { id: String },
    Sequence {},
}

#[derive(Deserialize)]
struct SpecialToken {
    ids: Vec<u32>,
}

type TokenAndId = (String, u32);

impl Outline {
    fn start_and_end(self) -> Result<(TokenAndId, TokenAndId), String> {
        if self.model.r#type.as_deref().is_some_and(|kind| kind != "BPE") {
            return Err("model: BPE is expected".to_owned());
        }
        if self.model.dropout.is_some_and(|dropout| dropout != 0.0) {
            return Err("model.dropout makes ids random; null is expected".to_owned());
        }
        if self.model.continuing_subword_prefix.is_some_and(|prefix| !prefix.is_empty()) {
            return Err("model.continuing_subword_prefix: none is expected".to_owned());
        }
        if self.pre_tokenizer.is_none_or(|splitter| splitter.r#type != "Sequence") {
            let reason = "pre_tokenizer: a Sequence is expected (files from before transformers \
                4.17 differ; use vocab.json and merges.txt)";
            return Err(reason.to_owned());
        }
        match self.post_processor {
            Some(PostProcessor::RobertaProcessing { sep, cls }) => Ok((cls, sep)),
            Some(PostProcessor::TemplateProcessing { single, special_tokens }) => {
                template(&single, &special_tokens)
            }
            _ => Err("post_processor: RobertaProcessing or TemplateProcessing is expected".into()),
        }
    }
}

fn template(
    single: &[Piece],
    special_tokens: &HashMap<String, SpecialToken>,
) -> Result<(TokenAndId, TokenAndId), String> {
    let [Piece::SpecialToken { id: start }, Piece::Sequence {}, Piece::SpecialToken { id: end }] =
        single
    else {
        return Err("post_processor.single: start, text, end are expected".to_owned());
    };
    let id = |token: &String| match special_tokens.get(token).map(|token| &token.ids[..]) {
        Some([id]) => Ok((token.clone(), *id)),
        _ => Err(format!("post_processor.special_tokens: one id for {token:?} is expected")),
    };
    Ok((id(start)?, id(end)?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn golden(file: &str) -> Vec<u8> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tokenizer");
        std::fs::read(folder.join(file)).unwrap()
    }

    #[test]
    fn ids_agree_with_transformers() {
        let a = Tokenizer::from_bundle_json(&golden("tokenizer.json"), "t").unwrap();
        let b = Tokenizer::from_vocab_and_merges(&golden("vocab.json"), &golden("merges.txt"), "v")
            .unwrap();
        let texts: Vec<(usize, String, Vec<u32>)> =
            serde_json::from_slice(&golden("texts.json")).unwrap();
        let mut bad = 0;
        for (context, text, ids) in texts {
            for t in [&a, &b] {
                let found = t.encode(&text, context).unwrap();
                if found != ids {
                    bad += 1;
                    eprintln!("{text:?}: {found:?} {ids:?}");
                }
            }
        }
        assert_eq!(bad, 0);
        assert_eq!(a.to_json().unwrap(), b.to_json().unwrap());
    }
}

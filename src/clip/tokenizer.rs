use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::replace::ReplacePattern;
use tokenizers::normalizers::{self, Lowercase, NFC, Replace};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::processors::roberta::RobertaProcessing;
use tokenizers::tokenizer::SplitDelimiterBehavior;
use tokenizers::{NormalizerWrapper, PreTokenizerWrapper};

use super::tokenizer_file::{self, END_OF_WORD, Parts, SPACES, WORDS};

/// CLIP's text tokenizer: byte-level BPE of lower-cased text between a start and an end token.
///
/// The ids are those of Hugging Face's `CLIPTokenizerFast`.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    start: u32,
    end: u32,
    id_bound: usize,
}

/// Why there is no tokenizer, or no ids.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenizerError {
    /// Cut, altered, foreign, or not what a CLIP text tower is trained with.
    #[error("{name}: not a CLIP tokenizer: {reason}")]
    File {
        /// The file.
        name: String,
        /// The part of it, what it says and what is expected.
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
    /// Its vocabulary, merges, added tokens and start and end tokens are taken over; normalizer
    /// and pre-tokenizer must be CLIP's; truncation and padding settings are dropped.
    ///
    /// # Errors
    /// [`TokenizerError::File`].
    pub fn from_bundle_json(bytes: &[u8], name: &str) -> Result<Self, TokenizerError> {
        let parts = tokenizer_file::from_json(bytes);
        parts
            .and_then(Self::assemble)
            .map_err(|reason| TokenizerError::File { name: name.to_owned(), reason })
    }

    /// Builds what `CLIPTokenizerFast` builds from `vocab.json` and `merges.txt`; `name` names
    /// them in messages.
    ///
    /// # Errors
    /// [`TokenizerError::File`].
    pub fn from_vocab_and_merges(
        vocab: &[u8],
        merges: &[u8],
        name: &str,
    ) -> Result<Self, TokenizerError> {
        let parts = tokenizer_file::from_vocab_and_merges(vocab, merges);
        parts
            .and_then(Self::assemble)
            .map_err(|reason| TokenizerError::File { name: name.to_owned(), reason })
    }

    fn assemble(parts: Parts) -> Result<Self, String> {
        let id_bound = parts.id_bound();
        let (start, end) = (parts.start.1, parts.end.1);
        let inner = inner(parts).map_err(|error| error.to_string())?;
        Ok(Self { inner, start, end, id_bound })
    }

    /// The `tokenizer.json` that [`Tokenizer::from_bundle_json`] and transformers read back.
    ///
    /// # Errors
    /// [`TokenizerError::File`], which no tokenizer made here has been seen to give.
    pub fn to_json(&self) -> Result<String, TokenizerError> {
        self.inner.to_string(false).map_err(|error| TokenizerError::File {
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

    /// One more than the largest id: the rows that the token embedding must have at least.
    pub fn id_bound(&self) -> usize {
        self.id_bound
    }
}

/// Puts together what `CLIPTokenizer` of transformers does, around the given vocabulary.
fn inner(parts: Parts) -> tokenizers::Result<tokenizers::Tokenizer> {
    let Parts { vocab, merges, unknown, added, start, end } = parts;
    let model = BPE::builder()
        .vocab_and_merges(vocab.into_iter().collect::<Vocab>(), merges)
        .continuing_subword_prefix(String::new())
        .end_of_word_suffix(END_OF_WORD.to_owned())
        .unk_token(unknown)
        .build()?;
    let mut inner = tokenizers::Tokenizer::new(model);

    let spaces = Replace::new(ReplacePattern::Regex(SPACES.to_owned()), " ")?;
    let normalizers: Vec<NormalizerWrapper> = vec![NFC.into(), spaces.into(), Lowercase.into()];
    inner.with_normalizer(Some(normalizers::Sequence::new(normalizers)))?;

    let words = SplitPattern::Regex(WORDS[0].to_owned());
    let words = Split::new(words, SplitDelimiterBehavior::Removed, true)?;
    let bytes = ByteLevel::default().add_prefix_space(false);
    let splitters: Vec<PreTokenizerWrapper> = vec![words.into(), bytes.into()];
    inner.with_pre_tokenizer(Some(sequence::Sequence::new(splitters)));

    let processor = RobertaProcessing::new(end, start).trim_offsets(false).add_prefix_space(false);
    inner.with_post_processor(Some(processor));
    inner.with_decoder(Some(ByteLevel::default()));

    let ids: Vec<(String, u32)> =
        added.iter().map(|added| (added.token.content.clone(), added.id)).collect();
    inner.add_tokens(added.into_iter().map(|added| added.token))?;
    for (token, id) in ids {
        if inner.token_to_id(&token) != Some(id) {
            return Err(format!("added_tokens: {token:?} cannot have the id {id}").into());
        }
    }
    Ok(inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::PathBuf;

    use serde_json::{Value, json};

    use super::*;
    use crate::mutation::{cuts, mutations};

    fn golden(file: &str) -> Vec<u8> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tokenizer");
        std::fs::read(folder.join(file)).unwrap()
    }

    /// The golden tokenizer with 30 of its merges, as transformers 5 writes it.
    fn small() -> Value {
        let mut file: Value = serde_json::from_slice(&golden("tokenizer.json")).unwrap();
        let merges = file["model"]["merges"].as_array_mut().unwrap();
        merges.truncate(30);
        let made: Vec<String> = merges
            .iter()
            .map(|pair| format!("{}{}", pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
            .collect();
        let vocabulary = file["model"]["vocab"].as_object_mut().unwrap();
        vocabulary.retain(|token, id| {
            id.as_u64().unwrap() < 512 || made.contains(token) || token.starts_with("<|")
        });
        file
    }

    fn read(file: &Value) -> Result<Tokenizer, TokenizerError> {
        Tokenizer::from_bundle_json(file.to_string().as_bytes(), "tokenizer.json")
    }

    /// Uses everything of a tokenizer that a damaged file left standing.
    fn exercise(tokenizer: &Tokenizer) {
        for text in ["", "The Trace is OPEN", "<|endoftext|> \u{3042}\u{1f600}\u{301}", "  'S 12"] {
            if let Ok(ids) = tokenizer.encode(text, 8) {
                assert!((2..=8).contains(&ids.len()));
                assert_eq!(ids[0], tokenizer.start_id());
                assert_eq!(ids.last(), Some(&tokenizer.end_id()));
                assert!(ids.iter().all(|id| (*id as usize) < tokenizer.id_bound()));
            }
        }
        let _ = tokenizer.to_json();
    }

    /// Every value of a JSON document, as a pointer; long lists and maps only at their start.
    fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
        found.push(at.to_owned());
        match value {
            Value::Array(list) => {
                for (number, item) in list.iter().enumerate().take(3) {
                    pointers(item, &format!("{at}/{number}"), found);
                }
            }
            Value::Object(map) => {
                for (key, item) in map.iter().take(12) {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    pointers(item, &format!("{at}/{key}"), found);
                }
            }
            _ => {}
        }
    }

    fn vocab_and_merges() -> Tokenizer {
        let (vocab, merges) = (golden("vocab.json"), golden("merges.txt"));
        Tokenizer::from_vocab_and_merges(&vocab, &merges, "vocab.json").unwrap()
    }

    #[test]
    fn ids_agree_with_transformers() {
        let from_file = Tokenizer::from_bundle_json(&golden("tokenizer.json"), "t").unwrap();
        let from_parts = vocab_and_merges();
        let texts: Vec<(usize, String, Vec<u32>)> =
            serde_json::from_slice(&golden("texts.json")).unwrap();
        assert_eq!(texts.len(), 1000);
        for (context_length, text, ids) in texts {
            assert_eq!(from_file.encode(&text, context_length).unwrap(), ids, "{text:?}");
            assert_eq!(from_parts.encode(&text, context_length).unwrap(), ids, "{text:?}");
        }
    }

    #[test]
    fn what_is_written_is_what_transformers_writes() {
        let theirs: Value = serde_json::from_slice(&golden("tokenizer.json")).unwrap();
        let ours: Value = serde_json::from_str(&vocab_and_merges().to_json().unwrap()).unwrap();
        assert_eq!(ours, theirs);
        let again = read(&theirs).unwrap().to_json().unwrap();
        assert_eq!(serde_json::from_str::<Value>(&again).unwrap(), theirs);
    }

    #[test]
    fn every_published_form_of_the_file_gives_the_same_ids() {
        let expected = read(&small()).unwrap().to_json().unwrap();
        let text_of = |pair: &Value| {
            json!(format!("{} {}", pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
        };
        let (start, end) = (json!("<|startoftext|>"), json!("<|endoftext|>"));
        let template = json!({
            "type": "TemplateProcessing",
            "single": [
                { "SpecialToken": { "id": start, "type_id": 0 } },
                { "Sequence": { "id": "A", "type_id": 0 } },
                { "SpecialToken": { "id": end, "type_id": 0 } },
            ],
            "pair": [],
            "special_tokens": {
                "<|startoftext|>": { "id": start, "ids": [3512], "tokens": [start] },
                "<|endoftext|>": { "id": end, "ids": [3513], "tokens": [end] },
            },
        });
        let forms: [fn(&mut Value, &Value); 5] = [
            |file, template| file["post_processor"] = template.clone(),
            |file, _| {
                file["truncation"] = json!({ "direction": "Left", "max_length": 3,
                    "strategy": "LongestFirst", "stride": 0 });
                file["padding"] = json!({ "strategy": { "Fixed": 77 }, "direction": "Right",
                    "pad_to_multiple_of": null, "pad_id": 0, "pad_type_id": 0, "pad_token": "!" });
            },
            |file, _| {
                file["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = json!(WORDS[1])
            },
            |file, _| drop(file["model"].as_object_mut().unwrap().remove("type")),
            |file, _| {
                let bytes = &mut file["pre_tokenizer"]["pretokenizers"][1];
                drop(bytes.as_object_mut().unwrap().remove("use_regex"));
            },
        ];
        for change in forms {
            let mut file = small();
            change(&mut file, &template);
            assert_ne!(file, small());
            assert_eq!(read(&file).unwrap().to_json().unwrap(), expected);
        }
        let mut file = small();
        for merge in file["model"]["merges"].as_array_mut().unwrap() {
            *merge = text_of(merge);
        }
        assert_eq!(read(&file).unwrap().to_json().unwrap(), expected);
    }

    #[test]
    fn added_tokens_keep_their_flags() {
        let mut file = small();
        let plain = read(&file).unwrap();
        let end = plain.end_id();
        assert!(!plain.encode("<|ENDOFTEXT|>", 77).unwrap()[1..].starts_with(&[end, end]));
        file["added_tokens"][1]["normalized"] = json!(true);
        let folded = read(&file).unwrap();
        assert_eq!(folded.encode("<|ENDOFTEXT|>", 77).unwrap(), [folded.start_id(), end, end]);
    }

    #[test]
    fn a_long_text_keeps_its_end_token() {
        let tokenizer = vocab_and_merges();
        let (start, end) = (tokenizer.start_id(), tokenizer.end_id());
        let whole = tokenizer.encode("the trace is open", 77).unwrap();
        assert_eq!(whole.len(), 6);
        let cut = tokenizer.encode("the trace is open", 4).unwrap();
        assert_eq!(cut, [start, whole[1], whole[2], end]);
        assert_eq!(tokenizer.encode("the trace is open", 2).unwrap(), [start, end]);
        for context_length in [0, 1] {
            let message = tokenizer.encode("a", context_length).unwrap_err().to_string();
            assert!(message.starts_with(&format!("context length {context_length}: at least 2")));
        }
    }

    #[test]
    fn what_is_not_clips_is_refused_by_its_part() {
        for (place, value, says) in [
            ("/model/type", json!("WordPiece"), "model.type: BPE is expected"),
            ("/model/dropout", json!(0.1), "model.dropout: null is expected"),
            ("/model/end_of_word_suffix", json!(null), "model.end_of_word_suffix: </w>"),
            ("/model/continuing_subword_prefix", json!("##"), "continuing_subword_prefix: none"),
            ("/model/ignore_merges", json!(true), "model.ignore_merges: false"),
            ("/model/unk_token", json!("[UNK]"), "model.unk_token: \"[UNK]\" is not in the"),
            ("/model/vocab/!", json!(1), "model.vocab: two tokens have id 1"),
            ("/model/vocab/!", json!(u32::MAX), "has id 4294967295, at most 1048576"),
            ("/model/vocab/!", json!(-1), "invalid value: integer `-1`"),
            ("/model/merges/0", json!(["\"", "zzz"]), "merge 0: \"zzz\" is not in the vocabulary"),
            ("/model/merges/0", json!("a b c"), "model.merges[0]: two tokens"),
            // Both are the longest there is, so that their sum is longer than any.
            ("/model/merges/0", json!(["<|startoftext|>", "<|startoftext|>"]), "merge 0: "),
            ("/normalizer", json!({ "type": "Lowercase" }), "normalizer: NFC"),
            ("/normalizer", json!(null), "normalizer: NFC"),
            ("/pre_tokenizer", json!({ "type": "ByteLevel" }), "before transformers 4.17"),
            ("/pre_tokenizer/pretokenizers/0/pattern/Regex", json!("(a+)+b"), "Split by CLIP's"),
            ("/pre_tokenizer/pretokenizers/1/add_prefix_space", json!(true), "ByteLevel without"),
            ("/post_processor", json!(null), "post_processor: RobertaProcessing"),
            ("/post_processor/sep/1", json!(7), "post_processor: \"<|endoftext|>\" is 7, in the"),
            (
                "/added_tokens/0/id",
                json!(7),
                "added_tokens: \"<|startoftext|>\" cannot have the id 7",
            ),
        ] {
            let mut file = small();
            *file.pointer_mut(place).unwrap() = value;
            let message = read(&file).unwrap_err().to_string();
            assert!(message.starts_with("tokenizer.json: not a CLIP tokenizer: "), "{message}");
            assert!(message.contains(says), "{place} gave {message}");
        }
    }

    #[test]
    fn foreign_vocabularies_and_merges_are_refused() {
        let refuse = |vocab: &[u8], merges: &[u8]| {
            Tokenizer::from_vocab_and_merges(vocab, merges, "v").unwrap_err().to_string()
        };
        let (vocab, merges) = (golden("vocab.json"), golden("merges.txt"));
        assert!(refuse(b"{}", &merges).contains("vocabulary: <|startoftext|> is missing"));
        assert!(refuse(b"[]", &merges).contains("vocabulary: invalid type"));
        assert!(refuse(&merges, &vocab).contains("vocabulary: expected value"));
        assert!(refuse(&vocab, &[0xff]).contains("merges: invalid utf-8"));
        assert!(refuse(&vocab, b"#version: 0.2\na b c\n").contains("merges, line 2: two tokens"));
        assert!(refuse(&vocab, b"a \xe3\x81\x82\n").contains("merge 0: \"\u{3042}\" is not in"));
    }

    #[test]
    fn damaged_files_are_errors_or_usable() {
        let bytes = small().to_string().into_bytes();
        assert!(cuts(&bytes).all(|cut| Tokenizer::from_bundle_json(cut, "cut").is_err()));
        for bytes in mutations(&bytes) {
            if let Ok(tokenizer) = Tokenizer::from_bundle_json(&bytes, "mutation") {
                exercise(&tokenizer);
            }
        }
    }

    #[test]
    fn values_of_the_wrong_kind_are_errors_or_usable() {
        let original = small();
        let mut places = Vec::new();
        pointers(&original, "", &mut places);
        let foreign = [
            json!(null),
            json!(true),
            json!(0),
            json!(-1),
            json!(u32::MAX),
            json!(1e300),
            json!(""),
            json!("BPE"),
            json!("\u{3042}"),
            json!([]),
            json!({}),
            json!([[], {}]),
            json!({"type": "BPE"}),
        ];
        for place in places {
            for value in &foreign {
                let mut file = original.clone();
                *file.pointer_mut(&place).unwrap() = value.clone();
                if let Ok(tokenizer) = read(&file) {
                    exercise(&tokenizer);
                }
            }
        }
    }
}

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::Value;
use tokenizers::AddedToken;

/// The token before every text.
const START: &str = "<|startoftext|>";
/// The token after every text, and for what the vocabulary lacks.
const END: &str = "<|endoftext|>";
/// Marks a token that ends a word.
pub(super) const END_OF_WORD: &str = "</w>";
/// What the normalizer turns into one space.
pub(super) const SPACES: &str = r"\s+";
/// How CLIP splits text into words before byte pairs: transformers 5, and 4.17 to 4.x. Both give
/// the same words, because start and end are added tokens.
pub(super) const WORDS: [&str; 2] = [
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
    r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
];
/// Ids that no text tower has an embedding for; published vocabularies end below 260,000.
const MAX_ID: u32 = 1 << 20;

/// What distinguishes one CLIP tokenizer from another, checked.
#[derive(Debug)]
pub(super) struct Parts {
    /// No id twice, none above [`MAX_ID`].
    pub(super) vocab: HashMap<String, u32>,
    /// Both tokens and what they merge to are in the vocabulary.
    pub(super) merges: Vec<(String, String)>,
    /// In the vocabulary.
    pub(super) unknown: String,
    pub(super) added: Vec<Added>,
    /// Token and id.
    pub(super) start: (String, u32),
    /// Token and id.
    pub(super) end: (String, u32),
}

/// A token that is found in the text before it is split into words.
#[derive(Debug, Deserialize)]
pub(super) struct Added {
    pub(super) id: u32,
    #[serde(flatten)]
    pub(super) token: AddedToken,
}

impl Parts {
    /// One more than the largest id.
    pub(super) fn id_bound(&self) -> usize {
        let ids = self.vocab.values().copied().chain(self.added.iter().map(|added| added.id));
        ids.max().map_or(0, |id| id as usize + 1)
    }

    fn check(self) -> Result<Self, String> {
        check_ids(&self.vocab, &self.added)?;
        check_merges(&self.vocab, &self.merges)?;
        if !self.vocab.contains_key(&self.unknown) {
            return Err(format!("model.unk_token: {:?} is not in the vocabulary", self.unknown));
        }
        for (token, id) in [&self.start, &self.end] {
            let added = self.added.iter().find(|added| added.token.content == *token);
            let found = self.vocab.get(token).copied().or(added.map(|added| added.id));
            if found != Some(*id) {
                return Err(format!(
                    "post_processor: {token:?} is {id}, in the vocabulary {found:?}"
                ));
            }
        }
        Ok(self)
    }
}

/// Reads a `tokenizer.json`, refusing what differs from CLIP's.
pub(super) fn from_json(bytes: &[u8]) -> Result<Parts, String> {
    let file: RawTokenizer = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    check_normalizer(&file.normalizer)?;
    check_pre_tokenizer(&file.pre_tokenizer)?;
    let (start, end) = start_and_end(&file.post_processor)?;
    let model = file.model;
    check_model(&model)?;
    let merges = model.merges.into_iter().enumerate().map(|(number, merge)| match merge {
        RawMerge::Pair(left, right) => Ok((left, right)),
        RawMerge::Text(text) => {
            pair(&text).ok_or_else(|| format!("model.merges[{number}]: two tokens are expected"))
        }
    });
    let merges = merges.collect::<Result<_, _>>()?;
    let unknown = model.unk_token.unwrap_or_else(|| END.to_owned());
    Parts { vocab: model.vocab, merges, unknown, added: file.added_tokens, start, end }.check()
}

/// Reads a `vocab.json` and a `merges.txt`.
pub(super) fn from_vocab_and_merges(vocab: &[u8], merges: &[u8]) -> Result<Parts, String> {
    let vocab: HashMap<String, u32> =
        serde_json::from_slice(vocab).map_err(|error| format!("vocabulary: {error}"))?;
    let text = std::str::from_utf8(merges).map_err(|error| format!("merges: {error}"))?;
    let lines = text.lines().enumerate();
    let lines = lines.filter(|(_, line)| !line.starts_with("#version") && !line.trim().is_empty());
    let merges = lines
        .map(|(number, line)| {
            let number = number + 1;
            pair(line).ok_or_else(|| format!("merges, line {number}: two tokens are expected"))
        })
        .collect::<Result<_, _>>()?;
    let special = |token: &str| {
        let id = vocab.get(token).copied();
        id.map(|id| (token.to_owned(), id)).ok_or(format!("vocabulary: {token} is missing"))
    };
    let (start, end) = (special(START)?, special(END)?);
    let added = |(token, id): &(String, u32)| Added {
        id: *id,
        token: AddedToken::from(token.clone(), true),
    };
    let added = vec![added(&start), added(&end)];
    Parts { vocab, merges, unknown: END.to_owned(), added, start, end }.check()
}

/// A `tokenizer.json`; keys that decide nothing about ids are not looked at.
#[derive(Deserialize)]
struct RawTokenizer {
    #[serde(default)]
    added_tokens: Vec<Added>,
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    post_processor: Value,
    model: RawModel,
}

#[derive(Deserialize)]
struct RawModel {
    r#type: Option<String>,
    dropout: Option<f64>,
    unk_token: Option<String>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
    #[serde(default)]
    fuse_unk: bool,
    #[serde(default)]
    byte_fallback: bool,
    #[serde(default)]
    ignore_merges: bool,
    vocab: HashMap<String, u32>,
    merges: Vec<RawMerge>,
}

/// Two tokens: a list since tokenizers 0.20, before that one string with a space between.
#[derive(Deserialize)]
#[serde(untagged)]
enum RawMerge {
    Pair(String, String),
    Text(String),
}

fn pair(line: &str) -> Option<(String, String)> {
    let (left, right) = line.split_once(' ')?;
    let fine = !left.is_empty() && !right.is_empty() && !right.contains(' ');
    fine.then(|| (left.to_owned(), right.to_owned()))
}

fn check_ids(vocab: &HashMap<String, u32>, added: &[Added]) -> Result<(), String> {
    let mut seen = HashSet::with_capacity(vocab.len());
    for (token, id) in vocab {
        if *id > MAX_ID {
            return Err(format!(
                "model.vocab: {token:?} has id {id}, at most {MAX_ID} is expected"
            ));
        }
        if !seen.insert(*id) {
            return Err(format!("model.vocab: two tokens have id {id}"));
        }
    }
    match added.iter().find(|added| added.id > MAX_ID) {
        Some(added) => Err(format!("added_tokens: id {}, at most {MAX_ID} is expected", added.id)),
        None => Ok(()),
    }
}

fn check_merges(vocab: &HashMap<String, u32>, merges: &[(String, String)]) -> Result<(), String> {
    let mut merged = String::new();
    for (number, (left, right)) in merges.iter().enumerate() {
        merged.clear();
        merged.push_str(left);
        merged.push_str(right);
        for token in [left, right, &merged] {
            if !vocab.contains_key(token) {
                return Err(format!("merge {number}: {token:?} is not in the vocabulary"));
            }
        }
    }
    Ok(())
}

fn check_model(model: &RawModel) -> Result<(), String> {
    let suffix = model.end_of_word_suffix.as_deref();
    let prefix = model.continuing_subword_prefix.as_deref();
    let checks = [
        (model.r#type.as_deref().is_none_or(|kind| kind == "BPE"), "model.type: BPE"),
        (model.dropout.is_none_or(|share| share == 0.0), "model.dropout: null"),
        (suffix == Some(END_OF_WORD), "model.end_of_word_suffix: </w>"),
        (prefix.is_none_or(str::is_empty), "model.continuing_subword_prefix: none"),
        (!model.fuse_unk, "model.fuse_unk: false"),
        (!model.byte_fallback, "model.byte_fallback: false"),
        (!model.ignore_merges, "model.ignore_merges: false"),
    ];
    match checks.iter().find(|(fine, _)| !fine) {
        Some((_, expected)) => Err(format!("{expected} is expected")),
        None => Ok(()),
    }
}

fn check_normalizer(normalizer: &Value) -> Result<(), String> {
    let expected = serde_json::json!({
        "type": "Sequence",
        "normalizers": [
            { "type": "NFC" },
            { "type": "Replace", "pattern": { "Regex": SPACES }, "content": " " },
            { "type": "Lowercase" },
        ],
    });
    if *normalizer != expected {
        return Err("normalizer: NFC, spaces to one space, Lowercase are expected".to_owned());
    }
    Ok(())
}

fn check_pre_tokenizer(pre_tokenizer: &Value) -> Result<(), String> {
    let parts = pre_tokenizer["pretokenizers"].as_array().map(Vec::as_slice);
    let Some([split, bytes]) = parts.filter(|_| pre_tokenizer["type"] == "Sequence") else {
        let reason = "pre_tokenizer: Split and ByteLevel in a Sequence are expected (files from \
            before transformers 4.17 differ; use their vocab.json and merges.txt)";
        return Err(reason.to_owned());
    };
    let words = split["pattern"]["Regex"].as_str().is_some_and(|words| WORDS.contains(&words));
    let inverted = split["behavior"] == "Removed" && split["invert"] == true;
    if split["type"] != "Split" || !words || !inverted {
        return Err("pre_tokenizer: Split by CLIP's pattern is expected".to_owned());
    }
    let plain = bytes["add_prefix_space"] == false && bytes["use_regex"] != false;
    if bytes["type"] != "ByteLevel" || !plain {
        return Err("pre_tokenizer: ByteLevel without a prefix space is expected".to_owned());
    }
    Ok(())
}

type TokenAndId = (String, u32);

/// The tokens around a text, from either form in which CLIP files give them.
fn start_and_end(processor: &Value) -> Result<(TokenAndId, TokenAndId), String> {
    let found = match processor["type"].as_str() {
        Some("RobertaProcessing") => {
            token_and_id(&processor["cls"]).zip(token_and_id(&processor["sep"]))
        }
        Some("TemplateProcessing") => template(processor),
        _ => None,
    };
    found.ok_or_else(|| {
        "post_processor: RobertaProcessing or TemplateProcessing, which puts one token before \
            and one after the text, is expected"
            .to_owned()
    })
}

fn token_and_id(pair: &Value) -> Option<TokenAndId> {
    let [token, id] = pair.as_array()?.as_slice() else { return None };
    Some((token.as_str()?.to_owned(), id.as_u64()?.try_into().ok()?))
}

fn template(processor: &Value) -> Option<(TokenAndId, TokenAndId)> {
    let [start, text, end] = processor["single"].as_array()?.as_slice() else { return None };
    text.get("Sequence")?;
    let token = |piece: &Value| {
        let name = piece["SpecialToken"]["id"].as_str()?;
        let [id] = processor["special_tokens"][name]["ids"].as_array()?.as_slice() else {
            return None;
        };
        Some((name.to_owned(), id.as_u64()?.try_into().ok()?))
    };
    token(start).zip(token(end))
}

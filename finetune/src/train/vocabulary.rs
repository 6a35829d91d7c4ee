use std::collections::BTreeSet;

use anyhow::Context;
use pairspec::clip::Tokenizer;
use serde_json::{Map, Value};
use tokenizers::Trainer;
use tokenizers::models::bpe::{BPE, BpeTrainer};

use crate::model::{END, START};

/// Marks a token that ends a word.
const END_OF_WORD: &str = "</w>";

/// Byte pairs learned from sentences, and the tokenizer they make.
#[derive(Debug, Clone)]
pub(crate) struct Vocabulary {
    tokenizer: Tokenizer,
    context: usize,
}

impl Vocabulary {
    /// Learns at most `size` tokens: 256 bytes, 256 that end a word, merges, start and end.
    ///
    /// Any text can be written in bytes, so that no word is unknown; words of the sentences become
    /// few tokens.
    pub(crate) fn learn(
        sentences: &[String],
        (size, context): (usize, usize),
    ) -> anyhow::Result<Self> {
        let merges = merges(sentences, size)?;
        let alphabet = alphabet();
        let ends = alphabet.iter().map(|byte| format!("{byte}{END_OF_WORD}"));
        let bytes: Vec<String> = alphabet.iter().map(char::to_string).chain(ends).collect();
        let merged = merges.iter().map(|(left, right)| format!("{left}{right}"));
        let specials = [START, END].map(str::to_owned);
        let mut seen = BTreeSet::new();
        let tokens = bytes.into_iter().chain(merged).chain(specials);
        let tokens = tokens.filter(|token| seen.insert(token.clone()));
        let vocabulary: Map<String, Value> =
            tokens.enumerate().map(|(id, token)| (token, Value::from(id))).collect();
        let lines: String =
            merges.iter().map(|(left, right)| format!("{left} {right}\n")).collect();
        let tokenizer = Tokenizer::from_vocab_and_merges(
            &serde_json::to_vec(&vocabulary)?,
            format!("#version: 0.2\n{lines}").as_bytes(),
            "the learned vocabulary",
        )?;
        Ok(Self { tokenizer, context })
    }

    /// A tokenizer that exists.
    pub(crate) fn new(tokenizer: Tokenizer, context: usize) -> Self {
        Self { tokenizer, context }
    }

    /// The ids of a sentence with start and end token.
    pub(crate) fn ids(&self, sentence: &str) -> Vec<u32> {
        // Every text can be written in bytes.
        self.tokenizer.encode(sentence, self.context).unwrap_or_default()
    }

    /// The tokenizer.
    pub(crate) fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }
}

/// The words a base was trained with and those of further sentences, sorted, as `specs embed` looks
/// for them; none where the base does not say its own, for then nobody knows what is missing.
pub(super) fn widened<'a>(
    base: Option<&[String]>,
    sentences: impl Iterator<Item = &'a str>,
) -> Option<Vec<String>> {
    let mut words: BTreeSet<String> = base?.iter().cloned().collect();
    let new = sentences.flat_map(|sentence| sentence.split(|c: char| !c.is_alphanumeric()));
    words.extend(new.filter(|word| !word.is_empty()).map(str::to_lowercase));
    Some(words.into_iter().collect())
}

/// The pairs of tokens that become one, most frequent first.
fn merges(sentences: &[String], size: usize) -> anyhow::Result<Vec<(String, String)>> {
    let taken = 2 * 256 + 2;
    let mut trainer = BpeTrainer::builder()
        .vocab_size(size.saturating_sub(taken) + 2 * LETTERS)
        .min_frequency(2)
        .end_of_word_suffix(END_OF_WORD.to_owned())
        .show_progress(false)
        .build();
    let split = |text: &str| Ok(words(text));
    trainer.feed(sentences.iter(), split).map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut model = BPE::default();
    trainer.train(&mut model).map_err(|error| anyhow::anyhow!("{error}"))?;
    let model = serde_json::to_value(&model)?;
    let merges = model["merges"].as_array().context("a byte-pair model without merges")?;
    let pair = |merge: &Value| {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        match merge {
            Value::Array(pair) => Some((text(pair.first())?, text(pair.get(1))?)),
            Value::String(line) => {
                let (left, right) = line.split_once(' ')?;
                Some((left.to_owned(), right.to_owned()))
            }
            _ => None,
        }
    };
    merges.iter().map(|merge| pair(merge).context("a merge that is no pair")).collect()
}

/// About the letters that sentences are written in: the trainer counts them as tokens, once inside
/// words and once at their ends; here they are among the bytes.
const LETTERS: usize = 30;

/// Runs of letters, single digits, runs of anything else: CLIP's words for ASCII text.
fn words(text: &str) -> Vec<String> {
    let class = |letter: char| match letter {
        _ if letter.is_alphabetic() => 0,
        _ if letter.is_numeric() => 1,
        _ if letter.is_whitespace() => 2,
        _ => 3,
    };
    let mut words: Vec<String> = Vec::new();
    let mut last = None;
    for letter in text.chars() {
        let of = class(letter);
        match words.last_mut().filter(|_| last == Some(of) && of != 1) {
            Some(word) => word.push(letter),
            None => words.push(letter.to_string()),
        }
        last = Some(of);
    }
    words.retain(|word| !word.trim().is_empty());
    words
}

/// The letters that byte-level BPE writes bytes with, in GPT-2's order: printable Latin-1 as it is,
/// then the other bytes from U+0100 on.
///
/// Source: Radford et al., "Language Models are Unsupervised Multitask Learners" (2019), code.
fn alphabet() -> Vec<char> {
    let prints = |byte: &u32| matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    let printable = (0..256).filter(prints);
    let others = (0..256).filter(|byte| !prints(byte)).zip(0x100..).map(|(_, letter)| letter);
    printable.chain(others).filter_map(char::from_u32).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn learned() -> Vocabulary {
        let sentences = ["the trace is open", "the trace is cut", "a short between two traces"];
        let sentences: Vec<String> =
            sentences.iter().cycle().take(30).map(|s| s.to_string()).collect();
        Vocabulary::learn(&sentences, (600, 32)).unwrap()
    }

    #[test]
    fn frequent_words_are_one_token_and_any_text_has_ids() {
        let vocabulary = learned();
        let (start, end) = (vocabulary.tokenizer().start_id(), vocabulary.tokenizer().end_id());
        let ids = vocabulary.ids("The trace");
        assert_eq!((ids.len(), ids[0], ids[3]), (4, start, end));
        let strange = vocabulary.ids("\u{5b8c}\u{4e86} 42 ~ z\u{fc}gig");
        assert!(strange.len() > 8 && strange.iter().all(|id| *id <= end));
        assert!(!strange[1..strange.len() - 1].contains(&end), "nothing is unknown");
    }

    #[test]
    fn a_vocabulary_has_no_more_tokens_than_asked_for() {
        let bound = learned().tokenizer().id_bound();
        assert!((515..=600).contains(&bound), "{bound}");
    }

    #[test]
    fn a_base_keeps_its_words_and_one_without_gets_none() {
        let base = ["pin-hole".to_owned(), "trace".to_owned()];
        let sentences = ["A trace, it's OPEN.", "two traces"];
        let words = widened(Some(&base), sentences.into_iter()).unwrap();
        assert_eq!(words, ["a", "it", "open", "pin-hole", "s", "trace", "traces", "two"]);
        assert_eq!(widened(None, sentences.into_iter()), None);
    }

    #[test]
    fn the_same_sentences_give_the_same_vocabulary() {
        let json = |vocabulary: Vocabulary| vocabulary.tokenizer().to_json().unwrap();
        assert_eq!(json(learned()), json(learned()));
    }
}

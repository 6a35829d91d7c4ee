use std::fmt;

use serde::{Deserialize, Serialize};

use super::sample::CaptionPair;

/// Shorter answers say nothing, characters (the paper's filter).
const FEWEST_CHARACTERS: usize = 60;
/// So many words of the instruction in a row are no accident.
const LEAKED_WORDS: usize = 5;
/// What a chat template or a model that speaks of itself leaves behind, lower case.
const TEMPLATE_MARKS: [&str; 9] =
    ["[inst", "[/inst", "<<sys", "<|", "###", "<think", "caption", "as an ai", "assistant:"];

/// Their full stops end no sentence, nor do those of single letters; lower case.
const ABBREVIATIONS: [&str; 8] = ["mr", "mrs", "ms", "dr", "st", "vs", "e.g", "i.e"];

/// What the model is asked to be.
pub(super) const SYSTEM: &str = "You compare two pictures of which you know the captions. You answer with \
    exactly one plain English sentence and nothing else.";

const INSTRUCTION: &str = "Tell in one sentence of at least twelve words what sets the second picture apart \
    from the first, naming both what is new in it and what is gone. Speak of visible things only, and \
    neither number nor name the pictures.";

/// What the model is asked about a pair: how the test image, the second, differs from the reference.
pub(super) fn question(pair: &CaptionPair) -> String {
    format!("First picture: {}\nSecond picture: {}\n\n{INSTRUCTION}", pair.reference.1, pair.test.1)
}

/// Why an answer is not used; the filters of PC-CLIP (arXiv 2409.09721).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Dropped {
    /// Characters outside ASCII.
    NonAscii,
    /// Words of the prompt or of a chat template.
    PromptLeakage,
    /// Under 60 characters.
    TooShort,
    /// Longer than the tokens asked for, so that its end is missing.
    CutOff,
    /// Nothing, whenever it was asked.
    NoAnswer,
}

impl fmt::Display for Dropped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::NonAscii => "not ASCII",
            Self::PromptLeakage => "prompt leakage",
            Self::TooShort => "under 60 characters",
            Self::CutOff => "cut off",
            Self::NoAnswer => "no answer",
        })
    }
}

/// The first sentence in an answer: on one line, without quotes around it.
pub(super) fn sentence(answer: &str) -> Result<String, Dropped> {
    let text = answer.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or(&text).trim();
    if !text.is_ascii() {
        return Err(Dropped::NonAscii);
    }
    if is_leaked(&text.to_lowercase()) {
        return Err(Dropped::PromptLeakage);
    }
    let text = first(text);
    if text.len() < FEWEST_CHARACTERS {
        return Err(Dropped::TooShort);
    }
    Ok(text.to_owned())
}

/// Up to the first end of a sentence that another one follows.
fn first(text: &str) -> &str {
    let ends = text.match_indices(['.', '!', '?']).map(|(at, _)| at + 1);
    let is_end = |at: &usize| {
        let word = text[..at - 1].rsplit(' ').next().unwrap_or_default().to_lowercase();
        let next = text[*at..].trim_start_matches(['"', '\'', ')']).strip_prefix(' ');
        let begins = next.is_some_and(|next| {
            next.trim_start_matches(['"', '\'', '(']).starts_with(|c: char| c.is_ascii_uppercase())
        });
        begins && word.len() > 1 && !ABBREVIATIONS.contains(&word.as_str())
    };
    ends.into_iter().find(is_end).map_or(text, |at| &text[..at])
}

fn is_leaked(text: &str) -> bool {
    let prompt = words(&format!("{SYSTEM} {INSTRUCTION}").to_lowercase()).join(" ");
    let said = words(text);
    let mut runs = said.windows(LEAKED_WORDS).map(|run| run.join(" "));
    TEMPLATE_MARKS.iter().any(|mark| text.contains(mark)) || runs.any(|run| prompt.contains(&run))
}

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod unit {
    use super::*;

    const GOOD: &str =
        "There is a brown dog on a beach instead of a grey cat that sleeps on a sofa indoors.";

    #[test]
    fn a_good_answer_becomes_one_line_without_quotes() {
        let answer = format!("\n \"{}\"\n", GOOD.replace(" dog ", "\n dog "));
        assert_eq!(sentence(&answer).as_deref(), Ok(GOOD));
    }

    #[test]
    fn of_several_sentences_the_first_is_kept() {
        for more in ["It also has a red ball.", "\"The cat is gone!\"", "What is it? A dog."] {
            assert_eq!(sentence(&format!("{GOOD} {more}")).as_deref(), Ok(GOOD));
        }
        let whole =
            "There is a St. Bernard of Dr. J. Smith with 3.5 Balls vs. Cats that slept before.";
        assert_eq!(sentence(whole).as_deref(), Ok(whole));
        assert_eq!(sentence(&format!("A dog. {GOOD}")), Err(Dropped::TooShort));
    }

    #[test]
    fn the_filters_of_the_paper_drop_garbage() {
        let sixty = "x".repeat(FEWEST_CHARACTERS);
        assert_eq!(sentence(&sixty), Ok(sixty.clone()));
        assert_eq!(sentence(&sixty[1..]), Err(Dropped::TooShort));
        assert_eq!(sentence(""), Err(Dropped::TooShort));
        assert_eq!(sentence(&format!("{GOOD} \u{2014} ja")), Err(Dropped::NonAscii));
        for leak in [
            "[INST] the dog".to_owned(),
            format!("### {GOOD}"),
            format!("Caption: {GOOD}"),
            format!("{GOOD} I named both what is new in it and what is gone."),
            format!("{SYSTEM} {GOOD}"),
        ] {
            assert_eq!(sentence(&leak), Err(Dropped::PromptLeakage), "{leak}");
        }
    }
}

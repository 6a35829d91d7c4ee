use std::collections::HashSet;
use std::path::Path;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::Error;
use crate::files;
use crate::frame::Rect;

const MAX_BYTES: u64 = 4 << 20;
/// A sheet is read by people; more sentences than this is a generated file gone wrong.
const MAX_ENTRIES: usize = 1024;
/// Far above what any text tower looks at (77 tokens).
const MAX_SENTENCE_CHARS: usize = 2000;
/// arXiv 2409.09721, section 4.3: weights of 0.8 to 0.9 did best.
const DEFAULT_COMPARATIVE_WEIGHT: f32 = 0.85;

/// All sentences of one product.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// In the order of the file; ids are unique.
    pub specs: Vec<Spec>,
}

/// Classes that look alike and must be told apart.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassList {
    /// In the order of the file; ids are unique; at least two.
    pub classes: Vec<Class>,
    /// Least distance, in cosine, between the best class and the second best; closer is undecided.
    pub margin: f32,
}

/// One sentence of the sheet and what it means for a part.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// What is embedded.
    pub prompt: Prompt,
    /// Whether moving toward the sentence is bad, or away from it, or neither.
    pub kind: Kind,
    /// How bad; orders what people are shown, and never turns a mismatch into a pass.
    pub severity: Severity,
    /// Where in the reference frame the sentence applies, in pixels; everywhere if `None`.
    pub region: Option<Rect>,
    /// What people read.
    pub label: Label,
}

/// One class of a class list.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// What is embedded.
    pub prompt: Prompt,
    /// What people read.
    pub label: Label,
}

/// Text that becomes one unit vector.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prompt {
    /// Unique in its file.
    pub id: String,
    /// Paraphrases of one meaning; their unit embeddings are averaged.
    pub sentences: Vec<String>,
    /// Partners to be told apart from.
    pub comparative: Option<Comparative>,
}

/// Comparative prompting (arXiv 2409.09721, section 4.3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparative {
    /// Weight of the prompt's own sentences, 0 to 1; the rest comes from the partners.
    #[serde(default = "default_weight")]
    pub weight: f32,
    /// The confusable entries, at least one.
    pub partners: Vec<Partner>,
}

/// An entry that is easily confused with the one it is listed under.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// The id of the partner, in the same file.
    pub id: String,
    /// How the partner differs from the entry it is listed under.
    pub difference: String,
}

/// What a sentence means for a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Moving toward the sentence is bad.
    Fault,
    /// Moving away from the sentence is bad.
    Requirement,
    /// A difference that is within tolerance, such as "brighter"; it competes with the faults.
    Allowed,
}

/// How bad a violation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Looks.
    Minor,
    /// Function.
    #[default]
    Major,
    /// Safety.
    Critical,
}

/// What people read instead of an id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// English.
    pub en: Option<String>,
    /// Japanese.
    pub ja: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSheet {
    #[serde(default, rename = "spec")]
    specs: Vec<RawSpec>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClassList {
    #[serde(default = "default_margin")]
    margin: f32,
    #[serde(default, rename = "class")]
    classes: Vec<RawClass>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSpec {
    id: String,
    sentence: OneOrMany,
    kind: Kind,
    #[serde(default)]
    severity: Severity,
    region: Option<Rect>,
    comparative: Option<Comparative>,
    #[serde(default)]
    label: Label,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClass {
    id: String,
    sentence: OneOrMany,
    comparative: Option<Comparative>,
    #[serde(default)]
    label: Label,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a sentence or a list of sentences")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Sheet {
    /// Reads a spec sheet.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Toml`], [`Error::Invalid`] or [`Error::NothingInside`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::parse(&files::read_text(path, MAX_BYTES)?, &path.display().to_string())
    }

    /// Reads a spec sheet from text; `path` names it in messages.
    ///
    /// # Errors
    /// Those of [`Sheet::open`], except that no file is read.
    pub fn parse(text: &str, path: &str) -> Result<Self, Error> {
        let raw: RawSheet = from_toml(text, path)?;
        let specs: Vec<Spec> = raw.specs.into_iter().map(Spec::from).collect();
        check_count(specs.len(), path, "[[spec]]")?;
        check_prompts(&specs.iter().map(|spec| &spec.prompt).collect::<Vec<_>>(), path, "spec")?;
        for spec in &specs {
            if spec.region.is_some_and(|region| region.is_empty()) {
                return Err(invalid(
                    path,
                    "spec",
                    &spec.prompt.id,
                    "region [x, y, width, height] is empty",
                ));
            }
        }
        Ok(Self { specs })
    }

    /// What is embedded, in the order of [`Sheet::specs`].
    pub fn prompts(&self) -> Vec<&Prompt> {
        self.specs.iter().map(|spec| &spec.prompt).collect()
    }
}

impl ClassList {
    /// Reads a class list.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Toml`], [`Error::Invalid`] or [`Error::NothingInside`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::parse(&files::read_text(path, MAX_BYTES)?, &path.display().to_string())
    }

    /// Reads a class list from text; `path` names it in messages.
    ///
    /// # Errors
    /// Those of [`ClassList::open`], except that no file is read.
    pub fn parse(text: &str, path: &str) -> Result<Self, Error> {
        let raw: RawClassList = from_toml(text, path)?;
        let classes: Vec<Class> = raw.classes.into_iter().map(Class::from).collect();
        check_count(classes.len(), path, "[[class]]")?;
        check_prompts(
            &classes.iter().map(|class| &class.prompt).collect::<Vec<_>>(),
            path,
            "class",
        )?;
        if classes.len() < 2 {
            return Err(invalid(
                path,
                "class",
                &classes[0].prompt.id,
                "is alone; at least two can be told apart",
            ));
        }
        if !(0.0..=2.0).contains(&raw.margin) {
            return Err(Error::Toml {
                path: path.to_owned(),
                reason: format!("margin = {}: expected a cosine distance from 0 to 2", raw.margin),
            });
        }
        Ok(Self { classes, margin: raw.margin })
    }

    /// What is embedded, in the order of [`ClassList::classes`].
    pub fn prompts(&self) -> Vec<&Prompt> {
        self.classes.iter().map(|class| &class.prompt).collect()
    }
}

impl Prompt {
    /// Every text that has to be embedded: the sentences, then the partners' differences.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let partners = self.comparative.iter().flat_map(|comparative| &comparative.partners);
        self.sentences.iter().chain(partners.map(|partner| &partner.difference)).map(String::as_str)
    }

    /// SHA-256 over everything that decides the embeddings of these prompts.
    pub fn digest(prompts: &[&Self]) -> String {
        // Only strings and finite numbers are inside, which serde_json always writes.
        let text = serde_json::to_string(prompts).unwrap_or_default();
        files::sha256(text.as_bytes())
    }
}

impl Label {
    /// The English label, or what stands in for it.
    pub fn english<'a>(&'a self, otherwise: &'a str) -> &'a str {
        self.en.as_deref().unwrap_or(otherwise)
    }
}

impl From<RawSpec> for Spec {
    fn from(raw: RawSpec) -> Self {
        let RawSpec { id, sentence, kind, severity, region, comparative, label } = raw;
        let prompt = Prompt { id, sentences: sentence.into(), comparative };
        Self { prompt, kind, severity, region, label }
    }
}

impl From<RawClass> for Class {
    fn from(RawClass { id, sentence, comparative, label }: RawClass) -> Self {
        Self { prompt: Prompt { id, sentences: sentence.into(), comparative }, label }
    }
}

impl From<OneOrMany> for Vec<String> {
    fn from(sentences: OneOrMany) -> Self {
        match sentences {
            OneOrMany::One(sentence) => vec![sentence],
            OneOrMany::Many(sentences) => sentences,
        }
    }
}

fn default_weight() -> f32 {
    DEFAULT_COMPARATIVE_WEIGHT
}

fn default_margin() -> f32 {
    0.01
}

fn from_toml<T: DeserializeOwned>(text: &str, path: &str) -> Result<T, Error> {
    toml::from_str(text).map_err(|error| Error::Toml {
        path: path.to_owned(),
        reason: error.to_string().trim_end().to_owned(),
    })
}

fn invalid(path: &str, subject: &'static str, id: &str, reason: impl Into<String>) -> Error {
    let reason = reason.into();
    Error::Invalid { path: path.to_owned(), subject, id: id.to_owned(), reason }
}

fn check_count(count: usize, path: &str, expected: &'static str) -> Result<(), Error> {
    match count {
        0 => Err(Error::NothingInside { path: path.to_owned(), expected }),
        1..=MAX_ENTRIES => Ok(()),
        _ => Err(Error::Toml {
            path: path.to_owned(),
            reason: format!("{count} {expected}, at most {MAX_ENTRIES}"),
        }),
    }
}

fn check_prompts(prompts: &[&Prompt], path: &str, subject: &'static str) -> Result<(), Error> {
    let ids: HashSet<&str> = prompts.iter().map(|prompt| prompt.id.as_str()).collect();
    let mut seen = HashSet::new();
    for prompt in prompts {
        let unique = seen.insert(prompt.id.as_str());
        check_id(&prompt.id, unique)
            .and_then(|()| check_texts(prompt))
            .and_then(|()| check_comparative(prompt, &ids))
            .map_err(|reason| invalid(path, subject, &prompt.id, reason))?;
    }
    Ok(())
}

/// Ids stand in CSV columns, labels separated by `|` and file names.
fn check_id(id: &str, unique: bool) -> Result<(), String> {
    let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if id.is_empty() || id.len() > 64 || !id.chars().all(usable) {
        return Err("an id has 1 to 64 letters, digits, '-', '_' or '.'".to_owned());
    }
    if id == "ok" {
        return Err("\"ok\" labels conforming pairs in manifests; choose another id".to_owned());
    }
    if unique { Ok(()) } else { Err("this id stands twice".to_owned()) }
}

fn check_texts(prompt: &Prompt) -> Result<(), String> {
    if prompt.sentences.is_empty() {
        return Err("sentence is an empty list".to_owned());
    }
    for text in prompt.texts() {
        let chars = text.chars().count();
        if text.trim().is_empty() || chars > MAX_SENTENCE_CHARS {
            return Err(format!(
                "a sentence has 1 to {MAX_SENTENCE_CHARS} characters, found {chars}"
            ));
        }
    }
    Ok(())
}

fn check_comparative(prompt: &Prompt, ids: &HashSet<&str>) -> Result<(), String> {
    let Some(comparative) = &prompt.comparative else { return Ok(()) };
    if !(0.0..=1.0).contains(&comparative.weight) {
        return Err(format!("comparative weight {}: expected 0 to 1", comparative.weight));
    }
    if comparative.partners.is_empty() {
        return Err("comparative has no partners".to_owned());
    }
    for partner in &comparative.partners {
        if partner.id == prompt.id || !ids.contains(partner.id.as_str()) {
            return Err(format!(
                "comparative partner {:?} is not another id of this file",
                partner.id
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const OPEN: &str = "[[spec]]\nid = 'open'\nkind = 'fault'\nsentence = 'a trace is broken'\n";

    fn message(text: &str) -> String {
        Sheet::parse(text, "s.toml").unwrap_err().to_string()
    }

    #[test]
    fn a_sentence_and_a_list_of_paraphrases_are_both_read() {
        let text = format!(
            "{OPEN}[[spec]]\nid = 'mark'\nkind = 'requirement'\nseverity = 'critical'\n\
             sentence = ['the mark is there', 'a mark']\nregion = [1, 2, 3, 4]\n\
             label = {{ en = 'Mark', ja = '\u{5370}' }}\n\
             comparative = {{ weight = 0.9, partners = [{{ id = 'open', difference = 'x' }}] }}\n"
        );
        let sheet = Sheet::parse(&text, "s.toml").unwrap();
        assert_eq!(sheet.specs[0].prompt.sentences, ["a trace is broken"]);
        assert_eq!((sheet.specs[0].severity, sheet.specs[0].region), (Severity::Major, None));
        let mark = &sheet.specs[1];
        assert_eq!(mark.region, Some(Rect::new(1, 2, 3, 4)));
        assert_eq!(mark.prompt.texts().count(), 3);
        assert_eq!(mark.label.ja.as_deref(), Some("\u{5370}"));
        assert!(Severity::Critical > Severity::Minor);
    }

    #[test]
    fn unknown_keys_are_refused_with_their_line() {
        let text = message(&format!("{OPEN}colour = 'red'\n"));
        assert!(text.contains("line 5") && text.contains("colour"), "{text}");
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (text, fact) in [
            (String::new(), "no [[spec]]"),
            (format!("{OPEN}{OPEN}"), "twice"),
            (OPEN.replace("'open'", "'a|b'"), "letters, digits"),
            (OPEN.replace("'open'", "'ok'"), "conforming"),
            (OPEN.replace("'a trace is broken'", "[]"), "empty list"),
            (OPEN.replace("'a trace is broken'", "' '"), "characters"),
            (OPEN.replace("'fault'", "'bad'"), "unknown variant"),
            (format!("{OPEN}region = [0, 0, 0, 4]\n"), "empty"),
            (format!("{OPEN}comparative = {{ partners = [] }}\n"), "no partners"),
            (
                format!(
                    "{OPEN}comparative = {{ partners = [{{ id = 'open', difference = 'x' }}] }}\n"
                ),
                "not another id",
            ),
        ] {
            assert!(message(&text).contains(fact), "{fact}: {}", message(&text));
        }
    }

    #[test]
    fn labels_do_not_change_the_digest_and_sentences_do() {
        let digest = |text: &str| Prompt::digest(&Sheet::parse(text, "s").unwrap().prompts());
        let labelled = format!("{OPEN}label = {{ en = 'Open' }}\nseverity = 'minor'\n");
        assert_eq!(digest(OPEN), digest(&labelled));
        assert_ne!(digest(OPEN), digest(&OPEN.replace("broken", "cut")));
    }

    #[test]
    fn a_class_list_needs_two_classes_and_a_margin_that_can_be() {
        let one = "[[class]]\nid = 'a'\nsentence = 'x'\n";
        assert!(ClassList::parse(one, "c").unwrap_err().to_string().contains("alone"));
        let two = format!("{one}[[class]]\nid = 'b'\nsentence = 'y'\n");
        assert_eq!(ClassList::parse(&two, "c").unwrap().classes.len(), 2);
        assert!(ClassList::parse(&format!("margin = -1.0\n{two}"), "c").is_err());
        assert!(ClassList::parse(&format!("margin = nan\n{two}"), "c").is_err());
    }
}

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest reason in bytes that is taken over the plant's network.
const MAX_REASON: usize = 500;
/// The longest name of a recipe in bytes that is taken over the plant's network.
const MAX_NAME: usize = 200;

/// What a system of the plant may ask of a station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// A part is there now; only with a software trigger.
    Trigger,
    /// Nothing passes until `Resume`.
    Hold {
        /// Why, for people and for the journal; at most 500 bytes.
        reason: String,
    },
    /// Ends a hold, though not that of a failed challenge.
    Resume,
    /// Judges the goldens; nothing passes meanwhile.
    Challenge,
    /// Changes the recipe for the parts that trigger from then on.
    SelectRecipe(RecipeChoice),
}

/// Which recipe; never a path, so that nobody on the network names files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RecipeChoice {
    /// By its name in the list of recipes.
    Name(String),
    /// By its place in that list, from 1.
    Index(u16),
}

impl Request {
    /// The same, if its texts are of a bearable size and of one line.
    ///
    /// # Errors
    /// What is too long or holds control characters.
    pub fn checked(self) -> Result<Self, String> {
        let (text, limit) = match &self {
            Self::Hold { reason } => (reason, MAX_REASON),
            Self::SelectRecipe(RecipeChoice::Name(name)) => (name, MAX_NAME),
            _ => return Ok(self),
        };
        if text.len() > limit {
            return Err(format!("a text of {} bytes, at most {limit} are taken", text.len()));
        }
        if text.chars().any(char::is_control) {
            return Err("a text with control characters".to_owned());
        }
        Ok(self)
    }
}

impl fmt::Display for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trigger => formatter.write_str("trigger"),
            Self::Hold { .. } => formatter.write_str("hold"),
            Self::Resume => formatter.write_str("resume"),
            Self::Challenge => formatter.write_str("challenge"),
            Self::SelectRecipe(RecipeChoice::Name(name)) => write!(formatter, "recipe {name:?}"),
            Self::SelectRecipe(RecipeChoice::Index(index)) => write!(formatter, "recipe {index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_and_control_characters_are_refused() {
        let hold = |reason: &str| Request::Hold { reason: reason.to_owned() }.checked();
        assert!(hold("cleaning").is_ok());
        assert!(hold(&"x".repeat(MAX_REASON + 1)).is_err());
        assert!(hold("two\nlines").is_err());
        let named = |name: String| Request::SelectRecipe(RecipeChoice::Name(name)).checked();
        assert!(named("n".repeat(MAX_NAME)).is_ok());
        assert!(named("n".repeat(MAX_NAME + 1)).is_err());
    }
}

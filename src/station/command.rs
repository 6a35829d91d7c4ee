//! Commands, one JSON object a line, and their answers.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::journal::EventSource;

/// What can be asked of a running station.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "command", rename_all = "lowercase", deny_unknown_fields)]
pub enum Command {
    /// A part is there now; only with a software trigger.
    Trigger {},
    /// How the station is.
    Status {},
    /// Nothing passes until `resume`.
    Hold {
        /// Why, for people and for the journal.
        #[serde(default)]
        reason: String,
    },
    /// Ends a hold, though not that of a failed challenge.
    Resume {},
    /// Judges the goldens; nothing passes meanwhile.
    Challenge {},
    /// Changes the recipe for the parts that trigger from then on.
    Recipe {
        /// The recipe file.
        path: PathBuf,
    },
    /// A person has seen the last part that did not pass; for the journal.
    Acknowledge {},
    /// Learns anew what is usual, after something was changed on purpose: a lamp, a lens, a lot.
    Relearn {},
    /// The operator pressed something; for the journal.
    #[serde(skip)]
    Pressed {
        /// What, and what became of it.
        what: String,
        /// Whether nothing did.
        is_refused: bool,
    },
    /// Ends the station in order.
    Stop {},
}

impl Command {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it, with what is known.
    pub fn parse(line: &str) -> Result<Self, String> {
        serde_json::from_str(line).map_err(|error| {
            format!(
                "{error}; expected one JSON object a line, such as {{\"command\":\"status\"}}; commands \
                 are trigger, status, hold, resume, challenge, acknowledge, relearn, recipe (with path) \
                 and stop"
            )
        })
    }
}

/// Who wants something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// The kind.
    pub source: EventSource,
    /// Such as an address or the button that was pressed; empty when there is nothing to tell.
    pub who: String,
}

impl By {
    /// Somebody of this kind.
    pub fn new(source: EventSource, who: &str) -> Self {
        Self { source, who: who.to_owned() }
    }

    /// A person at the box.
    pub fn operator() -> Self {
        Self::new(EventSource::Operator, "")
    }

    /// What the journal says of what they wanted.
    pub(super) fn detail(&self, detail: &str) -> String {
        match (detail.is_empty(), self.who.is_empty()) {
            (_, true) => detail.to_owned(),
            (true, false) => format!("by {}", self.who),
            (false, false) => format!("{detail}, by {}", self.who),
        }
    }
}

/// The answer to what was not done.
pub(super) fn refused(reason: impl Into<String>) -> Value {
    json!({ "ok": false, "error": reason.into() })
}

/// The answer to what was done, with the facts.
pub(super) fn done(facts: Value) -> Value {
    let mut answer = json!({ "ok": true });
    if let (Some(answer), Value::Object(facts)) = (answer.as_object_mut(), facts) {
        answer.extend(facts);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_one_spelling() {
        for (line, command) in [
            (r#"{"command":"trigger"}"#, Command::Trigger {}),
            (r#"{"command":"status"}"#, Command::Status {}),
            (r#"{"command":"hold"}"#, Command::Hold { reason: String::new() }),
            (
                r#"{"command":"hold","reason":"cleaning"}"#,
                Command::Hold { reason: "cleaning".into() },
            ),
            (r#"{"command":"recipe","path":"b.toml"}"#, Command::Recipe { path: "b.toml".into() }),
            (r#"{"command":"stop"}"#, Command::Stop {}),
        ] {
            assert_eq!(Command::parse(line), Ok(command), "{line}");
        }
    }

    #[test]
    fn what_is_no_command_is_answered_with_those_that_are() {
        for line in ["", "status", "{}", r#"{"command":"pass"}"#, r#"{"command":"stop","now":1}"#] {
            let error = Command::parse(line).expect_err("is no command");
            assert!(error.contains("commands are trigger, status"), "{error}");
        }
    }
}

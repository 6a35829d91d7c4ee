use serde::{Deserialize, Serialize};

/// Longest sentence that is asked for, tokens; CLIP reads 77.
const MOST_TOKENS: u32 = 120;
/// Variety of the answers.
const TEMPERATURE: f32 = 0.7;

/// The body of a request to `/v1/chat/completions`.
#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    messages: [Message<'a>; 2],
    max_tokens: u32,
    temperature: f32,
    seed: u64,
    stream: bool,
}

#[derive(Debug, Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

impl<'a> Request<'a> {
    /// What a model with this name, or the only one, is told to be and asked.
    pub(super) fn new(model: Option<&'a str>, [system, user]: [&'a str; 2], seed: u64) -> Self {
        let messages =
            [Message { role: "system", content: system }, Message { role: "user", content: user }];
        Self {
            model,
            messages,
            max_tokens: MOST_TOKENS,
            temperature: TEMPERATURE,
            seed,
            stream: false,
        }
    }
}

#[derive(Debug, Deserialize)]
struct Reply {
    choices: Vec<Choice>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    message: Answer,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Answer {
    content: String,
}

/// What a model said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) text: String,
    /// It stopped at the limit of tokens, not at its end.
    pub(super) is_cut: bool,
}

/// The first answer in the body of a response.
///
/// # Errors
/// What is wrong with the body.
pub(super) fn answer(body: &str) -> Result<Said, String> {
    let reply: Reply = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let choice = reply.choices.into_iter().next().ok_or("no choices")?;
    let is_cut = choice.finish_reason.as_deref() == Some("length");
    Ok(Said { text: choice.message.content, is_cut })
}

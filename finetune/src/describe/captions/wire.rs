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
}

#[derive(Debug, Deserialize)]
struct Answer {
    content: String,
}

/// The first answer in the body of a response.
///
/// # Errors
/// What is wrong with the body.
pub(super) fn answer(body: &str) -> Result<String, String> {
    let reply: Reply = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let choice = reply.choices.into_iter().next().ok_or("no choices")?;
    Ok(choice.message.content)
}

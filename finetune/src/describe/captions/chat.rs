use std::io::ErrorKind;
use std::thread;
use std::time::Duration;

use ureq::http::Uri;
use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use ureq::{Agent, Error as HttpError};

use super::prompt;
use super::sample::CaptionPair;
use super::secret::Secret;
use super::wire::{self, Request, Said};
use crate::describe::Error;

/// Longest answer that is read, bytes.
const MOST_BYTES: u64 = 1 << 20;
/// As much of a server's words as an error repeats, characters.
const QUOTED: usize = 200;
/// Longest pause that a server may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// How often and how patiently an endpoint is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Attempts for one pair, at least 1.
    pub attempts: u32,
    /// The first pause; each further one is twice as long.
    pub pause: Duration,
}

impl Default for Backoff {
    /// Six attempts within half a minute of pauses: a server that is restarted comes back in time.
    fn default() -> Self {
        Self { attempts: 6, pause: Duration::from_secs(1) }
    }
}

/// An OpenAI-compatible chat endpoint.
#[derive(Debug, Clone)]
pub struct Chat {
    address: String,
    model: Option<String>,
    key: Option<Secret>,
    backoff: Backoff,
    agent: Agent,
}

/// Why an attempt gave no answer.
#[derive(Debug)]
enum Failure {
    /// Asking again may help, after at least this pause.
    Passing(String, Duration, Cause),
    /// Asking again is no use.
    Final(String, Cause),
}

/// What a failure may be due to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The endpoint: any other pair would fail as well.
    Endpoint,
    /// Perhaps what was asked: other pairs may have answers.
    Pair,
}

/// A pair about which nothing was said.
#[derive(Debug)]
pub(super) struct Unanswered {
    /// How often it was asked; none where asking again is no use.
    pub(super) attempts: Option<u32>,
    /// The last reason.
    pub(super) reason: String,
    pub(super) cause: Cause,
}

impl Chat {
    /// An endpoint by its address: a server (`http://localhost:8080`), its `/v1`, or the whole
    /// `/v1/chat/completions`. An answer must be complete within `timeout`.
    ///
    /// # Errors
    /// [`Error::Address`]: no such scheme in this build, no host, or a password in it.
    pub fn new(address: &str, timeout: Duration) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Address { reason };
        let uri: Uri = address.trim().parse().map_err(|error| wrong(format!("{error}")))?;
        let authority = uri.authority().map_or("", |it| it.as_str());
        if authority.contains('@') {
            let reason = "a password does not belong into an address, which lists of processes and \
                          logs show; put it into the environment variable of --key-variable";
            return Err(wrong(reason.to_owned()));
        }
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") if cfg!(feature = "tls") => {}
            Some("https") => {
                let reason = "this build has no TLS; build it with --features tls, or name an http \
                              server on this machine";
                return Err(wrong(reason.to_owned()));
            }
            _ => return Err(wrong(format!("{address:?}, expected http://host:port"))),
        }
        let host = uri.host().unwrap_or_default();
        let config = Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .max_redirects(0);
        // A proxy cannot reach this machine.
        let config = if is_local(host) { config.proxy(None) } else { config };
        Ok(Self {
            address: completions(&uri),
            model: None,
            key: None,
            backoff: Backoff::default(),
            agent: config.build().new_agent(),
        })
    }

    /// With the name of a model, for servers that have several.
    #[must_use]
    pub fn with_model(self, model: Option<String>) -> Self {
        Self { model, ..self }
    }

    /// With a key, sent as a bearer token.
    #[must_use]
    pub fn with_key(self, key: Option<Secret>) -> Self {
        if key.is_some() && self.address.starts_with("http:") && !self.is_local() {
            log::warn!("{}: the key is sent over an unencrypted connection", self.shown());
        }
        Self { key, ..self }
    }

    /// With another patience.
    #[must_use]
    pub fn with_backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }

    fn is_local(&self) -> bool {
        self.address.parse::<Uri>().is_ok_and(|uri| is_local(uri.host().unwrap_or_default()))
    }

    /// The address without its query, for messages.
    pub(super) fn shown(&self) -> &str {
        self.address.split('?').next().unwrap_or_default()
    }

    /// Asks about a pair until there is an answer.
    pub(super) fn ask(&self, pair: &CaptionPair, seed: u64) -> Result<Said, Unanswered> {
        let question = prompt::question(pair);
        let request = Request::new(self.model.as_deref(), [prompt::SYSTEM, &question], seed);
        let body = serde_json::to_vec(&request).map_err(|error| Unanswered {
            attempts: None,
            reason: error.to_string(),
            cause: Cause::Endpoint,
        })?;
        let mut pause = self.backoff.pause;
        let mut attempts = 1;
        loop {
            match self.attempt(&body) {
                Ok(answer) => return Ok(answer),
                Err(Failure::Final(reason, cause)) => {
                    return Err(Unanswered { attempts: None, reason, cause });
                }
                Err(Failure::Passing(reason, _, cause)) if attempts >= self.backoff.attempts => {
                    return Err(Unanswered { attempts: Some(attempts), reason, cause });
                }
                Err(Failure::Passing(reason, wished, _)) => {
                    let pause = pause.max(wished);
                    log::warn!("{}: {reason}; again in {pause:.1?}", self.shown());
                    thread::sleep(pause);
                }
            }
            attempts += 1;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }

    fn attempt(&self, body: &[u8]) -> Result<Said, Failure> {
        let mut request = self.agent.post(&self.address).header(CONTENT_TYPE, "application/json");
        if let Some(key) = &self.key {
            request = request.header(AUTHORIZATION, key.bearer());
        }
        let mut response = request.send(body).map_err(|error| self.transport(&error))?;
        let status = response.status().as_u16();
        let wished = response.headers().get(RETRY_AFTER).and_then(|it| it.to_str().ok());
        let wished = wished.and_then(|it| it.trim().parse().ok()).map(Duration::from_secs);
        let wished = wished.unwrap_or_default().min(LONGEST_PAUSE);
        let text = response.body_mut().with_config().limit(MOST_BYTES).lossy_utf8(true);
        let text = text.read_to_string().map_err(|error| self.transport(&error));
        if status == 200 {
            let text = text?;
            return wire::answer(&text).map_err(|error| {
                let said = self.quoted(&text);
                Failure::Passing(
                    format!("no chat completion ({error}), it said {said}"),
                    wished,
                    Cause::Pair,
                )
            });
        }
        let said = self.quoted(&text.unwrap_or_default());
        let reason = format!("status {status}{}, it said {said}", hint(status));
        match status {
            // Of too many questions no single one is to blame.
            425 | 429 => Err(Failure::Passing(reason, wished, Cause::Endpoint)),
            408 | 500.. => Err(Failure::Passing(reason, wished, Cause::Pair)),
            // Too long, or against a policy: of one pair's captions, if others had answers.
            400 | 413 | 422 => Err(Failure::Final(reason, Cause::Pair)),
            _ => Err(Failure::Final(reason, Cause::Endpoint)),
        }
    }

    /// Everything on the way to an endpoint may be mended by waiting, except a wrong certificate or
    /// address.
    fn transport(&self, error: &HttpError) -> Failure {
        let reason = self.redacted(&error.to_string());
        match error {
            HttpError::HostNotFound | HttpError::ConnectionFailed => {
                Failure::Passing(reason, Duration::ZERO, Cause::Endpoint)
            }
            HttpError::Io(error) if error.kind() == ErrorKind::ConnectionRefused => {
                Failure::Passing(reason, Duration::ZERO, Cause::Endpoint)
            }
            HttpError::Io(_)
            | HttpError::Timeout(_)
            | HttpError::Protocol(_)
            | HttpError::BodyStalled => Failure::Passing(reason, Duration::ZERO, Cause::Pair),
            _ => Failure::Final(reason, Cause::Endpoint),
        }
    }

    /// The beginning of what a server said, on one line; the key first taken out of all of it.
    fn quoted(&self, text: &str) -> String {
        let text: String = self.redacted(text).chars().take(QUOTED).collect();
        format!("{text:?}")
    }

    fn redacted(&self, text: &str) -> String {
        self.key.as_ref().map_or_else(|| text.to_owned(), |key| key.redact(text))
    }
}

/// What a status usually means with such an endpoint.
fn hint(status: u16) -> &'static str {
    match status {
        300..=399 => " (a redirection; name the address that it leads to)",
        401 | 403 => " (is the environment variable of --key-variable set, and the key right?)",
        404 => " (is the address right, and --model a model that it has?)",
        _ => "",
    }
}

/// The whole address of chat completions.
fn completions(uri: &Uri) -> String {
    let text = uri.to_string();
    let (path, query) = match text.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (text.as_str(), String::new()),
    };
    let path = path.trim_end_matches('/');
    let rest = if path.ends_with("/chat/completions") {
        ""
    } else if path.ends_with("/v1") {
        "/chat/completions"
    } else {
        "/v1/chat/completions"
    };
    format!("{path}{rest}{query}")
}

fn is_local(host: &str) -> bool {
    host == "localhost" || host.starts_with("127.") || host == "[::1]"
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod unit {
    use super::*;

    #[test]
    fn a_server_its_version_and_the_whole_address_are_the_same() {
        let whole = "http://localhost:8080/v1/chat/completions";
        for address in
            ["http://localhost:8080", "http://localhost:8080/", "http://localhost:8080/v1", whole]
        {
            assert_eq!(Chat::new(address, Duration::from_secs(1)).unwrap().address, whole);
        }
        let chat = Chat::new("http://box/api/v1/?version=2", Duration::from_secs(1)).unwrap();
        assert_eq!(chat.address, "http://box/api/v1/chat/completions?version=2");
        assert_eq!(chat.shown(), "http://box/api/v1/chat/completions");
    }

    #[test]
    fn addresses_that_cannot_be_asked_are_refused_without_their_password() {
        for address in
            ["localhost:8080", "ftp://box", "", "http://", "/v1", "http://me:pass1234@box/v1"]
        {
            let message = Chat::new(address, Duration::from_secs(1)).unwrap_err().to_string();
            assert!(message.starts_with("--endpoint: "), "{message}");
            assert!(!message.contains("pass1234"), "{message}");
        }
        let secure = Chat::new("https://box/v1", Duration::from_secs(1));
        assert_eq!(secure.is_ok(), cfg!(feature = "tls"));
    }
}

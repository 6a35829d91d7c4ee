//! Requests to answers.

use std::net::IpAddr;

use serde::Deserialize;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::Services;
use super::metrics;
use super::read::HttpRequest;
use super::response::Response;
use crate::files;
use crate::plant::seams::Doors;
use crate::plant::server::{is_listed, may_read};
use crate::plant::{HttpConfig, RecipeChoice, Request, Role, secret};

const READS: [&str; 6] = [
    "/metrics",
    "/api/status",
    "/api/last",
    "/api/last/reference.png",
    "/api/last/test.png",
    "/api/recipes",
];
const ASKS: [&str; 5] =
    ["/api/trigger", "/api/hold", "/api/resume", "/api/challenge", "/api/recipe"];

/// Where requests are answered; all connections share one.
pub(in crate::plant) struct Desk {
    config: HttpConfig,
    doors: Doors,
    services: Services,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct HoldBody {
    #[serde(default)]
    reason: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoBody {}

impl Desk {
    pub(super) fn new(config: HttpConfig, doors: Doors, services: Services) -> Self {
        Self { config, doors, services }
    }

    /// The answer to a request from an address.
    pub(super) fn answer(&self, request: &HttpRequest, address: IpAddr) -> Response {
        let path = request.path.as_str();
        match request.method.as_str() {
            _ if !may_read(&self.config.peers, address) => {
                Response::refusal(403, format!("{address} is not listed in plant.http.peers"))
            }
            "GET" if READS.contains(&path) => self.read(path),
            "HEAD" if READS.contains(&path) => self.read(path).without_body(),
            "POST" if ASKS.contains(&path) => self.ask(request, address),
            _ if READS.contains(&path) => {
                Response::refusal(405, "this is read with GET").with("Allow", "GET, HEAD")
            }
            _ if ASKS.contains(&path) => {
                Response::refusal(405, "this is asked for with POST").with("Allow", "POST")
            }
            _ => {
                let known = [READS.as_slice(), &ASKS].concat().join(", ");
                Response::refusal(404, format!("there is nothing here; there is {known}"))
            }
        }
    }

    fn read(&self, path: &str) -> Response {
        let source = &self.doors.source;
        let snapshot = source.snapshot();
        match path {
            "/metrics" => {
                let services: Vec<_> = self.services.iter().map(|tally| tally.status()).collect();
                let text = metrics::text(&snapshot, &services);
                Response::new("text/plain; version=0.0.4; charset=utf-8", text.into_bytes())
            }
            "/api/last" => match &snapshot.last {
                Some(last) => Response::json(last),
                None => Response::refusal(404, "no part has an outcome yet"),
            },
            "/api/last/reference.png" => self.image(Role::Reference),
            "/api/last/test.png" => self.image(Role::Test),
            "/api/recipes" => {
                let list = source.recipes();
                let entries = list.iter().enumerate().map(|(place, recipe)| {
                    json!({ "index": place + 1, "name": recipe.name, "sha256": recipe.sha256 })
                });
                let recipes: Vec<Value> = entries.collect();
                Response::json(&json!({ "in_force": snapshot.recipe, "recipes": recipes }))
            }
            _ => {
                let services: Vec<_> = self.services.iter().map(|tally| tally.status()).collect();
                Response::json(&json!({ "station": &*snapshot, "services": services }))
            }
        }
    }

    fn image(&self, role: Role) -> Response {
        match self.doors.source.image(role) {
            Ok(Some((number, png))) => {
                Response::new("image/png", png).with("X-Part-Number", number.to_string())
            }
            Ok(None) => Response::refusal(404, "no part has an image yet"),
            Err(reason) => Response::refusal(500, reason),
        }
    }

    fn ask(&self, request: &HttpRequest, address: IpAddr) -> Response {
        if let Err(refusal) = self.check_right(request, address) {
            return refusal;
        }
        let asked = match asked(request).and_then(Request::checked) {
            Ok(asked) => asked,
            Err(reason) => return Response::refusal(400, reason),
        };
        log::info!("http: {address} asks for {asked}");
        match self.doors.requests.ask(asked, &format!("http {address}")) {
            Ok(Value::Object(mut facts)) => {
                facts.insert("ok".to_owned(), Value::Bool(true));
                Response::json(&facts)
            }
            Ok(Value::Null) => Response::json(&json!({ "ok": true })),
            Ok(other) => Response::json(&json!({ "ok": true, "answer": other })),
            Err(reason) => Response::refusal(409, reason),
        }
    }

    /// Only who is listed and knows the token.
    fn check_right(&self, request: &HttpRequest, address: IpAddr) -> Result<(), Response> {
        if !is_listed(&self.config.peers, address) {
            let reason = format!("{address} is not listed in plant.http.peers");
            return Err(Response::refusal(403, reason));
        }
        let Some(path) = &self.config.token_file else {
            return Err(Response::refusal(403, "plant.http.token_file is not set"));
        };
        // Read each time: a token that is replaced is void at once.
        let token = secret::token(path).map_err(|error| {
            log::debug!("http: {}", error.under("plant.http.token_file", path));
            Response::refusal(500, "the token cannot be read")
        })?;
        let unauthorized =
            |reason: &str| Response::refusal(401, reason).with("WWW-Authenticate", "Bearer");
        let Some(given) = &request.token else {
            return Err(unauthorized("expected Authorization: Bearer with the token"));
        };
        // Of the same length whatever was given, so that time tells nothing of the token.
        let [given, token] = [given, &token].map(|text| files::sha256(text.as_bytes()));
        if bool::from(given.as_bytes().ct_eq(token.as_bytes())) {
            return Ok(());
        }
        Err(unauthorized("wrong token"))
    }
}

/// What a request that may be made asks for.
fn asked(request: &HttpRequest) -> Result<Request, String> {
    let body: &[u8] = if request.body.trim_ascii().is_empty() { b"{}" } else { &request.body };
    fn parsed<T: for<'a> Deserialize<'a>>(body: &[u8], example: &str) -> Result<T, String> {
        serde_json::from_slice(body).map_err(|error| format!("{error}; expected {example}"))
    }
    if request.path == "/api/hold" {
        let HoldBody { reason } = parsed(body, r#"{"reason": "cleaning"}"#)?;
        return Ok(Request::Hold { reason });
    }
    if request.path == "/api/recipe" {
        let choice: RecipeChoice = parsed(body, r#"{"name": "..."} or {"index": 1}"#)?;
        return Ok(Request::SelectRecipe(choice));
    }
    parsed::<NoBody>(body, "no body")?;
    Ok(match request.path.as_str() {
        "/api/trigger" => Request::Trigger,
        "/api/resume" => Request::Resume,
        _ => Request::Challenge,
    })
}

#[cfg(test)]
mod tests;

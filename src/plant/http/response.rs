use serde::Serialize;
use serde_json::json;

/// An answer; the connection ends with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::plant) struct Response {
    status: u16,
    content_type: &'static str,
    extra: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Response {
    pub(super) fn new(content_type: &'static str, body: Vec<u8>) -> Self {
        Self { status: 200, content_type, extra: Vec::new(), body }
    }

    pub(super) fn json(content: &impl Serialize) -> Self {
        // Plain structs, which serde_json always writes.
        Self::new("application/json", serde_json::to_vec(content).unwrap_or_default())
    }

    pub(super) fn refusal(status: u16, reason: impl Into<String>) -> Self {
        let answer = json!({ "ok": false, "error": reason.into() });
        Self { status, ..Self::json(&answer) }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.extra.push((name, value.into()));
        self
    }

    pub(super) fn without_body(mut self) -> Self {
        self.extra.push(("Content-Length", self.body.len().to_string()));
        self.body.clear();
        self
    }

    pub(super) fn is_refusal(&self) -> bool {
        self.status >= 400
    }

    /// Who asked may not, or a secret of the box is not there.
    pub(super) fn is_forbidden(&self) -> bool {
        matches!(self.status, 401 | 403 | 500)
    }

    #[cfg(test)]
    pub(super) fn status(&self) -> u16 {
        self.status
    }

    pub(super) fn head(&self) -> Vec<u8> {
        let reason = match self.status {
            200 => "OK",
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            409 => "Conflict",
            411 => "Length Required",
            413 => "Content Too Large",
            431 => "Request Header Fields Too Large",
            _ => "Internal Server Error",
        };
        let mut head = format!(
            "HTTP/1.1 {} {reason}\r\nContent-Type: {}\r\nConnection: close\r\nCache-Control: no-store\r\n\
             X-Content-Type-Options: nosniff\r\n",
            self.status, self.content_type
        );
        let is_told = self.extra.iter().any(|(name, _)| *name == "Content-Length");
        if !is_told {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        for (name, value) in &self.extra {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// All bytes of it.
    pub(in crate::plant) fn bytes(&self) -> Vec<u8> {
        [self.head(), self.body.clone()].concat()
    }
}

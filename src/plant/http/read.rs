//! Bytes to a request, within bounds.

use std::io::{self, Read};

/// The most bytes of a request's head.
const MAX_HEAD: usize = 8 << 10;
/// The most lines of a request's head.
const MAX_HEADERS: usize = 48;
/// The most bytes of a request's body.
pub(super) const MAX_BODY: usize = 16 << 10;

/// A request that was read whole.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct HttpRequest {
    pub(super) method: String,
    /// Without the query.
    pub(super) path: String,
    /// What follows `Bearer `.
    pub(super) token: Option<String>,
    pub(super) body: Vec<u8>,
}

/// Why there is no request.
#[derive(Debug)]
pub(super) enum Bad {
    Io(io::Error),
    Request(u16, String),
}

impl From<io::Error> for Bad {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads one request; none where the stream ends before the first byte.
pub(super) fn request(stream: &mut impl Read) -> Result<Option<HttpRequest>, Bad> {
    let mut bytes = Vec::with_capacity(1024);
    let (mut request, head, length) = loop {
        if let Some(parsed) = head(&bytes)? {
            break parsed;
        }
        if bytes.len() >= MAX_HEAD {
            return Err(Bad::Request(431, format!("a head of more than {MAX_HEAD} bytes")));
        }
        let room = MAX_HEAD - bytes.len();
        if append(stream, &mut bytes, room)? == 0 {
            return match bytes.is_empty() {
                true => Ok(None),
                false => Err(Bad::Request(400, "the request ends in its head".to_owned())),
            };
        }
    };
    let mut body = bytes.split_off(head);
    while body.len() < length {
        let room = length - body.len();
        if append(stream, &mut body, room)? == 0 {
            return Err(Bad::Request(400, "the request ends in its body".to_owned()));
        }
    }
    // What follows would be a second request, which this connection does not take.
    body.truncate(length);
    request.body = body;
    Ok(Some(request))
}

fn append(stream: &mut impl Read, bytes: &mut Vec<u8>, room: usize) -> io::Result<usize> {
    let mut piece = [0; 2048];
    let room = room.min(piece.len());
    let read = stream.read(&mut piece[..room])?;
    bytes.extend_from_slice(&piece[..read]);
    Ok(read)
}

/// The request without its body, where the body begins and how long it is; none while incomplete.
fn head(bytes: &[u8]) -> Result<Option<(HttpRequest, usize, usize)>, Bad> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let end = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(end)) => end,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Bad::Request(431, format!("more than {MAX_HEADERS} header lines")));
        }
        Err(error) => return Err(Bad::Request(400, format!("no HTTP request: {error}"))),
    };
    let path = parsed.path.unwrap_or_default();
    let mut request = HttpRequest {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: path.split(['?', '#']).next().unwrap_or_default().to_owned(),
        ..HttpRequest::default()
    };
    let mut length = None;
    for header in parsed.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            let found = content_length(header.value)?;
            if length.is_some_and(|known| known != found) {
                return Err(Bad::Request(400, "two lengths of one body".to_owned()));
            }
            length = Some(found);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(Bad::Request(411, "a body needs Content-Length".to_owned()));
        } else if header.name.eq_ignore_ascii_case("authorization") {
            request.token = bearer(header.value);
        }
    }
    Ok(Some((request, end, length.unwrap_or(0))))
}

fn content_length(value: &[u8]) -> Result<usize, Bad> {
    let digits =
        std::str::from_utf8(value).ok().filter(|it| it.bytes().all(|b| b.is_ascii_digit()));
    match digits.and_then(|digits| digits.parse::<u64>().ok()) {
        Some(length) if length <= MAX_BODY as u64 => Ok(length as usize),
        Some(length) => {
            let reason = format!("a body of {length} bytes, at most {MAX_BODY} are taken");
            Err(Bad::Request(413, reason))
        }
        None => Err(Bad::Request(400, "Content-Length is no number of bytes".to_owned())),
    }
}

fn bearer(value: &[u8]) -> Option<String> {
    let (scheme, token) = std::str::from_utf8(value).ok()?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A stream that gives one byte at a time.
    struct Slowly<'a>(&'a [u8]);

    impl Read for Slowly<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(&mut buffer[..1])
        }
    }

    fn status(bytes: &[u8]) -> u16 {
        match request(&mut &*bytes) {
            Err(Bad::Request(status, _)) => status,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_request_is_the_same_in_one_piece_and_in_many() {
        let text = b"POST /api/hold?x=1 HTTP/1.1\r\nHost: a\r\nauthorization: bearer  t0k \r\n\
                     Content-Length: 2\r\n\r\n{}GET / HTTP/1.1\r\n";
        let expected = HttpRequest {
            method: "POST".to_owned(),
            path: "/api/hold".to_owned(),
            token: Some("t0k".to_owned()),
            body: b"{}".to_vec(),
        };
        assert_eq!(request(&mut &text[..]).unwrap().unwrap(), expected);
        assert_eq!(request(&mut Slowly(text)).unwrap().unwrap(), expected);
    }

    #[test]
    fn what_is_too_much_or_no_http_has_a_status_of_its_own() {
        assert!(request(&mut &b""[..]).unwrap().is_none());
        assert_eq!(status(b"GET / HT"), 400);
        assert_eq!(status(b"\x16\x03\x01\x02\x00\x01\x00"), 400);
        assert_eq!(status(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nshort"), 400);
        assert_eq!(status(b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"), 400);
        assert_eq!(status(b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"), 400);
        assert_eq!(
            status(b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
            400
        );
        assert_eq!(status(b"POST / HTTP/1.1\r\nContent-Length: 16385\r\n\r\n"), 413);
        assert_eq!(status(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), 411);
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(MAX_HEADERS + 1));
        assert_eq!(status(many.as_bytes()), 431);
        let long = format!("GET /{} HTTP/1.1\r\n", "a".repeat(MAX_HEAD));
        assert_eq!(status(long.as_bytes()), 431);
    }
}

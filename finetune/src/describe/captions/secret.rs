use std::fmt;

/// What stands in the place of a key.
const REDACTED: &str = "[key]";

/// A key that no log or message shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A key; none if it is blank.
    pub fn new(key: &str) -> Option<Self> {
        let key = key.trim();
        (!key.is_empty()).then(|| Self(key.to_owned()))
    }

    /// What stands in the header of a request.
    pub(super) fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// A text without the key.
    pub(super) fn redact(&self, text: &str) -> String {
        text.replace(&self.0, REDACTED)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(REDACTED)
    }
}

/// Whether a logger may show what a crate says at this level: the HTTP client dumps all bytes that
/// go over a connection, keys among them, at its finer ones.
pub fn may_be_logged(metadata: &log::Metadata<'_>) -> bool {
    !metadata.target().starts_with("ureq") || metadata.level() <= log::Level::Info
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod unit {
    use super::*;

    #[test]
    fn a_key_is_shown_nowhere() {
        let key = Secret::new(" sk-12345\n").unwrap();
        assert_eq!(key.bearer(), "Bearer sk-12345");
        assert_eq!(key.redact("no key sk-12345, sk-12345"), "no key [key], [key]");
        assert_eq!(format!("{key:?}"), "[key]");
        assert_eq!(Secret::new(" \n"), None);
    }
}

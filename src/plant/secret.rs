//! Secrets in files of one line, so that none stands in a configuration or in a list of processes.

use std::path::Path;

use super::Error;
use crate::files;

/// The most bytes of such a file.
const MAX_BYTES: u64 = 4 << 10;
/// The least characters of a token: 64 bits if they are hexadecimal.
const LEAST_TOKEN: usize = 16;
/// The most characters of a token.
const MOST_TOKEN: usize = 200;

/// Why a secret cannot be used.
#[derive(Debug)]
pub(super) enum Bad {
    File(files::Error),
    Unfit(&'static str),
}

impl Bad {
    /// The error under the key that names the file.
    pub(super) fn under(self, key: &str, path: &Path) -> Error {
        match self {
            Self::File(source) => Error::File { key: key.to_owned(), source },
            Self::Unfit(expected) => Error::Invalid {
                key: key.to_owned(),
                // The content is a secret even if it is a bad one.
                found: path.display().to_string(),
                expected: expected.to_owned(),
            },
        }
    }
}

/// The token in a file.
pub(super) fn token(path: &Path) -> Result<String, Bad> {
    let token = line(path)?;
    let is_visible = token.bytes().all(|byte| byte.is_ascii_graphic());
    if is_visible && (LEAST_TOKEN..=MOST_TOKEN).contains(&token.len()) {
        return Ok(token);
    }
    Err(Bad::Unfit("a file of one line, 16 to 200 visible ASCII characters"))
}

/// The password in a file.
pub(super) fn password(path: &Path) -> Result<String, Bad> {
    let password = line(path)?;
    if password.is_empty() {
        return Err(Bad::Unfit("a file of one line, which is not empty"));
    }
    Ok(password)
}

fn line(path: &Path) -> Result<String, Bad> {
    let text = files::read_text(path, MAX_BYTES).map_err(Bad::File)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

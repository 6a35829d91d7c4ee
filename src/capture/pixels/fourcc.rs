use std::fmt;

use serde::{Deserialize, Serialize};

/// The four characters that name a pixel format in V4L2, such as `YUYV`.
///
/// Shorter names are padded with spaces, as `v4l2_fourcc` has them (`Y10` is `Y10 `).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FourCc([u8; 4]);

impl FourCc {
    /// The name from its bytes in memory order, as `v4l2_pix_format.pixelformat` holds them.
    pub const fn new(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The bytes in memory order.
    pub const fn bytes(self) -> [u8; 4] {
        self.0
    }
}

impl TryFrom<String> for FourCc {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bytes = text.trim_end_matches(' ').as_bytes();
        let printable = bytes.iter().all(|byte| byte.is_ascii_graphic());
        if bytes.is_empty() || bytes.len() > 4 || !printable {
            return Err(format!("{text:?}: a FourCC of 1 to 4 ASCII characters is expected"));
        }
        let mut padded = [b' '; 4];
        padded[..bytes.len()].copy_from_slice(bytes);
        Ok(Self(padded))
    }
}

impl From<FourCc> for String {
    fn from(name: FourCc) -> Self {
        name.to_string()
    }
}

impl fmt::Display for FourCc {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trimmed = self.0.trim_ascii_end();
        trimmed.iter().try_for_each(|byte| write!(out, "{}", byte.escape_ascii()))
    }
}

impl fmt::Debug for FourCc {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "FourCc({self})")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_padded_and_shown_without_padding() {
        let name = FourCc::try_from("Y10".to_owned()).unwrap();
        assert_eq!((name.bytes(), name.to_string().as_str()), (*b"Y10 ", "Y10"));
        assert_eq!(FourCc::try_from("Y10 ".to_owned()).unwrap(), name);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", "    ", "YUYV2", "Y\u{b5}", "A B", "\n"] {
            assert!(FourCc::try_from(text.to_owned()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn bytes_of_a_device_are_shown_whatever_they_are() {
        assert_eq!(FourCc::new([0, b'A', 0xff, b' ']).to_string(), "\\x00A\\xff");
    }
}

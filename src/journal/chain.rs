use super::record::{Entry, Record};
use crate::files;

/// The hash before the first record.
pub(super) const START: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The hash of a record: `printf '%s\n%s\n%s' PREVIOUS SEQ TEXT | sha256sum`.
pub(super) fn hash(previous: &str, seq: u64, text: &str) -> String {
    files::sha256(format!("{previous}\n{seq}\n{text}").as_bytes())
}

/// What the table keeps of a record beside its text, to search by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) kind: String,
    pub(super) number: Option<u64>,
    pub(super) verdict: Option<String>,
    pub(super) unix_ms: u64,
}

impl Columns {
    pub(super) fn of(entry: &Entry) -> Self {
        let record: &Record = &entry.record;
        Self {
            kind: record.kind().to_owned(),
            number: record.number(),
            verdict: record.verdict().map(str::to_owned),
            unix_ms: entry.unix_ms,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_what_the_shell_says() {
        // printf '%s\n%s\n%s' $(printf '0%.0s' $(seq 64)) 1 '{}' | sha256sum
        let expected = "857ee6299d26533d1f5f46c02209ae8bc34dc4898a8a9545493946b4ea59d6f3";
        assert_eq!(hash(START, 1, "{}"), expected);
    }
}

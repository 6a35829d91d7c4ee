/// Why drift cannot be watched as it is written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value that cannot work.
    #[error("[drift] {key} = {found}: {expected}")]
    Invalid {
        /// The key below the section.
        key: String,
        /// Its value.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// A state that was saved by another configuration, or damaged.
    #[error("saved drift: {what}; learn the baseline anew")]
    Saved {
        /// What does not fit.
        what: String,
    },
}

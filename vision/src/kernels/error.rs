/// Why a model cannot run as int8.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The environment asks for a kernel that is not there.
    #[error("{variable}: kernel {name:?} does not run on this processor; it has {supported}")]
    Kernel {
        /// The environment variable.
        variable: &'static str,
        /// What it says.
        name: String,
        /// What it may say.
        supported: String,
    },
}

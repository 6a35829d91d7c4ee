use crate::files;

/// Why the services of a plant cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value that cannot work.
    #[error("{key} = {found}: {expected}")]
    Invalid {
        /// The key with its section.
        key: String,
        /// Its value.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// A secret or certificate could not be read.
    #[error("{key}: {source}")]
    File {
        /// The key that names the file.
        key: String,
        /// What is wrong with it.
        source: files::Error,
    },
    /// A section of a service that this program was built without.
    #[error(
        "{section}: this program was built without the feature {feature}; leave the section out"
    )]
    NotBuilt {
        /// The section.
        section: &'static str,
        /// The cargo feature.
        feature: &'static str,
    },
    /// The system gives no thread.
    #[error("plant: cannot start the thread of {service}: {reason}")]
    Thread {
        /// The service.
        service: &'static str,
        /// What the system said.
        reason: String,
    },
}

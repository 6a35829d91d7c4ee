use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::files;
use crate::plant::TlsConfig;

/// The most bytes of a certificate file.
const MAX_BYTES: u64 = 1 << 20;

/// A connection that has not shaken hands yet.
///
/// # Errors
/// What is wrong with the files, with the one that is.
pub(super) fn client(config: &TlsConfig, host: &str) -> Result<ClientConnection, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&config.ca_file)? {
        let added = roots.add(certificate);
        added.map_err(|error| format!("{}: {error}", config.ca_file.display()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder =
        builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    let builder = builder.with_root_certificates(roots);
    let tls = match &config.identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let tls = builder.with_client_auth_cert(certificates(certificate)?, private_key(key)?);
            tls.map_err(|error| format!("{}: {error}", certificate.display()))?
        }
    };
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| format!("{host}: no name that a certificate could have"))?;
    ClientConnection::new(Arc::new(tls), name).map_err(|error| error.to_string())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = files::read(path, MAX_BYTES).map_err(|error| error.to_string())?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(format!("{}: no PEM certificate in it", path.display())),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let bytes = files::read(path, MAX_BYTES).map_err(|error| error.to_string())?;
    PrivateKeyDer::from_pem_slice(&bytes)
        .map_err(|error| format!("{}: no PEM key: {error}", path.display()))
}

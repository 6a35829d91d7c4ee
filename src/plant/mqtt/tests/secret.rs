use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};

use super::{config, start, status, wait};
use crate::plant::{Memory, MqttConfig, TlsConfig};

/// An authority with certificates of its own, in files.
struct Authority {
    folder: PathBuf,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new(folder: &Path, name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("ca.pem"), issuer.pem()).unwrap();
        Self { folder, issuer }
    }

    fn ca_file(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The files of a certificate and of its key.
    fn issue(&self, host: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        let issuer: &Issuer<'static, KeyPair> = &self.issuer;
        let certificate = params.signed_by(&key, issuer).unwrap();
        let files =
            (self.folder.join(format!("{host}.pem")), self.folder.join(format!("{host}.key")));
        std::fs::write(&files.0, certificate.pem()).unwrap();
        std::fs::write(&files.1, key.serialize_pem()).unwrap();
        files
    }
}

fn certificate(path: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(path).unwrap()
}

/// A broker that welcomes over TLS and acknowledges whatever comes first; ends with the test.
fn broker(authority: &Authority, wants_identity: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (own, key) = authority.issue("127.0.0.1");
    let mut roots = RootCertStore::empty();
    roots.add(certificate(&authority.ca_file())).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = match wants_identity {
        false => builder.with_no_client_auth(),
        true => builder.with_client_cert_verifier(
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap(),
        ),
    };
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let tls = Arc::new(builder.with_single_cert(vec![certificate(&own)], key).unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(tls.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream);
            let mut buffer = [0; 4096];
            // A handshake that fails is part of the tests.
            while let Ok(1..) = std::io::Read::read(&mut stream, &mut buffer) {
                let welcome: &[u8] = if buffer[0] == 0x10 { &[0x20, 2, 0, 0] } else { &[0xd0, 0] };
                buffer[0] = 0;
                let _ = std::io::Write::write_all(&mut stream, welcome);
            }
        }
    });
    address
}

fn over(address: SocketAddr, folder: &Path, tls: TlsConfig) -> MqttConfig {
    MqttConfig { tls: Some(tls), ..config(address, folder) }
}

#[test]
fn a_broker_with_a_certificate_of_the_named_authority_is_trusted_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let [ours, theirs] = ["ours", "theirs"].map(|name| Authority::new(folder.path(), name));
    let address = broker(&ours, false);
    let tls = |authority: &Authority| TlsConfig { ca_file: authority.ca_file(), identity: None };
    let plant = start(over(address, folder.path(), tls(&ours)), &Memory::new("a"));
    wait("the welcome", || status(&plant).is_connected);
    drop(plant);
    let plant = start(over(address, folder.path(), tls(&theirs)), &Memory::new("a"));
    wait("many failures", || status(&plant).failures > 3);
    let status = status(&plant);
    assert!(!status.is_connected);
    let error = status.last_error.unwrap();
    assert!(error.contains("invalid peer certificate"), "{error}");
}

#[test]
fn a_certificate_for_another_host_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Authority::new(folder.path(), "ours");
    let address = broker(&ours, false);
    let tls = TlsConfig { ca_file: ours.ca_file(), identity: None };
    let named = MqttConfig { host: "localhost".to_owned(), ..over(address, folder.path(), tls) };
    let plant = start(named, &Memory::new("a"));
    wait("the cause", || {
        status(&plant).last_error.is_some_and(|error| error.contains("not valid for name"))
    });
}

#[test]
fn a_broker_that_wants_a_certificate_is_shown_the_boxs_own() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Authority::new(folder.path(), "ours");
    let address = broker(&ours, true);
    let identity = Some(ours.issue("box"));
    let tls = TlsConfig { ca_file: ours.ca_file(), identity };
    let plant = start(over(address, folder.path(), tls.clone()), &Memory::new("a"));
    wait("the welcome", || status(&plant).is_connected);
    drop(plant);
    let nameless = TlsConfig { identity: None, ..tls };
    let plant = start(over(address, folder.path(), nameless), &Memory::new("a"));
    wait("failures", || status(&plant).failures > 1);
    assert!(status(&plant).last_error.unwrap().to_lowercase().contains("certificate"));
}

#[test]
fn certificate_files_that_are_none_are_named_and_new_ones_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Authority::new(folder.path(), "ours");
    let address = broker(&ours, false);
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, "no certificate").unwrap();
    let tls = TlsConfig { ca_file: ca_file.clone(), identity: None };
    let plant = start(over(address, folder.path(), tls), &Memory::new("a"));
    wait("the cause", || status(&plant).last_error.is_some_and(|error| error.contains("ca.pem")));
    std::fs::copy(ours.ca_file(), &ca_file).unwrap();
    wait("the welcome", || status(&plant).is_connected);
}

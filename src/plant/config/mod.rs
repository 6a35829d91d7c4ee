//! What is written about the services, and what holds of it once it was checked.

mod checks;
mod peer;
mod raw;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use peer::Peer;
pub use raw::{RawHttp, RawModbus, RawMqtt, RawPlant};

/// The services; every value was checked. A section that is `None` is off.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlantConfig {
    /// The publisher.
    pub mqtt: Option<MqttConfig>,
    /// The Modbus server.
    pub modbus: Option<ModbusConfig>,
    /// The HTTP server.
    pub http: Option<HttpConfig>,
}

/// The HTTP server; every value was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Who may read; all when empty. Who is in it may also ask, with the token.
    pub peers: Vec<Peer>,
    /// The file of the token; without, nobody may ask for anything.
    pub token_file: Option<PathBuf>,
    /// The most connections at once.
    pub connections: usize,
}

/// The Modbus server; every value was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModbusConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Who may read; all when empty. Only who is in it may write.
    pub peers: Vec<Peer>,
    /// The most connections at once.
    pub connections: usize,
    /// A connection without a request for so long is closed.
    pub idle: Duration,
}

/// The publisher; every value was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MqttConfig {
    /// The broker's host name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How this box is known to the broker.
    pub client_id: String,
    /// Topics begin with it and a slash.
    pub prefix: String,
    /// The user, with the file of the password.
    pub login: Option<(String, Option<PathBuf>)>,
    /// How the connection is kept secret; in the open when absent.
    pub tls: Option<TlsConfig>,
    /// The connection is taken for lost when nothing comes for one and a half times as long.
    pub keep_alive: Duration,
    /// The shortest time between two messages of one retained topic.
    pub state_every: Duration,
    /// The first pause after a failure; each further one is twice as long.
    pub retry_min: Duration,
    /// The longest pause after a failure.
    pub retry_max: Duration,
    /// Results that are sent and not acknowledged yet, at most.
    pub window: usize,
    /// The file that remembers what was delivered.
    pub cursor_file: PathBuf,
}

/// Certificates, PEM files that are read anew for each connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// Who may have signed the broker's certificate; no other authority counts.
    pub ca_file: PathBuf,
    /// The box's own certificate and its key, where the broker wants one.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl PlantConfig {
    /// Whether no service is on.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What whoever installs this should know.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut open = |section: &str, listen: SocketAddr, peers: &[Peer]| {
            if !listen.ip().is_loopback() && peers.is_empty() {
                warnings.push(format!(
                    "plant.{section}.listen = {listen}: whoever reaches this address may read; \
                     plant.{section}.peers lists those who should"
                ));
            }
        };
        if let Some(http) = &self.http {
            open("http", http.listen, &http.peers);
        }
        if let Some(modbus) = &self.modbus {
            open("modbus", modbus.listen, &modbus.peers);
        }
        if let Some(http) = &self.http
            && !http.listen.ip().is_loopback()
            && http.token_file.is_some()
        {
            warnings.push(format!(
                "plant.http.listen = {}: the token travels in the open; put a TLS proxy before it",
                http.listen
            ));
        }
        let is_local = |host: &str| ["localhost", "127.0.0.1", "::1"].contains(&host);
        if let Some(mqtt) = &self.mqtt
            && mqtt.tls.is_none()
            && mqtt.login.is_some()
            && !is_local(&mqtt.host)
        {
            warnings.push(format!(
                "plant.mqtt.broker = {}: the password travels in the open; plant.mqtt.ca_file turns \
                 TLS on",
                mqtt.host
            ));
        }
        warnings
    }
}

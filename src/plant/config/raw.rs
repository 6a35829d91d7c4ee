use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The `[plant]` section, as it is written; a service without a section is off.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPlant {
    /// The publisher.
    pub mqtt: Option<RawMqtt>,
    /// The Modbus server.
    pub modbus: Option<RawModbus>,
    /// The HTTP server.
    pub http: Option<RawHttp>,
}

/// The `[plant.http]` section, as it is written.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawHttp {
    /// Address and port; `127.0.0.1:9464` when absent.
    pub listen: Option<String>,
    /// Addresses or networks such as `10.0.0.0/24`. If there are any, nobody else may read; nobody
    /// else may ever ask for anything.
    #[serde(default)]
    pub peers: Vec<String>,
    /// A file of one line, 16 to 200 visible ASCII characters, which who asks must know.
    pub token_file: Option<PathBuf>,
    /// The most connections at once, 2 to 64; 16 when absent.
    pub connections: Option<usize>,
}

/// The `[plant.modbus]` section, as it is written.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawModbus {
    /// Address and port; `127.0.0.1:5020` when absent. The usual port, 502, needs a privilege.
    pub listen: Option<String>,
    /// Addresses or networks such as `10.0.0.0/24`. If there are any, nobody else may read; nobody
    /// else may ever write.
    #[serde(default)]
    pub peers: Vec<String>,
    /// The most connections at once, 2 to 64; 16 when absent.
    pub connections: Option<usize>,
    /// A connection without a request for so long is closed, 0.1 to 3,600 s; 60 when absent.
    pub idle_s: Option<f64>,
}

/// The `[plant.mqtt]` section, as it is written.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawMqtt {
    /// Host name or address, with a port or without; 1883 or, with TLS, 8883 when absent.
    pub broker: String,
    /// How the box is known to the broker; `pairspec-` and the station's name when absent.
    pub client_id: Option<String>,
    /// What topics begin with; `pairspec/` and the station's name when absent.
    pub prefix: Option<String>,
    /// Who logs in.
    pub username: Option<String>,
    /// A file of one line, the password.
    pub password_file: Option<PathBuf>,
    /// A PEM file of the authorities that may have signed the broker's certificate; turns TLS on.
    pub ca_file: Option<PathBuf>,
    /// A PEM file, the box's own certificate.
    pub certificate_file: Option<PathBuf>,
    /// A PEM file, the key of that certificate.
    pub key_file: Option<PathBuf>,
    /// 1 to 600 s; 30 when absent.
    pub keep_alive_s: Option<f64>,
    /// The shortest time between two messages of a retained topic, 100 to 3,600,000 ms; 1,000 when
    /// absent.
    pub state_every_ms: Option<f64>,
    /// The first pause after a failure, 10 to 60,000 ms; 1,000 when absent.
    pub retry_min_ms: Option<f64>,
    /// The longest pause after a failure, 10 to 600,000 ms; 30,000 when absent.
    pub retry_max_ms: Option<f64>,
    /// Results that may be sent and not acknowledged, 1 to 256; 32 when absent.
    pub window: Option<usize>,
    /// Where is remembered what was delivered; `mqtt-cursor.json` in the journal's folder when
    /// absent.
    pub cursor_file: Option<PathBuf>,
}

//! Small named checks from what is written to what holds.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::raw::{RawHttp, RawModbus, RawMqtt, RawPlant};
use super::{HttpConfig, ModbusConfig, MqttConfig, Peer, PlantConfig, TlsConfig};
use crate::plant::{Error, secret};

/// The longest client id in bytes: what every broker must take is 23, what they do take is more.
const MAX_CLIENT_ID: usize = 64;
/// The longest prefix in bytes.
const MAX_PREFIX: usize = 200;

impl RawPlant {
    /// Checks every value against its range and the others; paths are relative to `folder`, and
    /// what is to be remembered lies in `state`, which may be all that can be written to.
    ///
    /// Secrets and certificates are read once, so that a wrong path shows now and not at night.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::File`] and [`Error::NotBuilt`] for the first that cannot work,
    /// with its key.
    pub fn validate(
        &self,
        folder: &Path,
        state: &Path,
        station: &str,
    ) -> Result<PlantConfig, Error> {
        check_built(self)?;
        let mqtt = self.mqtt.as_ref().map(|raw| raw.validate(folder, state, station));
        let mqtt = mqtt.transpose()?;
        let modbus = self.modbus.as_ref().map(RawModbus::validate).transpose()?;
        let http = self.http.as_ref().map(|raw| raw.validate(folder)).transpose()?;
        if let (Some(modbus), Some(http)) = (&modbus, &http) {
            check_apart(modbus.listen, http.listen)?;
        }
        Ok(PlantConfig { mqtt, modbus, http })
    }
}

impl RawHttp {
    fn validate(&self, folder: &Path) -> Result<HttpConfig, Error> {
        let token_file = self.token_file.as_ref().map(|path| folder.join(path));
        if let Some(path) = &token_file {
            secret::token(path).map_err(|error| error.under("plant.http.token_file", path))?;
        }
        Ok(HttpConfig {
            listen: address("plant.http.listen", self.listen.as_deref(), "127.0.0.1:9464")?,
            peers: peers("plant.http.peers", &self.peers)?,
            token_file,
            connections: count("plant.http.connections", self.connections.unwrap_or(16), (2, 64))?,
        })
    }
}

impl RawModbus {
    fn validate(&self) -> Result<ModbusConfig, Error> {
        let connections = self.connections.unwrap_or(16);
        Ok(ModbusConfig {
            listen: address("plant.modbus.listen", self.listen.as_deref(), "127.0.0.1:5020")?,
            peers: peers("plant.modbus.peers", &self.peers)?,
            connections: count("plant.modbus.connections", connections, (2, 64))?,
            idle: seconds("plant.modbus.idle_s", self.idle_s.unwrap_or(60.0), (0.1, 3_600.0))?,
        })
    }
}

impl RawMqtt {
    fn validate(&self, folder: &Path, state: &Path, station: &str) -> Result<MqttConfig, Error> {
        let tls = self.tls(folder)?;
        let (host, port) = self.broker(if tls.is_some() { 8883 } else { 1883 })?;
        let word = topic_word(station);
        let client_id = self.client_id.clone().unwrap_or_else(|| format!("pairspec-{word}"));
        let prefix = self.prefix.clone().unwrap_or_else(|| format!("pairspec/{word}"));
        check_client_id(&client_id)?;
        check_prefix(&prefix)?;
        let [retry_min, retry_max] = self.retry()?;
        let keep_alive = self.keep_alive_s.unwrap_or(30.0);
        let state_every = self.state_every_ms.unwrap_or(1_000.0) / 1e3;
        Ok(MqttConfig {
            host,
            port,
            client_id,
            prefix,
            login: self.login(folder)?,
            tls,
            keep_alive: seconds("plant.mqtt.keep_alive_s", keep_alive, (1.0, 600.0))?,
            state_every: seconds("plant.mqtt.state_every_ms / 1000", state_every, (0.1, 3_600.0))?,
            retry_min,
            retry_max,
            window: count("plant.mqtt.window", self.window.unwrap_or(32), (1, 256))?,
            cursor_file: match &self.cursor_file {
                Some(path) => folder.join(path),
                None => state.join("mqtt-cursor.json"),
            },
        })
    }

    /// The host and the port; an address of version 6 with a port is written in brackets.
    fn broker(&self, usual_port: u16) -> Result<(String, u16), Error> {
        let text = self.broker.trim();
        let parts = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, rest)) => (host, rest.strip_prefix(':')),
            None => match text.split_once(':') {
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (text, None),
            },
        };
        let port = parts.1.map_or(Ok(usual_port), str::parse);
        let is_host = |text: &str| {
            let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
            !text.is_empty() && text.len() < 254 && text.bytes().all(is_fit)
        };
        match port {
            Ok(port) if port > 0 && is_host(parts.0) => Ok((parts.0.to_owned(), port)),
            _ => Err(invalid(
                "plant.mqtt.broker",
                format!("{text:?}"),
                "a host name or address, with :port or without",
            )),
        }
    }

    fn login(&self, folder: &Path) -> Result<Option<(String, Option<PathBuf>)>, Error> {
        let file = self.password_file.as_ref().map(|path| folder.join(path));
        match (&self.username, file) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(invalid("plant.mqtt.username", "nothing", "who logs in")),
            (Some(user), _) if user.is_empty() || user.len() > 200 => {
                Err(invalid("plant.mqtt.username", format!("{user:?}"), "1 to 200 bytes"))
            }
            (Some(user), file) => {
                if let Some(path) = &file {
                    secret::password(path)
                        .map_err(|error| error.under("plant.mqtt.password_file", path))?;
                }
                Ok(Some((user.clone(), file)))
            }
        }
    }

    /// Only that the files are there is checked: certificates are renewed while a station runs,
    /// and a bad one must not keep it from starting.
    fn tls(&self, folder: &Path) -> Result<Option<TlsConfig>, Error> {
        let identity = match (&self.certificate_file, &self.key_file) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((folder.join(certificate), folder.join(key))),
            (Some(_), None) => {
                return Err(invalid("plant.mqtt.key_file", "nothing", "the certificate's key"));
            }
            (None, Some(_)) => {
                let expected = "the key's certificate";
                return Err(invalid("plant.mqtt.certificate_file", "nothing", expected));
            }
        };
        let Some(ca_file) = self.ca_file.as_ref().map(|path| folder.join(path)) else {
            if identity.is_none() {
                return Ok(None);
            }
            let expected = "the broker's authority, since a certificate needs TLS";
            return Err(invalid("plant.mqtt.ca_file", "nothing", expected));
        };
        let mut named = vec![("plant.mqtt.ca_file", &ca_file)];
        if let Some((certificate, key)) = &identity {
            named.push(("plant.mqtt.certificate_file", certificate));
            named.push(("plant.mqtt.key_file", key));
        }
        for (key, path) in named {
            let opened = crate::files::open(path);
            opened.map_err(|source| Error::File { key: key.to_owned(), source })?;
        }
        Ok(Some(TlsConfig { ca_file, identity }))
    }

    fn retry(&self) -> Result<[Duration; 2], Error> {
        let min = self.retry_min_ms.unwrap_or(1_000.0);
        let max = self.retry_max_ms.unwrap_or(30_000.0);
        let least = seconds("plant.mqtt.retry_min_ms / 1000", min / 1e3, (0.01, 60.0))?;
        let most = seconds("plant.mqtt.retry_max_ms / 1000", max / 1e3, (0.01, 600.0))?;
        if most < least {
            let expected = format!("at least retry_min_ms = {min}");
            return Err(invalid("plant.mqtt.retry_max_ms", max, expected));
        }
        Ok([least, most])
    }
}

fn check_built(raw: &RawPlant) -> Result<(), Error> {
    for (is_wanted, is_built, section, feature) in [
        (raw.mqtt.is_some(), cfg!(feature = "mqtt"), "[plant.mqtt]", "mqtt"),
        (raw.modbus.is_some(), cfg!(feature = "modbus"), "[plant.modbus]", "modbus"),
        (raw.http.is_some(), cfg!(feature = "http"), "[plant.http]", "http"),
    ] {
        if is_wanted && !is_built {
            return Err(Error::NotBuilt { section, feature });
        }
    }
    Ok(())
}

fn check_apart(modbus: SocketAddr, http: SocketAddr) -> Result<(), Error> {
    if modbus == http && http.port() != 0 {
        let expected = "another address or port than plant.modbus.listen";
        return Err(invalid("plant.http.listen", http, expected));
    }
    Ok(())
}

fn check_client_id(text: &str) -> Result<(), Error> {
    let is_visible = text.chars().all(|it| it.is_ascii_graphic());
    if !text.is_empty() && text.len() <= MAX_CLIENT_ID && is_visible {
        return Ok(());
    }
    let expected = format!("1 to {MAX_CLIENT_ID} visible ASCII characters");
    Err(invalid("plant.mqtt.client_id", format!("{text:?}"), expected))
}

/// Wildcards and empty levels are allowed by nobody or meant by nobody (MQTT 3.1.1, 4.7).
fn check_prefix(text: &str) -> Result<(), Error> {
    let is_level = |level: &str| {
        !level.is_empty() && !level.contains(['+', '#']) && !level.chars().any(char::is_control)
    };
    if text.len() <= MAX_PREFIX && !text.starts_with('$') && text.split('/').all(is_level) {
        return Ok(());
    }
    let expected =
        format!("levels parted by single slashes, without + and #, at most {MAX_PREFIX} bytes");
    Err(invalid("plant.mqtt.prefix", format!("{text:?}"), expected))
}

/// A station's name as one level of a topic and as part of a client id.
fn topic_word(name: &str) -> String {
    let is_fit = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
    let word = name.trim().chars().map(|it| if is_fit(it) { it } else { '-' });
    let word: String = word.take(48).collect();
    if word.is_empty() { "station".to_owned() } else { word }
}

fn address(key: &str, text: Option<&str>, usual: &str) -> Result<SocketAddr, Error> {
    let text = text.unwrap_or(usual);
    let expected = "an address with a port, such as 127.0.0.1:9464";
    text.trim().parse().map_err(|_| invalid(key, format!("{text:?}"), expected))
}

fn peers(key: &str, texts: &[String]) -> Result<Vec<Peer>, Error> {
    let expected = "an address or a network such as 10.0.0.0/24";
    let read =
        |text: &String| text.parse().map_err(|()| invalid(key, format!("{text:?}"), expected));
    if texts.len() > 64 {
        return Err(invalid(key, format!("{} entries", texts.len()), "at most 64; name networks"));
    }
    texts.iter().map(read).collect()
}

fn count(key: &str, found: usize, (least, most): (usize, usize)) -> Result<usize, Error> {
    if (least..=most).contains(&found) {
        return Ok(found);
    }
    Err(invalid(key, found, format!("{least} to {most}")))
}

/// A time in seconds; a key ending in `/ 1000` is one in milliseconds.
fn seconds(key: &str, found_s: f64, (least_s, most_s): (f64, f64)) -> Result<Duration, Error> {
    if (least_s..=most_s).contains(&found_s) {
        return Ok(Duration::from_secs_f64(found_s));
    }
    match key.strip_suffix(" / 1000") {
        Some(key) => {
            let expected = format!("{} to {} ms", least_s * 1e3, most_s * 1e3);
            Err(invalid(key, found_s * 1e3, expected))
        }
        None => Err(invalid(key, found_s, format!("{least_s} to {most_s} s"))),
    }
}

fn invalid(key: &str, found: impl fmt::Display, expected: impl Into<String>) -> Error {
    Error::Invalid { key: key.to_owned(), found: found.to_string(), expected: expected.into() }
}

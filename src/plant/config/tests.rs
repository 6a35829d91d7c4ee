#![allow(clippy::unwrap_used)]

use std::path::Path;

use crate::plant::{Error, PlantConfig, RawPlant};

fn checked(text: &str) -> Result<PlantConfig, Error> {
    checked_in(text, Path::new("here"))
}

fn checked_in(text: &str, folder: &Path) -> Result<PlantConfig, Error> {
    toml::from_str::<RawPlant>(text).unwrap().validate(folder, &folder.join("journal"), "Line 1/A")
}

#[test]
fn a_section_that_is_not_there_is_off() {
    assert!(checked("").unwrap().is_empty());
    assert!(toml::from_str::<RawPlant>("[opc]").is_err());
    assert!(toml::from_str::<RawPlant>("[http]\nlisten_to = 'x'").is_err());
}

#[cfg(all(feature = "http", feature = "modbus", feature = "mqtt"))]
#[test]
fn defaults_are_loopback_and_the_stations_name() {
    let config = checked("[http]\n[modbus]\n[mqtt]\nbroker = 'broker.local'").unwrap();
    let (http, modbus) = (config.http.clone().unwrap(), config.modbus.clone().unwrap());
    let mqtt = config.mqtt.clone().unwrap();
    assert!(http.listen.ip().is_loopback() && modbus.listen.ip().is_loopback());
    assert!(http.peers.is_empty() && http.token_file.is_none());
    assert_eq!((mqtt.host.as_str(), mqtt.port), ("broker.local", 1883));
    assert_eq!(mqtt.prefix, "pairspec/Line-1-A");
    assert_eq!(mqtt.client_id, "pairspec-Line-1-A");
    assert_eq!(mqtt.cursor_file, Path::new("here/journal/mqtt-cursor.json"));
    assert_eq!(mqtt.retry_max, std::time::Duration::from_secs(30));
    assert_eq!(config.warnings(), Vec::<String>::new());
}

#[cfg(feature = "mqtt")]
#[test]
fn a_broker_has_a_port_or_not() {
    for (broker, host, port) in [
        ("10.0.0.1:99", "10.0.0.1", 99),
        ("b.example", "b.example", 1883),
        ("[fd00::1]:1884", "fd00::1", 1884),
        ("fd00::1", "fd00::1", 1883),
    ] {
        let mqtt = checked(&format!("[mqtt]\nbroker = '{broker}'")).unwrap().mqtt.unwrap();
        assert_eq!((mqtt.host.as_str(), mqtt.port), (host, port), "{broker}");
    }
}

#[cfg(all(feature = "http", feature = "modbus", feature = "mqtt"))]
#[test]
fn what_cannot_work_is_refused_by_its_key() {
    let mqtt = |rest: &str| format!("[mqtt]\nbroker = 'b'\n{rest}");
    for (text, key) in [
        ("[http]\nlisten = 'localhost'".to_owned(), "plant.http.listen"),
        ("[http]\npeers = ['plc']".to_owned(), "plant.http.peers"),
        ("[http]\nconnections = 1".to_owned(), "plant.http.connections"),
        ("[http]\ntoken_file = 'none'".to_owned(), "plant.http.token_file"),
        ("[modbus]\nlisten = '127.0.0.1:9464'\n[http]".to_owned(), "plant.http.listen"),
        ("[modbus]\nidle_s = nan".to_owned(), "plant.modbus.idle_s"),
        ("[mqtt]\nbroker = ''".to_owned(), "plant.mqtt.broker"),
        ("[mqtt]\nbroker = 'mqtt://b'".to_owned(), "plant.mqtt.broker"),
        ("[mqtt]\nbroker = 'b:0'".to_owned(), "plant.mqtt.broker"),
        (mqtt("prefix = 'a//b'"), "plant.mqtt.prefix"),
        (mqtt("prefix = 'a/#'"), "plant.mqtt.prefix"),
        (mqtt("client_id = ''"), "plant.mqtt.client_id"),
        (mqtt("password_file = 'p'"), "plant.mqtt.username"),
        (mqtt("username = 'u'\npassword_file = 'p'"), "plant.mqtt.password_file"),
        (mqtt("certificate_file = 'c'"), "plant.mqtt.key_file"),
        (mqtt("certificate_file = 'c'\nkey_file = 'k'"), "plant.mqtt.ca_file"),
        (mqtt("ca_file = 'c'"), "plant.mqtt.ca_file"),
        (mqtt("keep_alive_s = 0.0"), "plant.mqtt.keep_alive_s"),
        (mqtt("state_every_ms = -1.0"), "plant.mqtt.state_every_ms"),
        (mqtt("retry_min_ms = 5000.0\nretry_max_ms = 100.0"), "plant.mqtt.retry_max_ms"),
        (mqtt("window = 0"), "plant.mqtt.window"),
    ] {
        let error = checked(&text).unwrap_err().to_string();
        assert!(error.starts_with(key), "{text}: {error}");
    }
}

#[cfg(feature = "mqtt")]
#[test]
fn what_was_delivered_is_remembered_with_the_journal_unless_a_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let cursor = |rest: &str| {
        let text = format!("[mqtt]\nbroker = 'b'\n{rest}");
        checked_in(&text, folder.path()).map(|config| config.mqtt.unwrap().cursor_file)
    };
    assert_eq!(cursor("").unwrap(), folder.path().join("journal/mqtt-cursor.json"));
    assert_eq!(cursor("cursor_file = 'c.json'").unwrap(), folder.path().join("c.json"));
}

#[cfg(feature = "http")]
#[test]
fn a_token_that_is_guessed_in_an_afternoon_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    for (token, is_fit) in [
        ("0123456789abcdef\n", true),
        ("short\n", false),
        ("", false),
        ("two words or more\n", false),
    ] {
        std::fs::write(&path, token).unwrap();
        let config = checked_in("[http]\ntoken_file = 'token'", folder.path());
        assert_eq!(config.is_ok(), is_fit, "{token:?}: {config:?}");
    }
}

#[cfg(all(feature = "http", feature = "modbus", feature = "mqtt"))]
#[test]
fn what_is_open_to_everybody_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p"), "secret").unwrap();
    std::fs::write(folder.path().join("t"), "0123456789abcdef").unwrap();
    let text = "[http]\nlisten = '0.0.0.0:80'\ntoken_file = 't'\n[modbus]\nlisten = '[::]:502'\n\
                [mqtt]\nbroker = 'b'\nusername = 'u'\npassword_file = 'p'";
    let warnings = checked_in(text, folder.path()).unwrap().warnings();
    assert_eq!(warnings.len(), 4, "{warnings:?}");
    let listed = text.replace("listen =", "peers = ['10.0.0.0/8']\nlisten =");
    assert_eq!(checked_in(&listed, folder.path()).unwrap().warnings().len(), 2);
}

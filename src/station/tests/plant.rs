//! The plant's network at a running line.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use serde_json::Value;

use super::onlookers::events;
use super::rig::*;
use crate::journal::EventSource;
use crate::station::Health;

const TOKEN: &str = "a-token-of-the-plant";

/// A port that was free a moment ago.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn http(at: SocketAddr, request: &str, body: &str) -> (u16, Vec<u8>) {
    let mut stream = connect(at);
    let length = body.len();
    write!(
        stream,
        "{request} HTTP/1.1\r\nHost: box\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let status = String::from_utf8_lossy(&answer[9..12]).parse().unwrap();
    (status, answer.split_off(head + 4))
}

fn connect(at: SocketAddr) -> TcpStream {
    for _ in 0..500 {
        if let Ok(stream) = TcpStream::connect(at) {
            return stream;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{at}: nobody listens");
}

fn json(at: SocketAddr, request: &str, body: &str) -> Value {
    let (status, body) = http(at, request, body);
    assert_eq!(status, 200, "{request}: {}", String::from_utf8_lossy(&body));
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn the_plant_reads_the_line_and_commands_it_by_its_lists() {
    let rig = Rig::new();
    std::fs::write(rig.folder.path().join("token"), TOKEN).unwrap();
    let at = free();
    let station = rig.start(&format!(
        "deadline_ms = 600\nrecipes = ['b.toml']\n\
         [plant.http]\nlisten = '{at}'\npeers = ['127.0.0.1']\ntoken_file = 'token'"
    ));
    wait_for(&station, "parts pass", |status| status.counters.conforming >= 3);
    let status = &json(at, "GET /api/status", "")["station"];
    assert_eq!(status["state"], "Operational.ContinuousExecution");
    assert!(status["counters"]["conforming"].as_u64().unwrap() >= 3);
    let last = json(at, "GET /api/last", "");
    assert!(last["number"].as_u64().unwrap() >= 1 && last["verdict"].is_string(), "{last}");
    let (code, png) = http(at, "GET /api/last/test.png", "");
    assert_eq!((code, &png[1..4]), (200, &b"PNG"[..]));
    let (_, metrics) = http(at, "GET /metrics", "");
    assert!(String::from_utf8(metrics).unwrap().contains("# TYPE pairspec_"));
    assert_eq!(json(at, "GET /api/recipes", "")["recipes"][1]["name"], "b");

    json(at, "POST /api/hold", r#"{"reason":"lot change"}"#);
    wait_for(&station, "held", |status| status.health == Health::Held);
    assert_eq!(json(at, "GET /api/status", "")["station"]["state"], "Operational.Initialized");
    json(at, "POST /api/resume", "");
    wait_for(&station, "running", |status| status.health == Health::Running);
    json(at, "POST /api/recipe", r#"{"index":2}"#);
    wait_for(&station, "the other recipe", |status| status.recipe.name == "b");
    assert_eq!(json(at, "GET /api/recipes", "")["in_force"]["index"], 2);
    assert_ne!(http(at, "POST /api/recipe", r#"{"index":3}"#).0, 200, "not in the list");
    rig.check(&station.stop().unwrap());
    let told = events(&rig);
    let by_plant = |name: &str| {
        let of = |(source, found, _): &&(EventSource, String, String)| {
            *source == EventSource::Plant && found == name
        };
        told.iter().find(of).map(|(_, _, detail)| detail.clone()).unwrap_or_default()
    };
    assert!(by_plant("hold").starts_with("lot change, by "), "{told:?}");
    assert!(by_plant("hold").contains("127.0.0.1"), "{told:?}");
    assert!(by_plant("recipe_changed").contains("sha-b"), "{told:?}");
}

#[test]
fn services_that_cannot_listen_leave_the_line_alone() {
    let rig = Rig::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap();
    let station = rig.start(&format!(
        "deadline_ms = 600\n[plant.http]\nlisten = '{at}'\n[plant.mqtt]\nbroker = '127.0.0.1:1'\n\
         [panel]\nframebuffer = '/nowhere/fb0'\n[input]\ndevices = ['/nowhere/event0']\n\
         [[input.button]]\naction = 'hold'\nchip = 'no such chip'\nline = 1"
    ));
    wait_for(&station, "parts pass", |status| status.counters.conforming >= 5);
    assert_eq!(station.status().health, Health::Running);
    rig.check(&station.stop().unwrap());
}

#[cfg(feature = "mqtt")]
#[test]
fn a_station_that_stops_in_order_is_halted_for_the_plant() {
    use crate::plant::test_broker::{Broker, Manner};
    let (rig, broker) = (Rig::new(), Broker::start(Manner::default()));
    let station =
        rig.start(&format!("deadline_ms = 600\n[plant.mqtt]\nbroker = '{}'", broker.address));
    wait_for(&station, "parts pass", |status| status.counters.conforming >= 3);
    wait_for(&station, "the state", |_| broker.last("/state").is_some());
    assert!(rig.folder.path().join("journal/mqtt-cursor.json").exists());
    rig.check(&station.stop().unwrap());
    // What was sent last may still be on its way.
    let is_told = || broker.last("/status").is_some_and(|status| status == "offline");
    for _ in 0..2_000 {
        if is_told() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(is_told());
    let state: Value = serde_json::from_str(&broker.last("/state").unwrap()).unwrap();
    assert_eq!((&state["state"], &state["cause"]), (&"Halted".into(), &"stopped".into()));
}

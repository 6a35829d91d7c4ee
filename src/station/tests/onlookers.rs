//! The plant's network, the operator's desk and the charts of drift at a running line.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;

use super::rig::*;
use crate::input::ACTIONS;
use crate::journal::{EventSource, Reader, Record};
use crate::station::onlookers::DeskWork;
use crate::station::{Command, Health, Station};

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

fn events(rig: &Rig) -> Vec<(EventSource, String, String)> {
    let reader = Reader::open(&rig.folder.path().join("journal")).unwrap();
    let rows = reader.after(0, 100_000).unwrap();
    let event = |row: crate::journal::Row| match row.entry.record {
        Record::Event(event) => Some((event.source, event.name, event.detail)),
        _ => None,
    };
    rows.into_iter().filter_map(event).collect()
}

#[cfg(feature = "http")]
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

#[test]
fn framing_that_drifts_holds_the_line_and_is_forgiven_when_it_is_mended() {
    let rig = Rig::new();
    rig.script.watches_drift.store(true, Ordering::SeqCst);
    let station = rig.start("deadline_ms = 600");
    wait_for(&station, "a baseline", |status| status.counters.conforming >= 45);
    assert_eq!(station.status().health, Health::Running);
    rig.script.shift_px.store(20, Ordering::SeqCst);
    wait_for(&station, "a hold", |status| status.health == Health::Held);
    let status = station.status();
    let reason = status.reason.unwrap();
    assert!(reason.starts_with("drift: ") && reason.contains("shift_x"), "{reason}");
    assert!(status.drift.iter().any(|figure| figure.level >= 1.0), "{:?}", status.drift);
    rig.script.shift_px.store(0, Ordering::SeqCst);
    assert_eq!(station.command(Command::Resume {})["ok"], true);
    wait_for(&station, "as it was", |status| status.health == Health::Running);
    rig.script.shift_px.store(20, Ordering::SeqCst);
    wait_for(&station, "a second hold", |status| status.health == Health::Held);
    // What is now is meant to be so.
    assert_eq!(station.command(Command::Relearn {})["ok"], true);
    assert_eq!(station.command(Command::Resume {})["ok"], true);
    let passed = station.status().counters.conforming;
    wait_for(&station, "parts pass", |status| status.counters.conforming >= passed + 10);
    assert_eq!(station.status().health, Health::Running);
    rig.check(&station.stop().unwrap());
    let names: Vec<String> = events(&rig).into_iter().map(|(_, name, _)| name).collect();
    assert_eq!(names.iter().filter(|name| *name == "drift_hold").count(), 2, "{names:?}");
    assert!(names.iter().any(|name| name == "relearn"), "{names:?}");
}

#[test]
fn what_is_usual_is_known_after_a_restart() {
    let rig = Rig::new();
    rig.script.watches_drift.store(true, Ordering::SeqCst);
    let station = rig.start("deadline_ms = 600");
    wait_for(&station, "a baseline", |status| status.counters.conforming >= 45);
    station.stop().unwrap();
    // From the first part on it is another picture than yesterday.
    rig.script.shift_px.store(20, Ordering::SeqCst);
    let station = rig.start("deadline_ms = 600");
    wait_for(&station, "a hold", |status| status.health == Health::Held);
    assert!(station.status().counters.finished < 45, "it did not learn that as usual");
    station.stop().unwrap();
}

#[test]
fn presses_do_what_the_lock_allows_and_are_in_the_journal() {
    let rig = Rig::new();
    let station = rig.start("deadline_ms = 600\nrecipes = ['b.toml']\n[input]");
    let mut desk = desk(&station, &rig, false);
    press(&mut desk, "hold");
    wait_for(&station, "held", |status| status.health == Health::Held);
    press(&mut desk, "resume");
    wait_for(&station, "running", |status| status.health == Health::Running);
    press(&mut desk, "next-recipe");
    press(&mut desk, "select-recipe");
    assert_eq!(station.status().recipe.name, "a", "locked");
    rig.check(&station.stop().unwrap());
    let told = events(&rig);
    let has = |name: &str, text: &str| {
        told.iter().any(|(source, found, detail)| {
            *source == EventSource::Operator && found == name && detail.contains(text)
        })
    };
    assert!(has("hold", "by button 1") && has("resume", "by button 1"), "{told:?}");
    assert!(has("refused", "next-recipe: locked"), "{told:?}");
}

#[test]
fn an_operator_who_may_changes_to_the_recipe_that_is_pointed_at() {
    let rig = Rig::new();
    let station = rig.start("deadline_ms = 600\nrecipes = ['b.toml']\n[input]");
    let mut desk = desk(&station, &rig, true);
    press(&mut desk, "next-recipe");
    press(&mut desk, "select-recipe");
    wait_for(&station, "the other recipe", |status| status.recipe.name == "b");
    rig.check(&station.stop().unwrap());
}

fn desk(station: &Station, rig: &Rig, may_change_recipe: bool) -> DeskWork {
    let config = rig.config("deadline_ms = 600\nrecipes = ['b.toml']\n[input]");
    let mut inputs = config.inputs.clone().unwrap();
    inputs.lock.may_change_recipe = may_change_recipe;
    DeskWork::of(station, &config.recipes, inputs)
}

fn press(desk: &mut DeskWork, action: &str) {
    let action = ACTIONS.into_iter().find(|known| known.name() == action).unwrap();
    desk.pressed(action, "button 1");
}

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::plant::{Memory, Peer, Verdict};

const TOKEN: &str = "0123456789abcdef";

fn desk(memory: &Memory, peers: &[&str], folder: Option<&Path>) -> Desk {
    let token_file = folder.map(|folder| {
        let path = folder.join("token");
        std::fs::write(&path, format!("{TOKEN}\n")).unwrap();
        path
    });
    let config = HttpConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        peers: peers.iter().map(|peer| peer.parse::<Peer>().unwrap()).collect(),
        token_file,
        connections: 4,
    };
    let shared = Arc::new(memory.clone());
    let doors = Doors { source: shared.clone(), requests: shared };
    Desk::new(config, doors, Vec::new())
}

fn post(path: &str, body: &str, token: Option<&str>) -> HttpRequest {
    HttpRequest {
        method: "POST".to_owned(),
        path: path.to_owned(),
        token: token.map(str::to_owned),
        body: body.as_bytes().to_vec(),
    }
}

fn get(path: &str) -> HttpRequest {
    HttpRequest { method: "GET".to_owned(), path: path.to_owned(), ..HttpRequest::default() }
}

fn here() -> IpAddr {
    "127.0.0.1".parse().unwrap()
}

#[test]
fn everything_that_can_be_read_is_answered() {
    let memory = Memory::new("line 1");
    let desk = desk(&memory, &[], None);
    let status = |path: &str| desk.answer(&get(path), here()).status();
    assert_eq!(READS.map(status), [200, 200, 404, 404, 404, 200]);
    memory.finish(3, Verdict::Mismatch);
    assert_eq!(READS.map(status), [200; 6]);
    let last: Value =
        serde_json::from_slice(desk.answer(&get("/api/last"), here()).body()).unwrap();
    assert_eq!((last["number"].as_u64(), last["verdict"].as_str()), (Some(3), Some("mismatch")));
    let image = desk.answer(&get("/api/last/test.png"), here());
    assert_eq!(image.body(), [0x89, b'P', 3]);
    assert!(String::from_utf8(image.head()).unwrap().contains("X-Part-Number: 3\r\n"));
}

#[test]
fn a_head_request_tells_the_length_and_sends_nothing() {
    let desk = desk(&Memory::new("a"), &[], None);
    let head = HttpRequest { method: "HEAD".to_owned(), ..get("/api/recipes") };
    let length = desk.answer(&get("/api/recipes"), here()).body().len();
    let answer = desk.answer(&head, here());
    assert!(answer.body().is_empty());
    let head = String::from_utf8(answer.head()).unwrap();
    assert_eq!(head.matches("Content-Length").count(), 1);
    assert!(head.contains(&format!("Content-Length: {length}\r\n")));
}

#[test]
fn asking_needs_a_listed_peer_and_the_token() {
    let (memory, folder) = (Memory::new("a"), tempfile::tempdir().unwrap());
    let listed = desk(&memory, &["127.0.0.1"], Some(folder.path()));
    let unlisted = desk(&memory, &[], Some(folder.path()));
    let tokenless = desk(&memory, &["127.0.0.1"], None);
    let request = |token| post("/api/resume", "", token);
    assert_eq!(unlisted.answer(&request(Some(TOKEN)), here()).status(), 403);
    assert_eq!(tokenless.answer(&request(Some(TOKEN)), here()).status(), 403);
    let other = "10.0.0.9".parse().unwrap();
    assert_eq!(listed.answer(&request(Some(TOKEN)), other).status(), 403);
    assert_eq!(listed.answer(&get("/metrics"), other).status(), 403);
    for wrong in [None, Some(""), Some("0123456789abcde"), Some("0123456789abcdeF")] {
        assert_eq!(listed.answer(&request(wrong), here()).status(), 401, "{wrong:?}");
    }
    assert!(memory.asked().is_empty());
    assert_eq!(listed.answer(&request(Some(TOKEN)), here()).status(), 200);
    assert_eq!(memory.asked(), [(Request::Resume, "http 127.0.0.1".to_owned())]);
    std::fs::write(folder.path().join("token"), "another-token-now").unwrap();
    assert_eq!(listed.answer(&request(Some(TOKEN)), here()).status(), 401);
    std::fs::remove_file(folder.path().join("token")).unwrap();
    assert_eq!(listed.answer(&request(Some(TOKEN)), here()).status(), 500);
}

#[test]
fn each_request_has_one_path_and_one_body() {
    let (memory, folder) = (Memory::new("a"), tempfile::tempdir().unwrap());
    let desk = desk(&memory, &["127.0.0.0/8"], Some(folder.path()));
    let status = |path, body| desk.answer(&post(path, body, Some(TOKEN)), here()).status();
    for (path, body, expected) in [
        ("/api/trigger", "", 200),
        ("/api/hold", r#"{"reason": "cleaning"}"#, 200),
        ("/api/hold", " \n", 200),
        ("/api/resume", "{}", 200),
        ("/api/challenge", "", 200),
        ("/api/recipe", r#"{"name": "second"}"#, 200),
        ("/api/recipe", r#"{"index": 1}"#, 200),
        ("/api/recipe", r#"{"index": 9}"#, 409),
        ("/api/recipe", r#"{"name": "x", "index": 1}"#, 400),
        ("/api/recipe", r#"{"path": "/etc/x"}"#, 400),
        ("/api/recipe", "", 400),
        ("/api/trigger", r#"{"now": 1}"#, 400),
        ("/api/hold", "cleaning", 400),
        ("/api/stop", "", 404),
        ("/metrics", "", 405),
    ] {
        assert_eq!(status(path, body), expected, "{path} {body}");
    }
    assert_eq!(memory.asked().len(), 8);
    assert_eq!(desk.answer(&get("/api/hold"), here()).status(), 405);
}

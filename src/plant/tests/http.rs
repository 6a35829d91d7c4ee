use std::io::{Read, Write};
use std::net::SocketAddr;

use super::{connect, free_address, is_closed, start, wait};
use crate::plant::{HttpConfig, Memory, PlantConfig};

pub(super) fn config(listen: SocketAddr) -> HttpConfig {
    HttpConfig { listen, peers: Vec::new(), token_file: None, connections: 8 }
}

fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = connect(address);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_client_that_sends_nothing_keeps_nobody_out_and_is_given_up() {
    let address = free_address();
    let config = PlantConfig { http: Some(config(address)), ..PlantConfig::default() };
    let plant = start(&config, &Memory::new("line 9"));
    // Half of the eight connections are all that one address has.
    let mut slow: Vec<_> = (0..3).map(|_| connect(address)).collect();
    slow.iter_mut().for_each(|stream| stream.write_all(b"GET /metrics HTTP/1.1\r\nA: ").unwrap());
    let answer = ask(address, "GET /metrics HTTP/1.1\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("pairspec_state{state=\"Operational.Ready\"} 1"), "{answer}");
    // The connection that was answered has its place until the server saw its end.
    wait("the end of the answered", || plant.status()[0].open == 3);
    slow.push(connect(address));
    wait("the fourth", || plant.status()[0].open >= 4);
    assert!(is_closed(&mut connect(address)), "a fifth of one address");
    assert!(slow.iter_mut().all(is_closed));
    wait("their end", || plant.status()[0].timed_out == 4);
    assert_eq!(plant.status()[0].refused, 1);
    wait("room", || plant.status()[0].open == 0);
    assert!(ask(address, "GET /api/status HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_client_that_sends_too_much_sees_why_it_is_refused() {
    let address = free_address();
    let config = PlantConfig { http: Some(config(address)), ..PlantConfig::default() };
    let plant = start(&config, &Memory::new("a"));
    let body = "x".repeat(20_000);
    let request =
        format!("POST /api/hold HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    assert!(ask(address, &request).starts_with("HTTP/1.1 413 Content Too Large\r\n"));
    wait("the count", || plant.status()[0].malformed == 1);
}

#[test]
fn an_address_that_is_taken_is_a_trouble_that_ends_by_itself() {
    let address = free_address();
    let other = std::net::TcpListener::bind(address).unwrap();
    let config = PlantConfig { http: Some(config(address)), ..PlantConfig::default() };
    let plant = start(&config, &Memory::new("a"));
    wait("the trouble", || plant.status()[0].last_error.is_some());
    assert!(!plant.status()[0].is_connected);
    drop(other);
    wait("the server", || plant.status()[0].is_connected);
    assert!(plant.status()[0].failures > 0 && plant.status()[0].last_error.is_none());
}

//! The services over real sockets, with clients made here.
#![allow(clippy::unwrap_used)]

#[cfg(feature = "http")]
mod http;
#[cfg(feature = "modbus")]
mod modbus;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Memory, Plant, PlantConfig, Seams};

/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(20);

/// An address that nobody listens at.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn start(config: &PlantConfig, memory: &Memory) -> Plant {
    let shared = Arc::new(memory.clone());
    let outbox = Some(Box::new(memory.clone()) as _);
    Plant::start(config, Seams { source: shared.clone(), requests: shared, outbox }).unwrap()
}

/// Waits for something that threads are about to do.
fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LONG, "{what}: not after {LONG:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A connection to a server that is about to listen.
fn connect(address: SocketAddr) -> TcpStream {
    let mut stream = None;
    wait("a server", || {
        stream = TcpStream::connect(address).ok();
        stream.is_some()
    });
    let stream = stream.unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

/// Whether the other side closed the connection, whatever it said before.
#[cfg(any(feature = "http", feature = "modbus"))]
fn is_closed(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    let read = std::io::Read::read_to_end(stream, &mut rest);
    read.map_or_else(|error| error.kind() == std::io::ErrorKind::ConnectionReset, |_| true)
}

#[test]
fn services_stop_within_two_seconds_and_their_address_is_free_again() {
    let memory = Memory::new("a");
    let mut config = PlantConfig::default();
    let address = free_address();
    #[cfg(feature = "http")]
    {
        config.http = Some(http::config(address));
    }
    #[cfg(not(feature = "http"))]
    let _ = (&mut config, address);
    for _ in 0..2 {
        let plant = start(&config, &memory);
        wait("all services", || plant.status().iter().all(|status| status.is_connected));
        let hanging = cfg!(feature = "http").then(|| connect(address));
        let began = Instant::now();
        drop(plant);
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        drop(hanging);
    }
}

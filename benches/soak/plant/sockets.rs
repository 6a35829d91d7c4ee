//! Damaged input to the services of a running line, over sockets.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use pairspec::signal::Recorded;
use pairspec::station::{Command, Health, Station};

use super::broker;
use crate::line;
use crate::shared::plant::{Protocol, TOKEN, all};
use crate::shared::test_broker::{Broker, Manner};

/// A client that waits for an answer longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);
/// Parts a second.
const RATE: f64 = 30.0;

/// Batters all three services of a line with each seed, HTTP with the token; what was broken.
pub(super) fn run(seeds: Range<u64>) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let (listener, broker_address) = broker::listen();
    let addresses = [free_address(), free_address()];
    let station = start(folder.path(), addresses, broker_address);
    let [http, modbus, mqtt] = all();
    let rights: [&[u8]; 2] =
        [b"GET /api/status HTTP/1.1\r\n\r\n", &[0, 1, 0, 0, 0, 6, 1, 4, 0, 0, 0, 48]];
    let mut broken = Vec::new();
    std::thread::scope(|scope| {
        let said = scope.spawn(|| broker::hold(&listener, &mqtt, seeds.clone()));
        for ((protocol, address), right) in [http, modbus].iter().zip(addresses).zip(rights) {
            broken.extend(batter(protocol, address, right, seeds.clone()));
        }
        broken.extend(said.join().unwrap());
        println!("{:<10}{:>9} over sockets", mqtt.name, seeds.end - seeds.start);
    });
    drop(listener);
    // A broker that keeps to the protocol finds the client at work.
    let broker = Broker::at(broker_address, Manner::default());
    wait("results after the damage", || !broker.results().is_empty());
    broken.extend(finish(station, folder.path(), addresses[0]));
    broken
}

fn start(folder: &Path, [http, modbus]: [SocketAddr; 2], broker: SocketAddr) -> Station {
    std::fs::write(folder.join("token"), TOKEN).unwrap();
    let services = format!(
        "[plant.http]\nlisten = '{http}'\npeers = ['127.0.0.1']\ntoken_file = 'token'\n\
         [plant.modbus]\nlisten = '{modbus}'\npeers = ['127.0.0.1']\n\
         [plant.mqtt]\nbroker = '{broker}'\nretry_min_ms = 10\nretry_max_ms = 10\n"
    );
    let config = line::config(folder, RATE, false, &services);
    let setup = line::setup(&config, &Recorded::default(), false);
    let station = Station::start(config, setup).unwrap();
    wait("parts", || station.status().counters.conforming > 5);
    station
}

/// Each damaged request is followed by a right one on a connection of its own.
fn batter(
    protocol: &Protocol,
    address: SocketAddr,
    right: &[u8],
    seeds: Range<u64>,
) -> Vec<String> {
    let (mut broken, mut slowest) = (Vec::new(), Duration::ZERO);
    let count = seeds.end - seeds.start;
    for seed in seeds {
        // What becomes of a damaged request is not asked here; that others go on is.
        let _ = exchange(address, &protocol.damaged(seed));
        let began = Instant::now();
        match exchange(address, right) {
            Ok(answer) if answer.len() > 8 => slowest = slowest.max(began.elapsed()),
            other => broken.push(format!("{}: after seed {seed}: {other:?}", protocol.name)),
        }
    }
    println!("{:<10}{count:>9} over sockets, {slowest:?} at most", protocol.name);
    broken
}

/// What was asked with the token was done, and may have held the line: it goes on when it is told to,
/// and every part it ever had has an outcome.
fn finish(station: Station, folder: &Path, http: SocketAddr) -> Vec<String> {
    let mut broken = Vec::new();
    let metrics = exchange(http, b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
    let metrics = String::from_utf8_lossy(&metrics).into_owned();
    let panics = metrics.lines().filter(|line| line.starts_with("pairspec_plant_panics_total{"));
    broken.extend(panics.filter(|line| !line.ends_with(" 0")).map(str::to_owned));
    station.command(Command::Resume {});
    let before = station.status().counters.conforming;
    wait("parts that pass again", || station.status().counters.conforming > before + 5);
    if station.status().health != Health::Running {
        broken.push(format!("the line is {:?}", station.status().health));
    }
    let status = station.stop().unwrap();
    let (parts, counters) = (line::outcomes(folder).0, status.counters);
    println!(
        "the line beside it: {} parts in {:.0} s, {} passed, {parts} with an outcome in the journal",
        counters.triggers, status.up_s, counters.conforming
    );
    let is_whole = counters.triggers == counters.finished && parts == counters.finished;
    let expected = ((status.up_s - 1.0) * RATE * 0.98) as u64;
    if !is_whole || counters.missed_triggers > 0 || counters.triggers < expected {
        broken.push(format!("the line: {counters:?}, at least {expected} were to be triggered"));
    }
    broken
}

fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}: not after {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Sends all of it and nothing more, and reads to the end.
fn exchange(address: SocketAddr, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(bytes)?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

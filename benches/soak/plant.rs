//! Damaged requests of every protocol, without sockets and then over them, beside right ones.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pairspec::plant::{
    Memory, Outbox, Plant, RawHttp, RawModbus, RawMqtt, RawPlant, Seams, ServiceStatus, Verdict,
};

use crate::shared::plant::{Protocol, all, batter};
use crate::shared::test_broker::{Broker, Manner};

/// No request takes longer, damaged or not.
const SLOWEST: Duration = Duration::from_secs(1);
/// A client that waits for an answer longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Damaged inputs of each protocol
    #[arg(long, default_value_t = 100_000)]
    count: u64,
    /// Of these, how many go over a socket too
    #[arg(long, default_value_t = 2_000)]
    sockets: u64,
    /// A broker is away for so many seconds, while a station has ten results a second
    #[arg(long, default_value_t = 5)]
    away: u64,
    /// The first seed; an input depends on its seed alone
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Batters every protocol and prints a line each; whether all promises were kept.
pub(crate) fn run(arguments: &Arguments) -> bool {
    println!("{:<10}{:>9}{:>10}{:>12}  its seed", "protocol", "tried", "answered", "slowest");
    let mut broken = Vec::new();
    let protocols = all();
    for protocol in &protocols {
        let tally = batter(protocol, arguments.seed..arguments.seed + arguments.count);
        println!(
            "{:<10}{:>9}{:>10}{:>9.2} ms  {}",
            protocol.name,
            tally.tried,
            tally.answered,
            tally.slowest.as_secs_f64() * 1e3,
            tally.slowest_seed
        );
        if tally.slowest > SLOWEST {
            broken.push(format!("{}: {:?}", protocol.name, tally.slowest));
        }
        broken.extend(tally.broken);
    }
    broken.extend(over_sockets(&protocols, arguments));
    broken.extend(without_broker(arguments.away));
    broken.iter().for_each(|promise| println!("BROKEN {promise}"));
    println!("{} broken", broken.len());
    broken.is_empty()
}

/// The same to running servers, each followed by a right request on a connection of its own.
fn over_sockets(protocols: &[Protocol], arguments: &Arguments) -> Vec<String> {
    let memory = Memory::new("soak");
    memory.finish(1, Verdict::Conforming);
    let addresses = [free_address(), free_address()];
    let plant = start(addresses, &memory);
    let rights: [&[u8]; 2] =
        [b"GET /api/status HTTP/1.1\r\n\r\n", &[0, 1, 0, 0, 0, 6, 1, 4, 0, 0, 0, 48]];
    let mut broken = Vec::new();
    for ((protocol, address), right) in protocols.iter().zip(addresses).zip(rights) {
        let mut slowest = Duration::ZERO;
        for seed in arguments.seed..arguments.seed + arguments.sockets {
            // What becomes of a damaged request is not asked here; that others go on is.
            let _ = exchange(address, &protocol.damaged(seed));
            let began = Instant::now();
            match exchange(address, right) {
                Ok(answer) if answer.len() > 8 => slowest = slowest.max(began.elapsed()),
                other => broken.push(format!("{}: after seed {seed}: {other:?}", protocol.name)),
            }
        }
        println!("{:<10}{:>9} over sockets, {slowest:?} at most", protocol.name, arguments.sockets);
    }
    for ServiceStatus { name, panics, failures, .. } in plant.status() {
        if panics + failures > 0 {
            broken.push(format!("{name}: {panics} panics, {failures} failures"));
        }
    }
    broken
}

/// A broker that is there, away for a while and there again has each result once and in order, and
/// what the box holds meanwhile is bounded.
fn without_broker(seconds: u64) -> Vec<String> {
    let (folder, memory) = (tempfile::tempdir().unwrap(), Memory::new("soak"));
    let broker = Broker::start(Manner::default());
    let address = broker.address;
    let raw = RawMqtt { broker: address.to_string(), ..RawMqtt::default() };
    let raw = RawPlant { mqtt: Some(raw), ..RawPlant::default() };
    let shared = Arc::new(memory.clone());
    let outbox: Option<Box<dyn Outbox>> = Some(Box::new(memory.clone()));
    let seams = Seams { source: shared.clone(), requests: shared, outbox };
    let plant = Plant::start(&raw.validate(folder.path(), "soak").unwrap(), seams).unwrap();
    (1..=100).for_each(|number| memory.finish(number, Verdict::Conforming));
    wait(&plant, 100);
    let mut seen = broker.results();
    drop(broker);
    let last = 100 + seconds * 10;
    for number in 101..=last {
        memory.finish(number, Verdict::Conforming);
        std::thread::sleep(Duration::from_millis(100));
    }
    let (failures, began) = (plant.status()[0].failures, Instant::now());
    let broker = Broker::at(address, Manner::default());
    wait(&plant, last);
    seen.extend(broker.results());
    println!(
        "MQTT: {seconds} s without a broker, {failures} tries, {} results, all delivered {:.1} s after \
         it came back, {} read at once",
        seen.len(),
        began.elapsed().as_secs_f64(),
        memory.largest_batch()
    );
    let is_each_once = seen.iter().map(|result| result.0).eq(1..=last);
    let mut broken = Vec::new();
    if !is_each_once || seen.iter().any(|result| result.1) {
        broken.push(format!("MQTT: {seen:?}"));
    }
    if memory.largest_batch() > 64 {
        broken.push(format!("MQTT: {} records read at once", memory.largest_batch()));
    }
    broken
}

/// Until so many results were acknowledged.
fn wait(plant: &Plant, delivered: u64) {
    let began = Instant::now();
    while plant.status()[0].delivered < delivered {
        assert!(began.elapsed() < Duration::from_secs(120), "{:?}", plant.status());
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn start([http, modbus]: [SocketAddr; 2], memory: &Memory) -> Plant {
    let raw = RawPlant {
        http: Some(RawHttp { listen: Some(http.to_string()), ..RawHttp::default() }),
        modbus: Some(RawModbus { listen: Some(modbus.to_string()), ..RawModbus::default() }),
        mqtt: None,
    };
    let shared = Arc::new(memory.clone());
    let seams = Seams { source: shared.clone(), requests: shared, outbox: None };
    let config = raw.validate(std::path::Path::new("."), "soak").unwrap();
    let plant = Plant::start(&config, seams).unwrap();
    while !plant.status().iter().all(|status| status.is_connected) {
        std::thread::sleep(Duration::from_millis(5));
    }
    plant
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

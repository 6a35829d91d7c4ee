use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{LONG, connect, free_address, is_closed, start, wait};
use crate::plant::{
    Memory, ModbusConfig, Plant, PlantConfig, RecipeChoice, Request, Requests, Seams, Verdict,
};

fn config(listen: SocketAddr, peers: &[&str], idle: Duration) -> PlantConfig {
    let peers = peers.iter().map(|peer| peer.parse().unwrap()).collect();
    let modbus = ModbusConfig { listen, peers, connections: 8, idle };
    PlantConfig { modbus: Some(modbus), ..PlantConfig::default() }
}

fn exchange(stream: &mut TcpStream, pdu: &[u8]) -> Vec<u8> {
    let length = (pdu.len() as u16 + 1).to_be_bytes();
    stream.write_all(&[&[7, 7, 0, 0], &length[..], &[1], pdu].concat()).unwrap();
    let mut header = [0; 7];
    stream.read_exact(&mut header).unwrap();
    assert_eq!(header[..4], [7, 7, 0, 0]);
    let length = u16::from_be_bytes([header[4], header[5]]);
    let mut answer = vec![0; usize::from(length) - 1];
    stream.read_exact(&mut answer).unwrap();
    answer
}

#[test]
fn two_masters_read_while_one_asks_and_reads_back() {
    let (address, memory) = (free_address(), Memory::new("a"));
    let _plant = start(&config(address, &["127.0.0.1"], LONG), &memory);
    let (mut first, mut second) = (connect(address), connect(address));
    memory.finish(70_001, Verdict::Mismatch);
    let last_part = [3, 0, 26, 0, 3];
    for master in [&mut first, &mut second] {
        assert_eq!(exchange(master, &last_part), [3, 6, 0, 1, 0x11, 0x71, 0, 2]);
    }
    let select = [6, 0, 101, 0, 2];
    assert_eq!(exchange(&mut first, &select), select);
    wait("the recipe", || exchange(&mut second, &[4, 0, 101, 0, 1]) == [4, 2, 0, 2]);
    wait("the outcome", || exchange(&mut first, &[4, 0, 45, 0, 2]) == [4, 4, 0, 1, 0, 2]);
    assert_eq!(exchange(&mut second, &[4, 0, 45, 0, 2]), [4, 4, 0, 0, 0, 0]);
    let expected = (Request::SelectRecipe(RecipeChoice::Index(2)), "modbus 127.0.0.1".to_owned());
    assert_eq!(memory.asked(), [expected]);
}

/// A station that carries out what takes long only when it may.
struct Slow {
    memory: Memory,
    may_go_on: Mutex<Receiver<()>>,
}

impl Requests for Slow {
    fn ask(&self, request: Request, peer: &str) -> Result<Value, String> {
        let is_long = matches!(request, Request::Challenge | Request::SelectRecipe(_));
        let answer = self.memory.ask(request, peer);
        if is_long {
            self.may_go_on.lock().unwrap().recv_timeout(LONG).map_err(|error| error.to_string())?;
        }
        answer
    }
}

#[test]
fn a_hold_and_a_trigger_do_not_wait_for_a_challenge_or_a_recipe() {
    let (address, memory) = (free_address(), Memory::new("a"));
    let (go_on, may_go_on) = channel();
    let requests = Arc::new(Slow { memory: memory.clone(), may_go_on: Mutex::new(may_go_on) });
    let seams = Seams { source: Arc::new(memory.clone()), requests, outbox: None };
    let plant = Plant::start(&config(address, &["127.0.0.1"], LONG), seams).unwrap();
    let (mut first, mut second) = (connect(address), connect(address));
    for ask in [[6, 0, 100, 0, 4], [6, 0, 101, 0, 2]] {
        assert_eq!(exchange(&mut first, &ask), ask);
    }
    wait("the challenge", || memory.asked().len() == 1);
    for ask in [[6, 0, 100, 0, 1], [6, 0, 100, 0, 2]] {
        assert_eq!(exchange(&mut second, &ask), ask);
    }
    wait("both at once", || memory.asked().len() == 3);
    let [_, (trigger, _), (hold, _)] = &memory.asked()[..] else { panic!("{:?}", memory.asked()) };
    assert_eq!(*trigger, Request::Trigger);
    assert!(matches!(hold, Request::Hold { .. }));
    // Each master is told of its own: two taken and running, two taken and done.
    let outcome = [3, 0, 45, 0, 2];
    wait("the hold's outcome", || exchange(&mut second, &outcome) == [3, 4, 0, 2, 0, 2]);
    assert_eq!(exchange(&mut first, &outcome), [3, 4, 0, 2, 0, 1]);
    assert_eq!(plant.status()[0].overlapped, 2);
    [(); 2].iter().for_each(|()| go_on.send(()).unwrap());
    wait("the recipe's outcome", || exchange(&mut first, &outcome) == [3, 4, 0, 2, 0, 2]);
    assert_eq!(exchange(&mut second, &[3, 0, 101, 0, 1]), [3, 2, 0, 2]);
}

#[test]
fn two_hundred_requests_a_second_are_answered() {
    let address = free_address();
    let plant = start(&config(address, &[], LONG), &Memory::new("a"));
    let mut master = connect(address);
    let began = Instant::now();
    for _ in 0..400 {
        assert_eq!(exchange(&mut master, &[4, 0, 0, 0, 48]).len(), 98);
    }
    // Two seconds' worth, with much room for a busy machine.
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(plant.status()[0].delivered, 400);
}

#[test]
fn a_master_that_is_silent_or_speaks_something_else_is_closed() {
    let address = free_address();
    let plant = start(&config(address, &[], Duration::from_millis(200)), &Memory::new("a"));
    assert!(is_closed(&mut connect(address)));
    wait("the count", || plant.status()[0].timed_out == 1);
    let mut other = connect(address);
    other.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(is_closed(&mut other));
    wait("the count", || plant.status()[0].malformed == 1);
    assert_eq!(exchange(&mut connect(address), &[3, 0, 0, 0, 1]), [3, 2, 0, 2]);
}

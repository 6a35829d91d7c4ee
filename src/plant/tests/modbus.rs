use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::{LONG, connect, free_address, is_closed, start, wait};
use crate::plant::{Memory, ModbusConfig, PlantConfig, RecipeChoice, Request, Verdict};

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
    wait("the outcome", || exchange(&mut second, &[4, 0, 45, 0, 2]) == [4, 4, 0, 1, 0, 2]);
    let expected = (Request::SelectRecipe(RecipeChoice::Index(2)), "modbus 127.0.0.1".to_owned());
    assert_eq!(memory.asked(), [expected]);
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
    assert_eq!(exchange(&mut connect(address), &[3, 0, 0, 0, 1]), [3, 2, 0, 1]);
}

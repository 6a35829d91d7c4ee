//! A Modbus master that reads at a rate, in a thread of its own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Registers of one request, from the first on.
const REGISTERS: u8 = 32;
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Master {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Master {
    /// Begins to read so many times a second, as soon as somebody listens.
    pub(super) fn new(rate: f64) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let until = is_over.clone();
        let thread = std::thread::spawn(move || read(address, rate, &until));
        Self { address, is_over, thread }
    }

    /// What the station file needs to be read.
    pub(super) fn section(&self) -> String {
        format!("[plant.modbus]\nlisten = '{}'\n", self.address)
    }

    /// Ends, and says how many requests were answered.
    pub(super) fn stop(self) -> u64 {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn read(address: SocketAddr, rate: f64, is_over: &AtomicBool) -> u64 {
    let begun = Instant::now();
    let mut stream = loop {
        match TcpStream::connect(address) {
            Ok(stream) => break stream,
            Err(_) if begun.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(10)),
            Err(error) => panic!("{address}: {error}"),
        }
    };
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (begun, mut answered) = (Instant::now(), 0_u64);
    while !is_over.load(Ordering::Relaxed) {
        // Source: Modbus messaging on TCP/IP 1.0b, 3.1.3; function 4, read input registers.
        let number = (answered as u16).to_be_bytes();
        let request = [number[0], number[1], 0, 0, 0, 6, 1, 4, 0, 0, 0, REGISTERS];
        stream.write_all(&request).unwrap();
        let mut answer = [0; 9 + 2 * REGISTERS as usize];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!((&answer[..2], answer[7]), (&number[..], 4), "an answer to this request");
        answered += 1;
        let next = Duration::from_secs_f64(answered as f64 / rate);
        std::thread::sleep(next.saturating_sub(begun.elapsed()));
    }
    answered
}

//! Two Modbus masters that read a line's registers by turns, and what they cost its parts.

use std::io::{Read as _, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pairspec::journal::{Filter, Reader, Record, Row, now_ms};

/// Registers of one request, from the first on.
const REGISTERS: u8 = 32;
const PATIENCE: Duration = Duration::from_secs(5);
/// They read for so long, and for as long they do not.
const TURN: Duration = Duration::from_secs(10);
/// Parts that left so soon after a turn began belong to neither.
const BETWEEN_MS: u64 = 500;
/// What 99 in 100 parts may take longer beside masters, as a factor.
const MOST_RATIO: f32 = 1.1;
/// And this beside it: by so much the percentile of a line without masters differs from turn to turn,
/// since threads are woken to within some 0.1 ms.
const NOISE_MS: f32 = 0.25;

pub(super) struct Masters {
    address: SocketAddr,
    is_reading: Arc<AtomicBool>,
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<u64>>,
    begun: Instant,
    /// When turns began, and whether the masters read in them.
    turns: Vec<(u64, bool)>,
}

impl Masters {
    /// Will read so many times a second in all, as soon as somebody listens and it is their turn.
    pub(super) fn new(rate: f64) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (is_reading, is_over) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let threads = [(); 2].map(|()| {
            let flags = [is_reading.clone(), is_over.clone()];
            std::thread::spawn(move || read(address, rate / 2.0, &flags))
        });
        let (begun, turns) = (Instant::now(), Vec::new());
        Self { address, is_reading, is_over, threads: threads.into(), begun, turns }
    }

    /// What the station file needs to be read.
    pub(super) fn section(&self) -> String {
        format!("[plant.modbus]\nlisten = '{}'\n", self.address)
    }

    /// Begins the next turn when it is time.
    pub(super) fn tend(&mut self) {
        let turn = (self.begun.elapsed().as_secs_f64() / TURN.as_secs_f64()) as usize;
        if self.turns.len() <= turn {
            let is_reading = turn % 2 == 1;
            self.is_reading.store(is_reading, Ordering::Relaxed);
            self.turns.push((now_ms(), is_reading));
        }
    }

    /// Ends the reading, before the line that is read ends.
    pub(super) fn stop(self) -> Read {
        self.is_over.store(true, Ordering::Relaxed);
        let answered = self.threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        Read { answered, turns: self.turns }
    }
}

/// What was read.
pub(super) struct Read {
    answered: u64,
    turns: Vec<(u64, bool)>,
}

impl Read {
    /// Compares the parts of both kinds of turns; whether the masters cost no more than they may.
    pub(super) fn compare(&self, journal: &Path) -> bool {
        let [without, beside] = times(journal, &self.turns).map(Percentile::of);
        let ratio = beside.p99_ms / without.p99_ms;
        println!(
            "two masters by turns of {} s, {} answers; trigger to output p99 {:.3} ms of {} parts \
             without them, {:.3} ms of {} beside them, ratio {ratio:.3}; at most {MOST_RATIO} and \
             {NOISE_MS} ms",
            TURN.as_secs(),
            self.answered,
            without.p99_ms,
            without.count,
            beside.p99_ms,
            beside.count,
        );
        let most_ms = without.p99_ms * MOST_RATIO + NOISE_MS;
        without.count > 0 && beside.count > 0 && self.answered > 0 && beside.p99_ms <= most_ms
    }
}

struct Percentile {
    count: usize,
    p99_ms: f32,
}

impl Percentile {
    fn of(mut times_ms: Vec<f32>) -> Self {
        times_ms.sort_by(f32::total_cmp);
        let place = (times_ms.len() * 99).div_ceil(100).saturating_sub(1);
        Self { count: times_ms.len(), p99_ms: times_ms.get(place).copied().unwrap_or(0.0) }
    }
}

/// From trigger to output of each part, in milliseconds: in turns without masters, and with them.
fn times(journal: &Path, turns: &[(u64, bool)]) -> [Vec<f32>; 2] {
    let mut times = [Vec::new(), Vec::new()];
    let visit = |Row { entry, .. }: Row| {
        let turn = turns.iter().rfind(|(began_ms, _)| *began_ms <= entry.unix_ms);
        if let (Record::Part(part), Some((began_ms, is_reading))) = (entry.record, turn)
            && entry.unix_ms - began_ms > BETWEEN_MS
            && let Some(time) = part.timing_ms.get("to_leaving")
        {
            times[usize::from(*is_reading)].push(*time);
        }
        ControlFlow::Continue(())
    };
    Reader::open(journal).unwrap().each(&Filter::default(), visit).unwrap();
    times
}

fn read(address: SocketAddr, rate: f64, [is_reading, is_over]: &[Arc<AtomicBool>; 2]) -> u64 {
    let mut stream = connect(address);
    let (mut begun, mut answered, mut in_turn) = (Instant::now(), 0_u64, 0_u64);
    while !is_over.load(Ordering::Relaxed) {
        if !is_reading.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(10));
            (begun, in_turn) = (Instant::now(), 0);
            continue;
        }
        // Source: Modbus messaging on TCP/IP 1.0b, 3.1.3; function 4, read input registers.
        let number = (answered as u16).to_be_bytes();
        let request = [number[0], number[1], 0, 0, 0, 6, 1, 4, 0, 0, 0, REGISTERS];
        stream.write_all(&request).unwrap();
        let mut answer = [0; 9 + 2 * REGISTERS as usize];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!((&answer[..2], answer[7]), (&number[..], 4), "an answer to this request");
        (answered, in_turn) = (answered + 1, in_turn + 1);
        let next = Duration::from_secs_f64(in_turn as f64 / rate);
        std::thread::sleep(next.saturating_sub(begun.elapsed()));
    }
    answered
}

fn connect(address: SocketAddr) -> TcpStream {
    let begun = Instant::now();
    let stream = loop {
        match TcpStream::connect(address) {
            Ok(stream) => break stream,
            Err(_) if begun.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(10)),
            Err(error) => panic!("{address}: {error}"),
        }
    };
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

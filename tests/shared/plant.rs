//! Damaged requests of three protocols, for the services of a plant.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use pairspec::plant::{Memory, Verdict, wire};

use super::mutations::mutated;

/// What the HTTP server asks for.
pub const TOKEN: &str = "0123456789abcdef";

/// A protocol, what it looks like when it is right, and what must be true of any answer.
pub struct Protocol {
    pub name: &'static str,
    examples: Vec<Vec<u8>>,
    /// How many answers there were; an error is a promise that was not kept.
    answer: fn(&[u8], &Path, &Memory) -> Result<usize, String>,
}

/// What a protocol came to.
#[derive(Debug, Default)]
pub struct Tally {
    pub tried: u64,
    pub answered: u64,
    /// Requests that were passed on.
    pub asked: usize,
    pub slowest: Duration,
    pub slowest_seed: u64,
    pub broken: Vec<String>,
}

/// All protocols.
pub fn all() -> [Protocol; 3] {
    [
        Protocol { name: "HTTP", examples: http_examples(), answer: http },
        Protocol { name: "Modbus", examples: modbus_examples(), answer: modbus },
        Protocol { name: "MQTT", examples: mqtt_examples(), answer: mqtt },
    ]
}

/// Damages an example by each seed, and looks what comes of it.
pub fn batter(protocol: &Protocol, seeds: Range<u64>) -> Tally {
    let (memory, folder) = (Memory::new("fuzz"), tempfile::tempdir().unwrap());
    let token = folder.path().join("token");
    std::fs::write(&token, TOKEN).unwrap();
    memory.finish(7, Verdict::Mismatch);
    let mut tally = Tally::default();
    for seed in seeds {
        let bytes = protocol.damaged(seed);
        let began = Instant::now();
        let answered =
            catch_unwind(AssertUnwindSafe(|| (protocol.answer)(&bytes, &token, &memory)));
        if began.elapsed() > tally.slowest {
            (tally.slowest, tally.slowest_seed) = (began.elapsed(), seed);
        }
        tally.tried += 1;
        let broken = match answered {
            Ok(Ok(answers)) => {
                tally.answered += u64::from(answers > 0);
                continue;
            }
            Ok(Err(reason)) => reason,
            Err(_) => "it panicked".to_owned(),
        };
        tally.broken.push(format!("{}: seed {seed}: {broken}", protocol.name));
    }
    let asked = memory.asked();
    tally.asked = asked.len();
    // Whatever was passed on is within the bounds of what may be.
    let unfit = asked.into_iter().filter(|(request, _)| request.clone().checked().is_err());
    tally.broken.extend(unfit.map(|(request, _)| format!("{}: {request:?}", protocol.name)));
    tally
}

impl Protocol {
    /// The example of a seed with its damage.
    pub fn damaged(&self, seed: u64) -> Vec<u8> {
        let example = &self.examples[seed as usize % self.examples.len()];
        // Most damage to a whole request is seen before its body is read.
        if self.name == "HTTP" && seed.is_multiple_of(3) {
            return with_damaged_body(example, seed);
        }
        mutated(example, seed)
    }
}

/// A right head with the length of a body that is not.
fn with_damaged_body(example: &[u8], seed: u64) -> Vec<u8> {
    let text = String::from_utf8_lossy(example);
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let lines = head.lines().filter(|line| !line.starts_with("Content-Length"));
    let head: String = lines.map(|line| format!("{line}\r\n")).collect();
    let body = mutated(body.as_bytes(), seed);
    [format!("{head}Content-Length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat()
}

fn http_examples() -> Vec<Vec<u8>> {
    let head = format!("Host: box\r\nAccept: */*\r\nAuthorization: Bearer {TOKEN}\r\n");
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\n{head}\r\n");
    let post = |path: &str, body: &str| {
        format!("POST {path} HTTP/1.1\r\n{head}Content-Length: {}\r\n\r\n{body}", body.len())
    };
    let texts = [
        get("/metrics"),
        get("/api/status"),
        get("/api/last/test.png"),
        post("/api/hold", r#"{"reason": "cleaning"}"#),
        post("/api/recipe", r#"{"index": 1}"#),
        post("/api/recipe", r#"{"name": "second"}"#),
        post("/api/trigger", ""),
    ];
    texts.map(String::into_bytes).to_vec()
}

fn modbus_examples() -> Vec<Vec<u8>> {
    let pdus: [&[u8]; 5] = [
        &[3, 0, 0, 0, 48],
        &[4, 0, 100, 0, 2],
        &[6, 0, 100, 0, 1],
        &[16, 0, 100, 0, 2, 4, 0, 0, 0, 2],
        &[43, 14, 1, 0],
    ];
    let frames = pdus
        .map(|pdu| [&[0, 9, 0, 0][..], &(pdu.len() as u16 + 1).to_be_bytes(), &[1], pdu].concat());
    // Several on one connection: what a damaged one does to those after it is part of the matter.
    frames.iter().map(|frame| [&frame[..], &frames[0], &frames[2]].concat()).collect()
}

fn mqtt_examples() -> Vec<Vec<u8>> {
    vec![
        vec![0x20, 2, 0, 0, 0x40, 2, 0, 1, 0x40, 2, 0, 2, 0xd0, 0],
        vec![0x20, 2, 0, 5],
        b"\x20\x02\x00\x00\x30\x0a\x00\x03a/b\x00\x01xyz".to_vec(),
    ]
}

/// An answer is nothing or one HTTP answer whose length is that which it names.
fn http(bytes: &[u8], token: &Path, memory: &Memory) -> Result<usize, String> {
    let answer = wire::http(bytes, token, memory);
    if answer.is_empty() {
        return Ok(0);
    }
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n").ok_or("no end of a head")?;
    let (head, body) = (String::from_utf8_lossy(&answer[..end]), &answer[end + 4..]);
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let told: usize = length.ok_or("no length")?.parse().map_err(|_| "a length that is none")?;
    let is_head = bytes.starts_with(b"HEAD");
    match head.starts_with("HTTP/1.1 ") && (told == body.len() || is_head) {
        true => Ok(1),
        false => Err(format!("an answer of {} bytes: {head}", body.len())),
    }
}

/// An answer is whole frames, each of which belongs to a request.
fn modbus(bytes: &[u8], _: &Path, memory: &Memory) -> Result<usize, String> {
    let answer = wire::modbus(bytes, memory);
    let (mut rest, mut count) = (&answer[..], 0);
    while let [_, _, 0, 0, high, low, _, function, ..] = *rest {
        let end = 6 + usize::from(u16::from_be_bytes([high, low]));
        if rest.len() < end || end < 9 {
            return Err(format!("{rest:?} is no frame"));
        }
        if function & 0x80 != 0 && end != 9 {
            return Err(format!("{rest:?} is no exception"));
        }
        rest = &rest[end..];
        count += 1;
    }
    if rest.is_empty() { Ok(count) } else { Err(format!("{rest:?} at the end")) }
}

/// No packet is shorter than two bytes.
fn mqtt(bytes: &[u8], _: &Path, _: &Memory) -> Result<usize, String> {
    let packets = wire::mqtt(bytes);
    match packets * 2 <= bytes.len() {
        true => Ok(packets),
        false => Err(format!("{packets} packets in {} bytes", bytes.len())),
    }
}

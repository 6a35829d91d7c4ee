//! Seeded damage to files: what a bad disk, a bad transfer, a bad editor or a bad person does.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// Numbers that overflow, wrap, divide by zero or compare as nothing.
const NUMBERS: [&str; 14] = [
    "0",
    "-1",
    "-0.0",
    "255",
    "65536",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "18446744073709551616",
    "99999999999999999999999999",
    "1e308",
    "1e999",
    "1e-400",
    "nan",
];
/// What opens something in a text format and need not close it.
const OPENINGS: [&str; 6] = ["[", "{\"a\":", "{a=", "a.", "\"", "[["];
/// Single bytes that mean something to some reader.
const BYTES: &[u8] = b"\x00\xff\x7f\x80\n\r,;|\"'{}[]=#\\/.-+0189";
/// Deeper than any recursion limit of a reader, and than a stack would survive.
const DEEPEST: usize = 20_000;

/// `original` with one to four seeded wounds; the same seed gives the same bytes everywhere.
///
/// It may by chance be what it was: see [`altered`].
pub fn mutated(original: &[u8], seed: u64) -> Vec<u8> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut bytes = original.to_vec();
    for _ in 0..random.random_range(1..=4) {
        wound(&mut bytes, &mut random);
    }
    bytes
}

/// As [`mutated`], and never equal to `original`.
pub fn altered(original: &[u8], seed: u64) -> Vec<u8> {
    let mut bytes = mutated(original, seed);
    if bytes == original {
        bytes.push(0);
    }
    bytes
}

fn wound(bytes: &mut Vec<u8>, random: &mut ChaCha8Rng) {
    if bytes.is_empty() {
        bytes.push(random.random());
        return;
    }
    let at = random.random_range(0..bytes.len());
    let end = (at + random.random_range(1..=24)).min(bytes.len());
    match random.random_range(0..12) {
        0 => bytes[at] ^= 1 << random.random_range(0..8),
        1 => bytes[at] = random.random(),
        2 => bytes[at] = BYTES[random.random_range(0..BYTES.len())],
        3 => bytes.truncate(at),
        4 => drop(bytes.drain(at..end)),
        5 => {
            let copy = bytes[at..end].to_vec();
            let place = random.random_range(0..=bytes.len());
            bytes.splice(place..place, copy);
        }
        6 => {
            let value = random.random();
            bytes[at..end].fill(value);
        }
        7 => {
            let other = random.random_range(0..bytes.len());
            bytes.swap(at, other);
        }
        8 => replace_number(bytes, at, random),
        9 => write_integer(bytes, at, random),
        10 => nest(bytes, at, random),
        _ => double_a_line(bytes, at),
    }
}

/// Puts an extreme number where the next number of a text is, else in the middle of something.
fn replace_number(bytes: &mut Vec<u8>, at: usize, random: &mut ChaCha8Rng) {
    let number = NUMBERS[random.random_range(0..NUMBERS.len())].bytes();
    let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    let start = bytes[at..].iter().position(u8::is_ascii_digit).map_or(at, |found| at + found);
    let end =
        bytes[start..].iter().position(|it| !is_part(it)).map_or(bytes.len(), |it| start + it);
    bytes.splice(start..end, number);
}

/// Overwrites a binary length or count, in either order of bytes.
fn write_integer(bytes: &mut [u8], at: usize, random: &mut ChaCha8Rng) {
    let values =
        [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX >> 1, u64::MAX];
    let value = values[random.random_range(0..values.len())];
    let width = [2, 4, 8][random.random_range(0..3)];
    let encoded = match random.random() {
        true => value.to_le_bytes()[..width].to_vec(),
        false => value.to_be_bytes()[8 - width..].to_vec(),
    };
    for (place, byte) in bytes[at..].iter_mut().zip(encoded) {
        *place = byte;
    }
}

fn nest(bytes: &mut Vec<u8>, at: usize, random: &mut ChaCha8Rng) {
    let opening = OPENINGS[random.random_range(0..OPENINGS.len())];
    // Few are deep: they cost the most time and say the same.
    let deepest = if random.random_range(0..8) == 0 { DEEPEST } else { 200 };
    let depth = random.random_range(1..=deepest);
    bytes.splice(at..at, opening.repeat(depth).bytes());
}

/// Repeats the line around `at`: keys and ids that stand twice.
fn double_a_line(bytes: &mut Vec<u8>, at: usize) {
    let start = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |found| found + 1);
    let length = bytes[start..].iter().position(|byte| *byte == b'\n');
    // A file without lines is one; doubling a large one proves nothing.
    let end = length.map_or(bytes.len(), |found| start + found + 1).min(start + 4096);
    let line = bytes[start..end].to_vec();
    bytes.splice(start..start, line);
}

//! The publisher: what happens at a station, over MQTT 3.1.1.
//!
//! The journal is the buffer. A result leaves it when the broker acknowledged it, and what is kept
//! here is a window of a few, and a file with the number of the last. Client crates keep
//! a queue and a session of their own, which would be a second truth beside the journal, and
//! `rumqttc` brings an asynchronous runtime with it; a client that only publishes writes four kinds of
//! packets and reads three of at most four bytes, so these are written here. TLS is rustls.

mod cursor;
mod flight;
mod link;
mod packet;
mod publisher;
mod retained;
mod session;
#[cfg(test)]
mod tests;
mod tls;

pub(super) use publisher::{Publisher, Surroundings};

/// How many packets of a broker these bytes hold, before one that is none.
pub(super) fn packets(bytes: &[u8]) -> usize {
    let mut input = packet::Input::default();
    let mut count = 0;
    for piece in bytes.chunks(7) {
        input.push(piece);
        loop {
            match input.next() {
                Ok(Some(_)) => count += 1,
                Ok(None) => break,
                Err(_) => return count,
            }
        }
    }
    count
}

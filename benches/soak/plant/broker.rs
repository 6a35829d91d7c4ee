//! A broker that says damaged things, one connection after another.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::time::{Duration, Instant};

use crate::shared::plant::Protocol;

/// A client comes back within this, however often it was let down.
const PATIENCE: Duration = Duration::from_secs(30);
const WELCOME: [u8; 4] = [0x20, 2, 0, 0];

/// Listens, for [`hold`].
pub(super) fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Says what each seed makes of a broker's words, to one connection each: to every other one in the
/// place of a welcome, to the rest after it. What was broken.
pub(super) fn hold(listener: &TcpListener, mqtt: &Protocol, seeds: Range<u64>) -> Vec<String> {
    for seed in seeds {
        let Some(mut stream) = accept(listener) else {
            return vec![format!("MQTT: the client did not come back after seed {seed}")];
        };
        // However the client takes it: that it comes back is what is asked.
        let _ = talk(&mut stream, seed % 2 == 1, &mqtt.damaged(seed));
    }
    Vec::new()
}

fn accept(listener: &TcpListener) -> Option<TcpStream> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        match listener.accept() {
            Ok((stream, _)) => return Some(stream),
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    None
}

fn talk(stream: &mut TcpStream, is_welcome: bool, words: &[u8]) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_millis(20)))?;
    let mut heard = [0; 4096];
    stream.read_exact(&mut heard[..1])?;
    if is_welcome {
        stream.write_all(&WELCOME)?;
        // Its first messages: what is said now may be an acknowledgement of one.
        let _ = stream.read(&mut heard)?;
    }
    stream.write_all(words)?;
    stream.shutdown(Shutdown::Write)?;
    while stream.read(&mut heard)? > 0 {}
    Ok(())
}

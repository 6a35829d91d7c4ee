//! A listener with a bounded number of connections, each in a thread of its own.
//!
//! One address has at most half of them, so that a client that hangs keeps nobody else out.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Peer;
use super::seams::Doors;
use super::service::{LOOK, Stop, guarded};
use super::tally::{Count, Tally, lock};

/// How long the listener waits for a connection before it looks whether to stop.
const ACCEPT: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// What speaks with one client.
pub(super) type Converse = Arc<dyn Fn(TcpStream, IpAddr) -> Result<(), String> + Send + Sync>;

/// What every connection of a server may use.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) stop: Stop,
    pub(super) tally: Arc<Tally>,
    pub(super) doors: Doors,
}

/// Who may do what.
pub(super) fn may_read(peers: &[Peer], address: IpAddr) -> bool {
    peers.is_empty() || is_listed(peers, address)
}

/// Whether an address is one of the listed.
pub(super) fn is_listed(peers: &[Peer], address: IpAddr) -> bool {
    peers.iter().any(|peer| peer.contains(address))
}

/// Takes a socket to listen to; it is kept while a server is started again.
pub(super) fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    let listener = TcpListener::bind(address).map_err(|error| format!("{address}: {error}"))?;
    listener.set_nonblocking(true).map_err(|error| format!("{address}: {error}"))?;
    Ok(listener)
}

/// Accepts at most so many connections at once until it is time to stop, and has `converse` speak with each.
pub(super) fn serve(
    listener: &TcpListener,
    connections: usize,
    shared: &Shared,
    converse: &Converse,
) -> Result<(), String> {
    let open: Arc<Mutex<Vec<IpAddr>>> = Arc::default();
    shared.tally.connected(true);
    while !shared.stop.is_stopping() {
        match listener.accept() {
            Ok((stream, peer)) => match Slot::take(&open, peer.ip(), connections, shared) {
                Some(slot) => admit(stream, slot, shared, converse),
                None => shared.tally.add(Count::Refused),
            },
            Err(error) if is_pause(&error) => wait(listener),
            // A connection that went before it was taken, or no more descriptors.
            Err(error) => {
                shared.tally.tell(&format!("accept: {error}"));
                thread::sleep(LOOK);
            }
        }
    }
    Ok(())
}

/// Waits a moment for a connection.
fn wait(listener: &TcpListener) {
    let mut waited = [PollFd::new(listener, PollFlags::IN)];
    if poll(&mut waited, Some(&ACCEPT)).is_err() {
        thread::sleep(LOOK);
    }
}

/// Has a client spoken with in a thread of its own.
fn admit(stream: TcpStream, slot: Slot, shared: &Shared, converse: &Converse) {
    let (tally, converse) = (shared.tally.clone(), converse.clone());
    let work = move || {
        let address = slot.address;
        if let Err(cause) = guarded(&tally, || converse(stream, address)) {
            tally.tell(&format!("{address}: {cause}"));
        }
        drop(slot);
    };
    let spawned = thread::Builder::new().name("plant-connection".to_owned()).spawn(work);
    if let Err(error) = spawned {
        shared.tally.tell(&format!("no thread for a connection: {error}"));
    }
}

/// One of the connections that there may be.
struct Slot {
    open: Arc<Mutex<Vec<IpAddr>>>,
    address: IpAddr,
    tally: Arc<Tally>,
}

impl Slot {
    fn take(
        open: &Arc<Mutex<Vec<IpAddr>>>,
        address: IpAddr,
        limit: usize,
        shared: &Shared,
    ) -> Option<Self> {
        let mut list = lock(open);
        let own = list.iter().filter(|known| **known == address).count();
        if list.len() >= limit || own >= limit.div_ceil(2) {
            return None;
        }
        list.push(address);
        shared.tally.set(Count::Open, list.len() as u64);
        Some(Self { open: open.clone(), address, tally: shared.tally.clone() })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut list = lock(&self.open);
        if let Some(place) = list.iter().position(|known| *known == self.address) {
            list.swap_remove(place);
        }
        self.tally.set(Count::Open, list.len() as u64);
    }
}

/// A stream with a moment at which whoever waits for it gives up.
pub(super) struct Timed<'a> {
    stream: &'a TcpStream,
    stop: &'a Stop,
    until: Instant,
}

impl<'a> Timed<'a> {
    /// A stream that is given up after `limit`, or when it is time to stop.
    pub(super) fn new(stream: &'a TcpStream, stop: &'a Stop, limit: Duration) -> io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(LOOK))?;
        stream.set_write_timeout(Some(LOOK))?;
        Ok(Self { stream, stop, until: Instant::now() + limit })
    }

    /// Gives up so long from now.
    pub(super) fn extend(&mut self, limit: Duration) {
        self.until = Instant::now() + limit;
    }

    fn try_until(
        &self,
        mut transfer: impl FnMut(&mut &TcpStream) -> io::Result<usize>,
    ) -> io::Result<usize> {
        loop {
            if self.stop.is_stopping() {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            if Instant::now() >= self.until {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let mut stream = self.stream;
            match transfer(&mut stream) {
                Err(error) if is_pause(&error) => {}
                result => return result,
            }
        }
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.try_until(|stream| stream.read(buffer))
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.try_until(|stream| stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether nothing happened in time, rather than something bad.
pub(super) fn is_pause(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
}

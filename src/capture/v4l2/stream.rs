use std::io;
use std::time::Duration;

use heapless::Deque;

use super::identity::request_error;
use super::node::{Filled, Node};
use crate::capture::Error;

/// Asked for; the driver may make it more or fewer.
pub(super) const BUFFERS: u32 = 4;
/// As many as V4L2 has (`VIDEO_MAX_FRAME`).
const MOST_BUFFERS: usize = 32;

/// A device that streams, and who has which of its buffers.
///
/// A buffer is either the kernel's or held here, and only a held one is handed over: the kernel
/// answers anything else with `EINVAL`, and the stream is lost.
pub(super) struct Stream<N: Node> {
    node: N,
    buffers: u32,
    /// Filled and held, oldest first.
    filled: Deque<Filled, MOST_BUFFERS>,
}

impl<N: Node> Stream<N> {
    /// Makes buffers, hands all of them over and starts.
    pub(super) fn start(mut node: N, origin: &str) -> Result<Self, Error> {
        let refused = |request| move |error| request_error(origin, request, &error);
        let buffers = node.make_buffers(BUFFERS).map_err(refused("VIDIOC_REQBUFS"))?;
        if !(2..=MOST_BUFFERS as u32).contains(&buffers) {
            let reason = format!("makes {buffers} buffers; 2 to {MOST_BUFFERS} are expected");
            return Err(Error::Unsuited { origin: origin.to_owned(), reason });
        }
        for index in 0..buffers {
            node.queue(index).map_err(refused("VIDIOC_QBUF"))?;
        }
        node.stream(true).map_err(refused("VIDIOC_STREAMON"))?;
        Ok(Self { node, buffers, filled: Deque::new() })
    }

    /// Takes back all that is filled; gives how many of them were let go again unread.
    ///
    /// When every buffer is filled, the driver had none to put newer frames into: what is there is
    /// the oldest, and only the newest of it is kept.
    pub(super) fn take_filled(&mut self) -> io::Result<u32> {
        while self.filled.len() < self.buffers as usize {
            match self.node.dequeue() {
                Ok(filled) => self.hold(filled)?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
                Err(error) => return Err(error),
            }
        }
        let stale = self.buffers - 1;
        for _ in 0..stale {
            if let Some(filled) = self.filled.pop_front() {
                self.node.queue(filled.index)?;
            }
        }
        Ok(stale)
    }

    /// Lets go of what is held but the newest, unread; gives how many that were.
    pub(super) fn keep_newest(&mut self) -> io::Result<u32> {
        let mut older = 0;
        while self.filled.len() > 1 {
            if let Some(filled) = self.filled.pop_front() {
                self.node.queue(filled.index)?;
                older += 1;
            }
        }
        Ok(older)
    }

    /// Whether a filled buffer is held.
    pub(super) fn has_filled(&self) -> bool {
        !self.filled.is_empty()
    }

    /// The oldest filled buffer: what `read` makes of it. The buffer is the kernel's again
    /// afterwards; the second value says whether it could be handed over.
    pub(super) fn read<T>(
        &mut self,
        read: impl FnOnce(&Filled, &[u8]) -> T,
    ) -> Option<(T, io::Result<()>)> {
        let filled = self.filled.pop_front()?;
        let bytes = self.node.bytes(filled.index);
        // What a driver calls used may be more than there is.
        let used = bytes.len().min(filled.bytes_used as usize);
        let value = read(&filled, &bytes[..used]);
        Some((value, self.node.queue(filled.index)))
    }

    /// The device, for what may be asked of it while it streams.
    pub(super) fn node(&mut self) -> &mut N {
        &mut self.node
    }

    /// Waits for a filled buffer, at most `timeout`; may come back early.
    pub(super) fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        self.node.wait(timeout)
    }

    fn hold(&mut self, filled: Filled) -> io::Result<()> {
        let is_twice = self.filled.iter().any(|held| held.index == filled.index);
        if is_twice || filled.index >= self.buffers || self.filled.push_back(filled).is_err() {
            return Err(io::Error::other(format!("buffer {} came unexpected", filled.index)));
        }
        Ok(())
    }
}

impl<N: Node> Drop for Stream<N> {
    fn drop(&mut self) {
        // A device that is gone cannot be stopped, and closing it stops it too.
        if let Err(error) = self.node.stream(false) {
            log::debug!("stopping a stream: {error}");
        }
    }
}

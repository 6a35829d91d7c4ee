//! What systemd is told: ready, the watchdog's ping, a line of text. Nothing without its socket.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// The way to the service manager; see sd_notify(3).
#[derive(Debug)]
pub(super) struct Notifier {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// How often a ping is due: half of what the watchdog allows.
    pub(super) every: Option<Duration>,
}

impl Notifier {
    /// The socket that the environment names, if it does.
    pub(super) fn from_environment() -> Self {
        let every = std::env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok());
        Self {
            socket: std::env::var_os("NOTIFY_SOCKET").and_then(|name| connect(&name)),
            every: every.map(|us: u64| Duration::from_micros(us / 2)),
        }
    }

    /// Asks for so much time until `READY=1`, counted from now.
    pub(super) fn starts_for(&self, time: Duration) {
        self.send(&format!("EXTEND_TIMEOUT_USEC={}", time.as_micros()));
    }

    /// Sends `READY=1`, `STATUS=...`, `WATCHDOG=1` or `STOPPING=1`; never waits and never fails.
    pub(super) fn send(&self, text: &str) {
        if let Some((socket, address)) = &self.socket
            && let Err(error) = socket.send_to_addr(text.as_bytes(), address)
        {
            log::debug!("service manager: {error}");
        }
    }
}

fn connect(name: &OsString) -> Option<(UnixDatagram, SocketAddr)> {
    let address = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => abstract_address(name)?,
        None => SocketAddr::from_pathname(name).ok()?,
    };
    let socket = UnixDatagram::unbound().ok()?;
    socket.set_nonblocking(true).ok()?;
    Some((socket, address))
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &[u8]) -> Option<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    SocketAddr::from_abstract_name(name).ok()
}

#[cfg(not(target_os = "linux"))]
fn abstract_address(_: &[u8]) -> Option<SocketAddr> {
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_message_arrives_at_a_socket_by_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let receiver = UnixDatagram::bind(&path).unwrap();
        let notifier = Notifier { socket: connect(&path.into_os_string()), every: None };
        notifier.send("READY=1");
        let mut text = [0; 16];
        let length = receiver.recv(&mut text).unwrap();
        assert_eq!(&text[..length], b"READY=1");
    }

    #[test]
    fn time_to_start_is_asked_for_in_microseconds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let receiver = UnixDatagram::bind(&path).unwrap();
        let notifier = Notifier { socket: connect(&path.into_os_string()), every: None };
        notifier.starts_for(Duration::from_secs(300));
        let mut text = [0; 64];
        let length = receiver.recv(&mut text).unwrap();
        assert_eq!(&text[..length], b"EXTEND_TIMEOUT_USEC=300000000");
    }

    #[test]
    fn nobody_listening_is_no_error() {
        let absent = OsString::from("/nonexistent/notify");
        Notifier { socket: connect(&absent), every: None }.send("WATCHDOG=1");
        Notifier { socket: None, every: None }.send("WATCHDOG=1");
    }
}

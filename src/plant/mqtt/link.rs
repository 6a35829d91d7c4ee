//! Bytes to and from a broker, in the open or over TLS, without ever waiting for long.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use rustls::ClientConnection;

use super::tls;
use crate::plant::MqttConfig;
use crate::plant::service::Stop;

/// How long reading waits for the first byte.
const READ: Duration = Duration::from_millis(50);
/// How long a broker's address is tried, short enough to stop in time.
const CONNECT: Duration = Duration::from_millis(1_500);
/// A broker that takes nothing for so long is lost.
const WRITE: Duration = Duration::from_secs(10);
/// A handshake takes no longer.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A connection to a broker.
pub(super) struct Link {
    socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
    stop: Stop,
}

impl Link {
    /// Connects, and shakes hands where TLS is on.
    pub(super) fn open(config: &MqttConfig, stop: &Stop) -> Result<Self, String> {
        let MqttConfig { host, port, .. } = config;
        let addresses = (host.as_str(), *port).to_socket_addrs();
        let addresses = addresses.map_err(|error| format!("{host}: {error}"))?;
        let mut failure = format!("{host}: has no address");
        for address in addresses {
            if stop.is_stopping() {
                break;
            }
            match TcpStream::connect_timeout(&address, CONNECT) {
                Ok(socket) => return Self::over(socket, config, stop),
                Err(error) => failure = format!("{host}:{port}: {error}"),
            }
        }
        Err(failure)
    }

    fn over(socket: TcpStream, config: &MqttConfig, stop: &Stop) -> Result<Self, String> {
        let told = |error: io::Error| format!("{}:{}: {error}", config.host, config.port);
        socket.set_nodelay(true).map_err(told)?;
        socket.set_read_timeout(Some(READ)).map_err(told)?;
        socket.set_write_timeout(Some(READ)).map_err(told)?;
        let tls = config.tls.as_ref().map(|tls| tls::client(tls, &config.host)).transpose()?;
        let mut link = Self { socket, tls: tls.map(Box::new), stop: stop.clone() };
        if let Some(tls) = &mut link.tls {
            tls.set_buffer_limit(None);
        }
        link.shake_hands().map_err(told)?;
        Ok(link)
    }

    /// Whatever came, none when nothing did for a moment.
    ///
    /// # Errors
    /// The end of the connection too.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let read = match &self.tls {
            Some(_) => self.read_secret(buffer),
            None => self.socket.read(buffer),
        };
        match read {
            Ok(0) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the broker hung up")),
            Ok(read) => Ok(Some(read)),
            Err(error) if is_pause(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends all of it.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(tls) = &mut self.tls {
            tls.writer().write_all(bytes)?;
            return self.flush_secret(Instant::now() + WRITE);
        }
        let (mut left, until) = (bytes, Instant::now() + WRITE);
        while !left.is_empty() {
            match self.socket.write(left) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => left = &left[written..],
                Err(error) if is_pause(&error) => self.check(until)?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The end, from this side.
    pub(super) fn close(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            let _ = self.flush_secret(Instant::now() + READ);
        }
        // The other side may have gone already.
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    fn shake_hands(&mut self) -> io::Result<()> {
        let until = Instant::now() + HANDSHAKE;
        while self.tls.as_ref().is_some_and(|tls| tls.is_handshaking()) {
            self.flush_secret(until)?;
            self.check(until)?;
            match self.receive_secret() {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if is_pause(&error) => {}
                Err(error) => return Err(error),
            }
        }
        self.flush_secret(until)
    }

    fn read_secret(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(tls) = &mut self.tls else { return Ok(0) };
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
            if self.receive_secret()? == 0 {
                return Ok(0);
            }
        }
    }

    fn receive_secret(&mut self) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return Ok(0) };
        let read = tls.read_tls(&mut self.socket)?;
        if let Err(error) = tls.process_new_packets() {
            // The broker is told why, if it still listens.
            let _ = tls.write_tls(&mut self.socket);
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        Ok(read)
    }

    fn flush_secret(&mut self, until: Instant) -> io::Result<()> {
        while let Some(tls) = self.tls.as_mut().filter(|tls| tls.wants_write()) {
            match tls.write_tls(&mut self.socket) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if is_pause(&error) => self.check(until)?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn check(&self, until: Instant) -> io::Result<()> {
        if self.stop.is_stopping() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        if Instant::now() >= until {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the broker does not answer"));
        }
        Ok(())
    }
}

fn is_pause(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
}

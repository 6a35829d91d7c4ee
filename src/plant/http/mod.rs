//! The HTTP server: `/metrics` for Prometheus and a small API, one request a connection.
//!
//! `httparse` reads heads; the rest of a server for one request a connection is the bound on
//! everything a client sends, in size and in time, which general servers leave to a proxy.

mod metrics;
mod read;
mod response;
mod routes;

use std::io::{self, Write};
use std::net::{IpAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::HttpConfig;
use super::seams::Doors;
use super::server::{self, Converse, Shared, Timed};
use super::tally::{Count, Tally};
use read::Bad;
pub(super) use response::Response;
pub(super) use routes::Desk;

/// A client that has not sent its request by then is given up.
const READ: Duration = Duration::from_secs(5);
/// A client that has not taken its answer by then is given up.
const WRITE: Duration = Duration::from_secs(10);
/// What a client still sends is read for so long, so that it sees the answer before the end.
const LINGER: Duration = Duration::from_millis(500);

/// Serves until it is time to stop.
pub(super) fn run(config: &HttpConfig, shared: &Shared, services: &Services) -> Result<(), String> {
    let listener = server::bind(config.listen)?;
    log::info!("http: listens at {}", config.listen);
    let desk = Desk::new(config.clone(), shared.doors.clone(), services.clone());
    let (own, tally) = (shared.clone(), shared.tally.clone());
    let converse = move |stream: TcpStream, address: IpAddr| {
        match converse(&stream, address, &desk, &own) {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => tally.add(Count::TimedOut),
            Err(error) => log::debug!("http: {address}: {error}"),
            Ok(()) => {}
        }
        Ok(())
    };
    let converse: Converse = Arc::new(converse);
    server::serve(&listener, config.connections, shared, &converse)
}

/// The tallies of all services, for `/metrics` and `/api/status`.
pub(super) type Services = Vec<Arc<Tally>>;

fn converse(stream: &TcpStream, address: IpAddr, desk: &Desk, shared: &Shared) -> io::Result<()> {
    let mut timed = Timed::new(stream, &shared.stop, READ)?;
    let answer = answer(&mut timed, address, desk, &shared.tally);
    let Some(response) = answer? else { return Ok(()) };
    timed.extend(WRITE);
    timed.write_all(&response.head())?;
    timed.write_all(response.body())?;
    stream.shutdown(std::net::Shutdown::Write)?;
    // Closing with bytes unread resets the connection, and the answer with it.
    timed.extend(LINGER);
    let mut rest = [0; 1024];
    let mut left = read::MAX_BODY * 2;
    while left > 0 {
        match io::Read::read(&mut timed, &mut rest) {
            Ok(0) | Err(_) => break,
            Ok(read) => left = left.saturating_sub(read),
        }
    }
    Ok(())
}

/// The answer to what a stream holds; none where nobody asked anything.
pub(super) fn answer(
    stream: &mut impl io::Read,
    address: IpAddr,
    desk: &Desk,
    tally: &Tally,
) -> io::Result<Option<Response>> {
    let request = match read::request(stream) {
        Ok(Some(request)) => request,
        Ok(None) => return Ok(None),
        Err(Bad::Io(error)) => return Err(error),
        Err(Bad::Request(status, reason)) => {
            tally.add(Count::Malformed);
            return Ok(Some(Response::refusal(status, reason)));
        }
    };
    let response = desk.answer(&request, address);
    tally.add(if response.is_refusal() { Count::Refused } else { Count::Delivered });
    if response.is_forbidden() {
        let body = String::from_utf8_lossy(response.body());
        // Nothing that the client wrote: each text of his would be another cause to log.
        tally.tell(&format!("{address}: {body}"));
    }
    Ok(Some(response))
}

/// A desk without a socket.
pub(super) fn desk(config: HttpConfig, doors: Doors) -> Desk {
    Desk::new(config, doors, Vec::new())
}

//! The Modbus TCP server: a table of registers computed from the snapshot, and two to ask with.
//!
//! The framing is written here: seven bytes of header and four functions. Of the crates,
//! `modbus-core` 0.2 reads beyond the end of a request that is cut after eleven bytes, and
//! `rmodbus` keeps registers in a memory of its own, which these are not.

mod commands;
mod frame;
mod map;
mod server;

use std::io::{self, Read, Write};
use std::net::{IpAddr, TcpStream};
use std::sync::Arc;

pub(super) use commands::{Commands, Master};
use frame::{Bad, Frame};
pub use map::register_table;
pub(super) use server::Registers;

use super::ModbusConfig;
use super::server::{Converse, Shared, Timed, bind, serve};
use super::tally::{Count, Tally};

/// Serves until it is time to stop.
pub(super) fn run(config: &ModbusConfig, shared: &Shared) -> Result<(), String> {
    let listener = bind(config.listen)?;
    log::info!("modbus: listens at {}", config.listen);
    let commands = Commands::start(shared)?;
    let registers = Registers::new(config.peers.clone(), shared.doors.clone(), commands);
    let (own, idle) = (shared.clone(), config.idle);
    let converse = move |stream: TcpStream, address: IpAddr| {
        let spoken = Timed::new(&stream, &own.stop, idle).and_then(|mut timed| {
            // A request and its answer are small: waiting for more to send only delays them.
            stream.set_nodelay(true)?;
            let master = Master::new(address);
            while exchange(&mut timed, &master, &registers, &own.tally)? {
                timed.extend(idle);
            }
            Ok(())
        });
        match spoken {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => own.tally.add(Count::TimedOut),
            Err(error) => log::debug!("modbus: {address}: {error}"),
            Ok(()) => {}
        }
        Ok(())
    };
    let converse: Converse = Arc::new(converse);
    serve(&listener, config.connections, shared, &converse)
}

/// Answers one request; false when there is nothing more to answer on this connection.
pub(super) fn exchange(
    stream: &mut (impl Read + Write),
    master: &Arc<Master>,
    registers: &Registers,
    tally: &Tally,
) -> io::Result<bool> {
    let request = match Frame::read(stream) {
        Ok(Some(request)) => request,
        Ok(None) => return Ok(false),
        Err(Bad::Io(error)) => return Err(error),
        // Where the next request would begin is not known any more.
        Err(Bad::Frame(reason)) => {
            tally.add(Count::Malformed);
            log::debug!("modbus: {}: {reason}", master.address);
            return Ok(false);
        }
    };
    let answer = registers.answer(&request.pdu, master);
    let is_refusal = answer.first().is_some_and(|function| function & 0x80 != 0);
    tally.add(if is_refusal { Count::Refused } else { Count::Delivered });
    stream.write_all(&request.answered(&answer))?;
    Ok(true)
}

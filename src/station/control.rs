//! The Unix socket that takes commands, one JSON object a line, and answers each with one.

use std::fs::{self, Permissions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use serde_json::Value;

use super::Error;
use super::command::{By, Command, refused};
use super::message::Message;
use super::threads::{Shared, spawn};

/// Who may be connected at once.
const CONNECTIONS: usize = 8;
/// The longest line that is read.
const MAX_LINE: u64 = 16 << 10;
/// The longest that a command takes: loading a recipe with a large model and judging its goldens.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often the listener looks whether to stop.
const LOOK: Duration = Duration::from_millis(50);

/// The socket; gone from the file system when it is dropped.
#[derive(Debug)]
pub(super) struct Control {
    path: PathBuf,
}

impl Control {
    /// Listens, taking the place of a socket that nobody listens to.
    pub(super) fn listen(path: &Path, shared: &Shared) -> Result<Self, Error> {
        if path.exists() {
            if UnixStream::connect(path).is_ok() {
                let taken = io::Error::from(io::ErrorKind::AddrInUse);
                return Err(Error::socket(path, "listen, another station does")(taken));
            }
            fs::remove_file(path).map_err(Error::socket(path, "replace"))?;
        }
        let listener = UnixListener::bind(path).map_err(Error::socket(path, "listen"))?;
        // Whoever may command is in the group.
        let permissions = fs::set_permissions(path, Permissions::from_mode(0o660));
        permissions.map_err(Error::socket(path, "restrict"))?;
        listener.set_nonblocking(true).map_err(Error::socket(path, "listen"))?;
        let shared = shared.clone();
        spawn("control", move || serve(&listener, &shared))
            .map_err(Error::socket(path, "start a thread for"))?;
        Ok(Self { path: path.to_owned() })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            log::debug!("{}: {error}", self.path.display());
        }
    }
}

fn serve(listener: &UnixListener, shared: &Shared) {
    let connections = Arc::new(AtomicUsize::new(0));
    while !shared.is_stopping() {
        match listener.accept() {
            Ok((stream, _)) => admit(stream, shared, &connections),
            // Nobody is there, or the system is short of something.
            Err(_) => std::thread::sleep(LOOK),
        }
    }
}

fn admit(mut stream: UnixStream, shared: &Shared, connections: &Arc<AtomicUsize>) {
    if connections.fetch_add(1, Ordering::AcqRel) >= CONNECTIONS {
        connections.fetch_sub(1, Ordering::AcqRel);
        let answer = refused(format!("{CONNECTIONS} connections are open; close one"));
        let _ = writeln!(stream, "{answer}");
        return;
    }
    let (shared, open) = (shared.clone(), connections.clone());
    let spawned = spawn("connection", move || {
        if let Err(error) = converse(&stream, &shared) {
            log::debug!("connection: {error}");
        }
        open.fetch_sub(1, Ordering::AcqRel);
    });
    if spawned.is_err() {
        connections.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Answers line by line until the other end or the station goes.
fn converse(stream: &UnixStream, shared: &Shared) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(LOOK))?;
    stream.set_write_timeout(Some(Duration::from_secs(2)))?;
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    let mut line = Vec::new();
    while !shared.is_stopping() {
        match reader.by_ref().take(MAX_LINE - line.len() as u64).read_until(b'\n', &mut line) {
            Ok(0) if line.len() as u64 >= MAX_LINE => {
                writeln!(writer, "{}", refused(format!("a line of more than {MAX_LINE} bytes")))?;
                return Ok(());
            }
            Ok(0) => return Ok(()),
            Ok(_) if line.ends_with(b"\n") => {
                let answer = answer(&String::from_utf8_lossy(&line), shared);
                writeln!(writer, "{answer}")?;
                line.clear();
            }
            Ok(_) => {}
            // What was read so far stays in the line.
            Err(error) if is_pause(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn is_pause(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
}

fn answer(line: &str, shared: &Shared) -> Value {
    match Command::parse(line.trim()) {
        Ok(command) => ask(command, By::operator(), shared),
        Err(reason) => refused(reason),
    }
}

/// Has the line carry a command out.
pub(super) fn ask(command: Command, by: By, shared: &Shared) -> Value {
    let (reply, answer) = sync_channel(1);
    shared.tell(Message::Command { command, by, reply });
    answer.recv_timeout(PATIENCE).unwrap_or_else(|_| refused("the station does not answer"))
}

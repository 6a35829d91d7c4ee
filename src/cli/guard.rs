use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A process of its own that de-energises the outputs when this one is gone without a word.
///
/// Many GPIO controllers keep the level of a line whose process was killed: a pass pulse that had begun
/// would go on. The guard sees the end of its standard input, takes the lines and lets go of them.
#[derive(Debug)]
pub(super) struct Guard(Child);

impl Guard {
    /// Starts it; a box that cannot is warned of and runs without.
    pub(super) fn start(station: &Path, dry: Option<&Path>) -> Option<Self> {
        let program = std::env::current_exe();
        let started = program.and_then(|program| {
            let mut command = Command::new(program);
            command.arg("run").arg(station).arg("--guard");
            if let Some(levels) = dry {
                command.args(["--dry-run", "--levels"]).arg(levels);
            }
            command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()
        });
        match started {
            Ok(child) => Some(Self(child)),
            Err(error) => {
                log::warn!("no guard for the outputs if this process is killed: {error}");
                None
            }
        }
    }

    /// Tells it that the outputs are safe.
    pub(super) fn dismiss(mut self) {
        if let Some(mut stdin) = self.0.stdin.take() {
            // If it is gone it needs no word.
            let _ = stdin.write_all(b".");
        }
        if let Err(error) = self.0.wait() {
            log::debug!("guard: {error}");
        }
    }
}

/// Waits for the end of the process that started this one; whether it was without a word.
pub(super) fn wait_for_end() -> bool {
    let mut word = [0];
    loop {
        match io::stdin().lock().read(&mut word) {
            Ok(0) => return true,
            Ok(_) => return false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return true,
        }
    }
}

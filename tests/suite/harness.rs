//! Runs the whole binary, in a folder of its own for each test, as a person at a shell would.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A command that runs longer hangs; the slowest takes about a second on an idle machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A temporary folder and what runs in it; gone when the test ends.
pub(crate) struct Folder {
    folder: TempDir,
}

/// What a command did.
pub(crate) struct Run {
    arguments: String,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// The path of a file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// Changes a text file; the change must be one.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) -> &Self {
        let text = self.text(name);
        assert!(text.contains(from), "{name} has no {from:?}:\n{text}");
        self.write(name, text.replacen(from, to, 1))
    }

    /// The names in a folder of it, in order.
    pub(crate) fn names(&self, name: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(name)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Runs `pairspec` in the folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.run_in(self.folder.path(), arguments)
    }

    /// Runs `pairspec` in another folder.
    pub(crate) fn run_in(&self, folder: &Path, arguments: &[&str]) -> Run {
        let mut command = self.command();
        command.current_dir(folder).args(arguments);
        finish(command, arguments.join(" "))
    }

    /// Runs `pairspec` in the folder as a service manager would.
    pub(crate) fn run_as_service(&self, arguments: &[&str]) -> Run {
        let mut command = self.command();
        command.env("NOTIFY_SOCKET", "/nonexistent/notify").args(arguments);
        finish(command, arguments.join(" "))
    }

    /// The binary, in this folder and apart from the settings of whoever runs the suite.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pairspec"));
        command.current_dir(self.folder.path()).env_remove("RUST_LOG").env_remove("PAIRSPEC_DATA");
        command.env_remove("NOTIFY_SOCKET");
        command
    }
}

/// Waits for a command, its output in files so that no pipe can fill; no command may panic.
fn finish(mut command: Command, arguments: String) -> Run {
    let output = tempfile::tempdir().unwrap();
    let [stdout, stderr] = ["stdout", "stderr"].map(|name| output.path().join(name));
    let to = |path: &Path| Stdio::from(File::create(path).unwrap());
    let child = command.stdin(Stdio::null()).stdout(to(&stdout)).stderr(to(&stderr)).spawn();
    let status = wait(child.unwrap(), &arguments);
    let text = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    let run = Run { arguments, status, stdout: text(&stdout), stderr: text(&stderr) };
    assert!(run.status.code().is_some(), "killed by a signal: {run:?}");
    assert!(!run.stderr.contains("panicked"), "{run:?}");
    run
}

fn wait(mut child: Child, arguments: &str) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("pairspec {arguments}: still running after {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Run {
    /// The command ended with this exit code.
    pub(crate) fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.status.code(), Some(code), "{self:?}");
        self
    }

    /// Each of `facts` is on standard output.
    pub(crate) fn prints(&self, facts: &[&str]) -> &Self {
        facts.iter().for_each(|fact| assert!(self.stdout.contains(fact), "no {fact:?}: {self:?}"));
        self
    }

    /// Each of `facts` is on standard error.
    pub(crate) fn warns(&self, facts: &[&str]) -> &Self {
        facts.iter().for_each(|fact| assert!(self.stderr.contains(fact), "no {fact:?}: {self:?}"));
        self
    }

    /// It could not run: exit 2, nothing on standard output, and an error with each of `facts`.
    pub(crate) fn fails(&self, facts: &[&str]) -> &Self {
        self.exits(2).warns(facts);
        assert_eq!(self.stdout, "", "{self:?}");
        self
    }

    /// Standard output as one JSON value.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Standard output as JSON lines.
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        json_lines(&self.stdout)
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { arguments, status, stdout, stderr } = self;
        write!(f, "pairspec {arguments}\n{status}\nstdout:\n{stdout}\nstderr:\n{stderr}")
    }
}

/// Text as JSON lines.
pub(crate) fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The keys of a JSON object, in order.
pub(crate) fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

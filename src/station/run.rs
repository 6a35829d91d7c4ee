use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::camera::{OpenSource, Order, orders};
use super::command::{By, Command};
use super::config::StationConfig;
use super::confirm::Confirmations;
use super::control::{Control, ask};
use super::core::{Component, Core, Health};
use super::driver::{Judging, Line, Settings, Shown, Times, Watch, Wires, now_ns, over};
use super::inspector::{InUse, Inspector};
use super::judge::{Judge, OpenJudge, RecipeJudge};
use super::memory::{recall, remember};
use super::message::Message;
use super::notify::Notifier;
use super::onlookers::{Desk, Recipes, start_plant};
use super::rate::Rate;
use super::rim::{start_threads, thread};
use super::standing::{Hold, QUEUE, Restored, Standing, Teller, keep, restore};
use super::status::Status;
use super::threads::{Flags, Shared, Urgency, guarded, prefer, spawn};
use super::view::{View, Waiting};
use super::{Error, OpenOutputs};
use crate::capture::{Backoff, BackoffLimits, Controls, open_source};
use crate::frame::Frame;
use crate::journal::{Event, EventSource, Writer};
use crate::plant::Plant;
use crate::signal::{Gpio, Outputs};

/// Events on their way to the line.
const INBOX: usize = 1_024;
/// From the start of the threads to the first trigger by time, and to the first frame of a folder.
const LEAD_NS: i64 = 200_000_000;
/// The longest that journal, model and goldens may take together at the start.
const START: Duration = Duration::from_secs(300);
/// How long a stop waits for threads that listen to something.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a station is made of; tests and proofs put doubles in.
#[derive(Clone)]
pub struct Setup {
    /// Makes a judge of a recipe.
    pub open_judge: OpenJudge,
    /// Opens a camera.
    pub open_source: OpenSource,
    /// Takes the output lines.
    pub open_outputs: OpenOutputs,
    /// The station stops by itself when so many parts have left.
    pub parts: Option<u64>,
}

/// A running station.
pub struct Station {
    shared: Shared,
    /// Until it was joined.
    line: Option<JoinHandle<Result<Status, String>>>,
    threads: Vec<JoinHandle<()>>,
    view: Arc<View>,
    control: Option<Control>,
    /// Ends when it is dropped.
    plant: Option<Plant>,
    /// Ends when it is dropped.
    desk: Option<Desk>,
    /// When the first frame of a folder and the first trigger by time are due.
    first_ns: i64,
}

/// Commands a station that somebody else holds.
#[derive(Clone)]
pub struct Commander(Shared);

impl Commander {
    /// Has a command carried out, at most once; the answer has `ok`, and `error` where that is false.
    ///
    /// It waits for the answer: a challenge takes as long as its goldens do.
    pub fn command(&self, command: Command, by: By) -> Value {
        ask(command, by, &self.0)
    }

    /// Has a command carried out without waiting for it or for its answer.
    pub(super) fn post(&self, command: Command, by: By) {
        let (reply, _) = sync_channel(1);
        self.0.tell(Message::Command { command, by, reply });
    }
}

impl Setup {
    /// The recipe, cameras and lines that a station file names.
    pub fn of(config: &StationConfig) -> Self {
        let (is_golden, goldens) = (config.is_golden(), config.challenge.clone());
        let outputs = config.outputs.clone();
        let threads = config.threads();
        Self {
            open_judge: Arc::new(move |path: &Path| {
                let judge = RecipeJudge::open(path, is_golden, goldens.as_deref())?;
                let judge = judge.with_threads(threads);
                Ok(Box::new(judge) as Box<dyn Judge>)
            }),
            open_source: Arc::new(|_, config, first_ns| open_source(config, first_ns)),
            open_outputs: Arc::new(move || Ok(Box::new(Gpio::open(&outputs)?))),
            parts: None,
        }
    }
}

impl Station {
    /// Takes the outputs, opens the journal, loads the recipe, judges the goldens and starts the line.
    ///
    /// A failed challenge is no error: the station is [`Health::Held`].
    ///
    /// # Errors
    /// What cannot be used at all: lines, journal, recipe, model or socket.
    pub fn start(config: StationConfig, setup: Setup) -> Result<Self, Error> {
        for warning in config.warnings() {
            log::warn!("{}: {warning}", config.path.display());
        }
        // First of all: from here on the lines are held in their safe state.
        let outputs = (setup.open_outputs)()?;
        Notifier::from_environment().starts_for(START);
        let journal = Writer::open(&config.journal.folder, config.journal.settings)?;
        let (sender, inbox) = sync_channel(INBOX);
        let shared = Shared { line: sender, flags: Arc::new(Flags::default()) };
        let first_ns = now_ns().saturating_add(LEAD_NS);
        // Dropping it ends whatever was started.
        let mut station = Self {
            shared: shared.clone(),
            line: None,
            threads: Vec::new(),
            view: Arc::new(View::nothing_yet(&config.name)),
            control: None,
            plant: None,
            desk: None,
            first_ns,
        };
        if let Some(path) = &config.socket {
            station.control = Some(Control::listen(path, &shared)?);
        }
        // Before what takes its time: the operator sees that the station starts.
        let recipes = Arc::new(Recipes::read(&config.recipes));
        let line = (&station.view, &station.commander());
        station.desk = Desk::start(&config, line, &recipes)?;
        let restored = restore(&config, &setup.open_judge)?;
        let (orders, camera_ends) = orders();
        let cameras = set_for(&config, restored.judge.controls());
        let view = station.view.clone();
        let (teller, told) = sync_channel(QUEUE);
        let teller = Teller::new(teller);
        let opened = Opened { outputs, journal, restored, inbox, view, orders, teller };
        // On the heap: it is too large to be handed on by value several times over.
        let line = Box::new(opened.into_line(&config, &setup, &shared)?);
        line.notifier.send("READY=1");
        let line = std::thread::Builder::new()
            .name("line".to_owned())
            .spawn(move || run_line(line))
            .map_err(thread("line"))?;
        station.line = Some(line);
        station.first_ns = now_ns().saturating_add(LEAD_NS);
        let open = (&setup.open_source, station.first_ns, camera_ends);
        station.threads = start_threads(&cameras, open, &shared)?;
        station.threads.push(station.start_memory(&config)?);
        station.threads.push(start_standing(&config, told)?);
        station.start_plant(&config, &recipes)?;
        Ok(station)
    }

    /// What is learned of a recipe is written beside the journal, since the line must not wait for it.
    fn start_memory(&self, config: &StationConfig) -> Result<JoinHandle<()>, Error> {
        let folder = config.journal.folder.clone();
        let (view, shared) = (self.view.clone(), self.shared.clone());
        let work = move || {
            if let Err(reason) = guarded(|| remember(&folder, &view, &shared)) {
                log::error!("memory: {reason}");
            }
        };
        spawn("memory", work).map_err(thread("memory"))
    }

    fn start_plant(&mut self, config: &StationConfig, recipes: &Arc<Recipes>) -> Result<(), Error> {
        let line = (&self.view, &self.commander());
        if let Some(plant) = &config.plant {
            self.plant = Some(start_plant((config, plant), line, recipes)?);
        }
        Ok(())
    }

    /// How the station was at most 100 ms ago.
    pub fn status(&self) -> Status {
        self.view.status()
    }

    /// What others may see of it, for as long as they like.
    pub fn view(&self) -> Arc<View> {
        self.view.clone()
    }

    /// A way to command it from other threads.
    pub fn commander(&self) -> Commander {
        Commander(self.shared.clone())
    }

    /// Has a command carried out; the answer has `ok`, and `error` where that is false.
    pub fn command(&self, command: Command) -> Value {
        ask(command, By::operator(), &self.shared)
    }

    /// Whether the line runs: it ends by itself after the parts it was given, on `stop`, or on a fault
    /// of its own.
    pub fn is_running(&self) -> bool {
        self.line.as_ref().is_some_and(|line| !line.is_finished())
    }

    /// Puts the outputs in their safe state, gives every part in flight its outcome and closes the
    /// journal; the last status.
    ///
    /// # Errors
    /// [`Error::Thread`] when the line had ended by a fault of its own.
    pub fn stop(mut self) -> Result<Status, Error> {
        self.end().map_err(|reason| Error::Thread { name: "line", reason })
    }

    /// Ends the line, then whatever else there is; the line's last status.
    fn end(&mut self) -> Result<Status, String> {
        self.shared.flags.stop();
        let ended = match self.line.take().map(JoinHandle::join) {
            Some(Ok(ended)) => ended,
            Some(Err(_)) => Err("it panicked".to_owned()),
            None => Err("it never ran".to_owned()),
        };
        // The plant's network is told before it is left.
        self.view.set_ended(ended.as_ref().map(|_| ()).map_err(String::clone));
        let end = Instant::now() + PATIENCE;
        for thread in self.threads.drain(..) {
            while !thread.is_finished() && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(5));
            }
            if thread.is_finished() {
                // What it panicked with was told.
                let _ = thread.join();
            }
        }
        self.control = None;
        self.plant = None;
        self.desk = None;
        ended
    }
}

impl Drop for Station {
    /// As [`Station::stop`]: nothing goes on switching outputs when nobody holds the station.
    fn drop(&mut self) {
        if self.line.is_some()
            && let Err(reason) = self.end()
        {
            log::error!("line: {reason}");
        }
        self.shared.flags.stop();
    }
}

/// What a station holds before its line starts.
struct Opened {
    outputs: Box<dyn Outputs>,
    journal: Writer,
    restored: Restored,
    inbox: Receiver<Message>,
    view: Arc<View>,
    orders: [SyncSender<Order>; 2],
    teller: Teller,
}

impl Opened {
    /// Judges the goldens and puts the line together.
    fn into_line(
        mut self,
        config: &StationConfig,
        setup: &Setup,
        shared: &Shared,
    ) -> Result<Line, Error> {
        let identity = self.restored.judge.identity().clone();
        let detail = format!("{} {} {}", config.name, identity.name, identity.recipe_sha256);
        self.journal.append_event(Event::new(EventSource::System, "station_started", detail));
        let core = self.core(config);
        let within = config.confirmation.as_ref().map(|wanted| wanted.within_ns);
        let opened = || {
            let mut backoff = Backoff::new(BackoffLimits::default());
            backoff.opened(now_ns());
            backoff
        };
        let memory = &config.journal.folder;
        let drift = self.restored.judge.drift().map(|watched| recall(memory, &identity, watched));
        let (lines, open) = (Some(self.outputs), setup.open_outputs.clone());
        let settings = Settings::new(config, &self.restored.judge.controls(), self.orders);
        let Restored { judge, recipe: path, .. } = self.restored;
        let inspector = Inspector::with_judge(0, judge, shared).map_err(thread("inspection"))?;
        Ok(Line {
            core,
            inbox: self.inbox,
            shared: shared.clone(),
            outputs: Wires { lines, open, backoff: opened() },
            judging: Judging {
                inspector: Some(inspector),
                open: setup.open_judge.clone(),
                backoff: opened(),
                generation: 0,
                hung: 0,
                recipes: vec![InUse { recipe: 0, path, identity }],
                next_recipe: 1,
                challenged: None,
                loading: None,
            },
            settings,
            standing: self.teller,
            journal: Some(self.journal),
            journal_health: Default::default(),
            confirmations: within.map(Confirmations::new),
            desk: self.view.desk(),
            view: self.view,
            shown: Shown::default(),
            waiting: Waiting::default(),
            watch: Watch::new(drift),
            rate: Rate::default(),
            parts_per_minute: 0.0,
            notifier: Notifier::from_environment(),
            times: Times::now(),
            parts: setup.parts,
            config: config.clone(),
        })
    }

    fn core(&mut self, config: &StationConfig) -> Core<Arc<Frame>> {
        let mut core = Core::new(config.core);
        core.start();
        core.inspector_ready();
        if config.encoder.is_some() {
            // Edges before nobody counts.
            core.set_missing(Component::Encoder, Some("not listened to yet".to_owned()));
        }
        if let Some(Hold { kind, reason }) = &self.restored.hold {
            self.journal.append_event(Event::new(EventSource::System, "held_from_before", reason));
            core.hold(*kind, reason);
        }
        let (name, detail) = match self.restored.judge.challenge() {
            Ok(goldens) => ("challenge_passed", goldens.to_string()),
            Err(reason) => {
                core.set_challenge(Some(format!("challenge failed: {reason}")));
                ("challenge_failed", reason)
            }
        };
        self.view.set_samples(self.restored.judge.samples().to_vec());
        self.journal.append_event(Event::new(EventSource::System, name, detail));
        core
    }
}

#[cfg(test)]
impl Station {
    /// When a folder's first frame belongs to a trigger.
    pub(super) fn first_ns(&self) -> i64 {
        self.first_ns
    }

    /// Edges of the encoder.
    pub(super) fn move_belt(&self, edges: u64) {
        self.shared.flags.belt.advance(now_ns(), edges);
    }

    /// A part at a time, told when it is over.
    pub(super) fn trigger_at(&self, ns: i64) {
        self.shared.sleep_until(ns);
        self.shared.trigger(ns, 0);
    }
}

impl Times {
    fn now() -> Self {
        let started_ns = now_ns();
        let (tended_ns, pinged_ns) = (i64::MIN, i64::MIN);
        let health = Health::Starting;
        Self { started_ns, tended_ns, pinged_ns, health, lost_triggers: 0 }
    }
}

/// What outlives the process is written by a thread that may wait for the disk.
fn start_standing(
    config: &StationConfig,
    told: Receiver<Standing>,
) -> Result<JoinHandle<()>, Error> {
    let folder = config.journal.folder.clone();
    spawn("standing", move || keep(&folder, &told)).map_err(thread("standing"))
}

/// A station whose cameras are set as a recipe says.
pub(super) fn set_for(config: &StationConfig, recipe: [Controls; 2]) -> StationConfig {
    let mut config = config.clone();
    let cameras = &mut config.capture.cameras;
    let base: Vec<Controls> = cameras.iter().map(|camera| camera.controls.clone()).collect();
    for (camera, controls) in cameras.iter_mut().zip(over(&base, &recipe)) {
        camera.controls = controls;
    }
    config
}

/// A panic in here drops the outputs, which de-energises them, and leaves the journal as a crash does.
fn run_line(line: Box<Line>) -> Result<Status, String> {
    let flags = line.shared.flags.clone();
    prefer(Urgency::Line);
    let ended = guarded(|| line.run());
    flags.stop();
    if let Err(reason) = &ended {
        log::error!("line: {reason}");
    }
    ended
}

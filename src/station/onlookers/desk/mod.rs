//! The operator's desk: the screen, keys, touches and buttons of a station.
//!
//! Owns what the screen shows of the [`View`], and what a press asks of the station. Its threads
//! can lose the display or the keys: both are counted and opened again, and the line goes on.

mod buttons;
mod causes;
mod scene;
mod state;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use self::buttons::{Counts, Shared};
use self::scene::{Context, scene};
use self::state::{Asked, State};
use super::recipes::Recipes;
use crate::input::{
    Action, Circumstances, InputThread, InputsConfig, Lock, Press, Refusal, TouchMap,
};
use crate::journal::EventSource;
use crate::panel::{self, ButtonKind, PanelThread, Refused, Scene, Size};
use crate::station::config::PanelConfig;
use crate::station::run::Commander;
use crate::station::threads::{guarded, spawn};
use crate::station::view::View;
use crate::station::{By, Command, DeskStatus, Error, Health, StationConfig, Status};

/// From one scene to the next when nobody presses anything.
const TURN: Duration = Duration::from_millis(100);
/// Presses that may wait; nobody presses faster.
const PRESSES: usize = 16;

/// Ends when it is dropped.
pub(in crate::station) struct Desk {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// What the desk works with.
pub(in crate::station) struct Work {
    view: Arc<View>,
    commander: Commander,
    recipes: Arc<Recipes>,
    panel: Option<(PanelThread, PanelConfig)>,
    inputs: Option<InputsConfig>,
    /// Ends when it is dropped.
    input: Option<InputThread>,
    counts: Arc<Counts>,
    /// Of the display that was opened last.
    size: Arc<Mutex<Option<Size>>>,
    touch: TouchMap,
    state: State,
}

impl Desk {
    /// Starts what the station file has of it; nothing at all without `[panel]` and `[input]`.
    pub(in crate::station) fn start(
        config: &StationConfig,
        (view, commander): (&Arc<View>, &Commander),
        recipes: &Arc<Recipes>,
    ) -> Result<Option<Self>, Error> {
        if config.panel.is_none() && config.inputs.is_none() {
            return Ok(None);
        }
        let (stop, size) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let counts = Arc::<Counts>::default();
        let (sender, presses) = sync_channel(PRESSES);
        let touch = TouchMap::new();
        let mut threads = Vec::new();
        let mut input = None;
        if let Some(inputs) = &config.inputs {
            let shared = Shared { sender, stop: stop.clone(), counts: counts.clone() };
            threads.extend(buttons::listen(inputs, &shared)?);
            let hear = move |press| shared.hear(press);
            input = Some(InputThread::start(inputs.clone(), touch.clone(), hear)?);
        }
        let panel = config.panel.as_ref().map(|panel| start_panel(panel, &size)).transpose()?;
        let work = Work {
            view: view.clone(),
            commander: commander.clone(),
            recipes: recipes.clone(),
            panel: panel.zip(config.panel.clone()),
            inputs: config.inputs.clone(),
            input,
            counts,
            size,
            touch,
            state: State::default(),
        };
        let stopping = stop.clone();
        let desk = spawn("desk", move || work.run(&presses, &stopping));
        threads
            .push(desk.map_err(|error| Error::Thread { name: "desk", reason: error.to_string() })?);
        Ok(Some(Self { stop, threads }))
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            // One that panicked has ended too.
            let _ = thread.join();
        }
    }
}

impl Work {
    fn run(mut self, presses: &Receiver<Press>, stop: &AtomicBool) {
        while !stop.load(Ordering::Acquire) {
            let turn = guarded(|| self.turn(presses));
            if let Err(reason) = turn {
                log::error!("desk: {reason}");
                std::thread::sleep(TURN);
            }
        }
    }

    fn turn(&mut self, presses: &Receiver<Press>) {
        match presses.recv_timeout(TURN) {
            Ok(press) => self.press(&press),
            Err(RecvTimeoutError::Timeout) => {}
            // Without input nobody holds the other end.
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(TURN),
        }
        let status = self.view.status();
        self.state.look(status.health);
        self.view.set_desk(self.desk_status());
        self.show(&status);
    }

    /// What was lost on the way to and from the operator.
    fn desk_status(&self) -> DeskStatus {
        let panel = self.panel.as_ref().map(|(panel, _)| panel.counts()).unwrap_or_default();
        let input = self.input.as_ref().map(InputThread::counts).unwrap_or_default();
        DeskStatus {
            display_fault: panel.fault,
            display_failures: panel.display_failures,
            cut_texts: panel.cut_texts,
            unknown_glyphs: panel.unknown_glyphs,
            inputs: input.open as u64,
            input_failures: input.failures,
            button_failures: self.counts.failures.load(Ordering::Relaxed),
            lost_presses: self.counts.lost_presses.load(Ordering::Relaxed),
        }
    }

    fn show(&self, status: &Status) {
        let Some((panel, config)) = &self.panel else { return };
        let lock = self.inputs.as_ref().map(|inputs| inputs.lock);
        let context = Context { recipes: self.recipes.all(), language: config.language, lock };
        let scene = scene(&self.view, status, (&self.state, &context));
        self.place_buttons(&scene);
        panel.show(scene);
    }

    fn place_buttons(&self, scene: &Scene) {
        let size = *self.size.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(size) = size else { return };
        let placed = panel::buttons(scene, size);
        let buttons = placed.into_iter().map(|(kind, area)| (area, action_of(kind))).collect();
        self.touch.set((size.width, size.height), buttons);
    }

    /// Does what a press asks for, if the operator may; the journal has what became of it.
    fn press(&mut self, press: &Press) {
        let done = self.carry_out(press);
        let what = match &done {
            Ok(done) if done.is_empty() => press.action.name().to_owned(),
            Ok(done) => format!("{}: {done}", press.action.name()),
            Err(refused) => format!("{}: {}", press.action.name(), reason(refused)),
        };
        let by = By::new(EventSource::Operator, &press.source);
        let is_refused = done.is_err();
        if let Err(refused) = done {
            log::info!("{}: {what}", press.source);
            self.state.refuse(refused);
        }
        self.commander.post(Command::Pressed { what, is_refused }, by);
    }

    /// What was done, where the action does not say it all.
    fn carry_out(&mut self, press: &Press) -> Result<String, Refused> {
        let status = self.view.status();
        let lock = self.inputs.as_ref().map(|inputs| inputs.lock).unwrap_or_default();
        check(lock, press.action, &status)?;
        match press.action {
            Action::NextScreen => Ok(self.state.next_screen().to_owned()),
            Action::Acknowledge => {
                self.state.acknowledged();
                self.ask(Command::Acknowledge {}, press)
            }
            Action::Hold => self.ask(Command::Hold { reason: "by the operator".to_owned() }, press),
            Action::Resume => self.ask(Command::Resume {}, press),
            Action::Challenge => {
                self.state.challenge = Some(self.ask_beside(Command::Challenge {}, press)?);
                Ok("begun".to_owned())
            }
            Action::NextRecipe => {
                let in_force = self.recipes.place_of(&status.recipe).unwrap_or(1);
                self.state.next_recipe(usize::from(in_force) - 1, self.recipes.all().len());
                let pointed = self.state.choice.and_then(|place| self.recipes.all().get(place));
                pointed.map(|offered| offered.name.clone()).ok_or(Refused::Busy)
            }
            Action::SelectRecipe => self.select(press),
        }
    }

    fn select(&mut self, press: &Press) -> Result<String, Refused> {
        let chosen = self.state.choice.and_then(|place| self.recipes.all().get(place));
        let chosen = chosen.ok_or(Refused::NothingChosen)?;
        let (path, name) = (chosen.path.clone(), chosen.name.clone());
        let asked = self.ask_beside(Command::Recipe { path }, press)?;
        self.state.change = Some((name.clone(), asked));
        self.state.choice = None;
        Ok(name)
    }

    /// A line that has not begun answers when it has: nobody waits for that.
    fn ask(&self, command: Command, press: &Press) -> Result<String, Refused> {
        let by = By::new(EventSource::Operator, &press.source);
        if self.view.status().health == Health::Starting {
            self.commander.post(command, by);
            return Ok("when the station has started".to_owned());
        }
        let answer = self.commander.command(command, by);
        match answer["error"].as_str() {
            Some(error) => Err(Refused::Other(error.to_owned())),
            None => Ok(String::new()),
        }
    }

    /// Asks for something that takes long, in a thread of its own; one at a time.
    fn ask_beside(&self, command: Command, press: &Press) -> Result<Asked, Refused> {
        if self.state.is_busy() {
            return Err(Refused::Busy);
        }
        let asked = Asked::default();
        let (commander, answer) = (self.commander.clone(), asked.answer.clone());
        let by = By::new(EventSource::Operator, &press.source);
        let thread = spawn("operator", move || {
            let value = commander.command(command, by);
            *answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        });
        thread.map_err(|error| Refused::Other(error.to_string()))?;
        Ok(asked)
    }
}

/// Whether the operator may do that now.
fn check(lock: Lock, action: Action, status: &Status) -> Result<(), Refused> {
    let now = Circumstances { challenge_failed: status.is_challenge_failed };
    lock.check(action, now).map_err(|refusal| match refusal {
        Refusal::Recipe(_) => Refused::RecipeLocked,
        Refusal::FailedChallenge => Refused::ChallengeFailed,
    })?;
    let is_begun = status.is_challenging || status.preparing.is_some();
    let takes_long = matches!(action, Action::Challenge | Action::SelectRecipe);
    if takes_long && (is_begun || status.health == Health::Starting) {
        return Err(Refused::Busy);
    }
    Ok(())
}

/// For the journal and the log.
fn reason(refused: &Refused) -> &str {
    match refused {
        Refused::RecipeLocked => "locked for the operator ([input.operator] may_change_recipe)",
        Refused::ChallengeFailed => "the challenge failed; pass it, or change the recipe",
        Refused::Busy => "a challenge or a change of recipe is under way",
        Refused::NothingChosen => "no recipe is pointed at",
        Refused::Other(reason) => reason,
    }
}

fn start_panel(
    config: &PanelConfig,
    size: &Arc<Mutex<Option<Size>>>,
) -> Result<PanelThread, Error> {
    let (display, size) = (config.display.clone(), size.clone());
    let open = move || {
        let opened = display.open()?;
        *size.lock().unwrap_or_else(PoisonError::into_inner) = Some(opened.size());
        Ok(opened)
    };
    Ok(PanelThread::start(open)?)
}

fn action_of(kind: ButtonKind) -> Action {
    match kind {
        ButtonKind::Acknowledge => Action::Acknowledge,
        ButtonKind::Hold => Action::Hold,
        ButtonKind::Resume => Action::Resume,
        ButtonKind::Challenge => Action::Challenge,
        ButtonKind::NextRecipe => Action::NextRecipe,
        ButtonKind::SelectRecipe => Action::SelectRecipe,
        ButtonKind::NextScreen => Action::NextScreen,
    }
}

#[cfg(test)]
impl Work {
    /// A desk without threads.
    pub(in crate::station) fn of(
        station: &crate::station::Station,
        recipes: &[std::path::PathBuf],
        inputs: InputsConfig,
    ) -> Self {
        Self {
            view: station.view(),
            commander: station.commander(),
            recipes: Arc::new(Recipes::read(recipes)),
            panel: None,
            inputs: Some(inputs),
            input: None,
            counts: Arc::default(),
            size: Arc::default(),
            touch: TouchMap::new(),
            state: State::default(),
        }
    }

    /// Somebody presses something.
    pub(in crate::station) fn pressed(&mut self, action: Action, source: &str) {
        self.press(&Press { action, source: source.to_owned() });
        self.state.look(self.view.status().health);
    }
}

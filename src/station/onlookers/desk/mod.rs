//! The operator's desk: the screen, keys, touches and buttons of a station.
//!
//! Owns what the screen shows of the [`View`], and what a press asks of the station. Its threads
//! can lose the display or the keys: both are counted and opened again, and the line goes on.

mod buttons;
mod scene;
mod state;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use self::scene::scene;
use self::state::{Asked, State};
use super::recipes::Recipes;
use crate::input::{Action, Circumstances, InputThread, InputsConfig, Press, TouchMap};
use crate::journal::EventSource;
use crate::panel::{self, ButtonKind, PanelThread, Scene, Size};
use crate::station::config::PanelConfig;
use crate::station::run::Commander;
use crate::station::threads::{guarded, spawn};
use crate::station::view::View;
use crate::station::{By, Command, Error, StationConfig};

/// From one scene to the next when nobody presses anything.
const TURN: Duration = Duration::from_millis(100);
/// Presses that may wait; nobody presses faster.
const PRESSES: usize = 16;

/// Ends when it is dropped.
pub(in crate::station) struct Desk {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    /// Ends its thread when it is dropped.
    _input: Option<InputThread>,
}

/// What the desk works with.
pub(in crate::station) struct Work {
    view: Arc<View>,
    commander: Commander,
    recipes: Arc<Recipes>,
    panel: Option<(PanelThread, PanelConfig)>,
    inputs: Option<InputsConfig>,
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
        let (sender, presses) = sync_channel(PRESSES);
        let touch = TouchMap::new();
        let mut threads = Vec::new();
        let mut input = None;
        if let Some(inputs) = &config.inputs {
            let heard = hear(sender.clone());
            input = Some(InputThread::start(inputs.clone(), touch.clone(), heard)?);
            threads.extend(buttons::listen(inputs, &sender, &stop)?);
        }
        let panel = config.panel.as_ref().map(|panel| start_panel(panel, &size)).transpose()?;
        let work = Work {
            view: view.clone(),
            commander: commander.clone(),
            recipes: recipes.clone(),
            panel: panel.zip(config.panel.clone()),
            inputs: config.inputs.clone(),
            size,
            touch,
            state: State::default(),
        };
        let stopping = stop.clone();
        let desk = spawn("desk", move || work.run(&presses, &stopping));
        threads
            .push(desk.map_err(|error| Error::Thread { name: "desk", reason: error.to_string() })?);
        Ok(Some(Self { stop, threads, _input: input }))
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
        self.state.look();
        self.show();
    }

    fn show(&self) {
        let Some((panel, config)) = &self.panel else { return };
        let recipes: Vec<String> =
            self.recipes.all().iter().map(|offered| offered.name.clone()).collect();
        let has_buttons = self.inputs.is_some();
        let scene = scene(&self.view, (&self.state, &recipes), (config.language, has_buttons));
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

    /// Does what a press asks for, if the operator may.
    fn press(&mut self, press: &Press) {
        let status = self.view.status();
        let lock = self.inputs.as_ref().map(|inputs| inputs.lock).unwrap_or_default();
        let now = Circumstances { challenge_failed: status.is_challenge_failed };
        if let Err(refusal) = lock.check(press.action, now) {
            log::info!("{}: {refusal}", press.source);
            self.ask(Command::Refused { what: refusal.to_string() }, press);
            return;
        }
        match press.action {
            Action::NextScreen => self.state.next_screen(),
            Action::Acknowledge => {
                self.state.acknowledged();
                self.ask(Command::Acknowledge {}, press);
            }
            Action::Hold => self.ask(Command::Hold { reason: "by the operator".to_owned() }, press),
            Action::Resume => self.ask(Command::Resume {}, press),
            Action::Challenge => {
                if let Some(asked) = self.ask_beside(Command::Challenge {}, press) {
                    self.state.challenge = Some(asked);
                }
            }
            Action::NextRecipe => {
                let in_force = self.recipes.place_of(&status.recipe).unwrap_or(1);
                self.state.next_recipe(usize::from(in_force) - 1, self.recipes.all().len());
            }
            Action::SelectRecipe => self.select(press),
        }
    }

    fn select(&mut self, press: &Press) {
        let Some(chosen) = self.state.choice.and_then(|place| self.recipes.all().get(place)) else {
            return;
        };
        let (path, name) = (chosen.path.clone(), chosen.name.clone());
        if let Some(asked) = self.ask_beside(Command::Recipe { path }, press) {
            self.state.change = Some((name, asked));
            self.state.choice = None;
        }
    }

    fn ask(&self, command: Command, press: &Press) {
        let answer = self.commander.command(command, By::new(EventSource::Operator, &press.source));
        if let Some(error) = answer["error"].as_str() {
            log::warn!("{}: {error}", press.source);
        }
    }

    /// Asks for something that takes long, in a thread of its own; one at a time.
    fn ask_beside(&self, command: Command, press: &Press) -> Option<Asked> {
        if self.state.is_busy() {
            return None;
        }
        let asked = Asked::default();
        let (commander, answer) = (self.commander.clone(), asked.answer.clone());
        let by = By::new(EventSource::Operator, &press.source);
        let thread = spawn("operator", move || {
            let value = commander.command(command, by);
            *answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        });
        match thread {
            Ok(_) => Some(asked),
            Err(error) => {
                log::error!("{}: {error}", press.source);
                None
            }
        }
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

/// What comes while enough presses wait is not heard.
fn hear(sender: SyncSender<Press>) -> impl FnMut(Press) + Send + 'static {
    move |press| {
        if let Err(TrySendError::Full(press)) = sender.try_send(press) {
            log::warn!("{}: not heard, the desk is behind", press.source);
        }
    }
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
            size: Arc::default(),
            touch: TouchMap::new(),
            state: State::default(),
        }
    }

    /// Somebody presses something.
    pub(in crate::station) fn pressed(&mut self, action: Action, source: &str) {
        self.press(&Press { action, source: source.to_owned() });
        self.state.look();
    }
}

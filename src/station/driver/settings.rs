//! What the cameras are set to: a recipe is in force only when both have confirmed its controls.

use std::sync::mpsc::SyncSender;

use serde_json::{Value, json};

use super::super::camera::Order;
use super::super::command::refused;
use super::super::config::StationConfig;
use super::super::core::HoldKind;
use super::super::message::Loaded;
use super::{Line, now_ns};
use crate::capture::Controls;

/// Frames that may still be exposed by the settings before: sensors take new ones one or two frames later.
const FRAMES_TO_SETTLE: i64 = 3;
/// On top of a camera's time-out: the longest that it may take to confirm.
const CONFIRM_NS: i64 = 5_000_000_000;

/// The cameras' controls, and a change of them that is under way.
pub(in crate::station) struct Settings {
    orders: [SyncSender<Order>; 2],
    /// Of the station, one for each camera there is.
    base: Vec<Controls>,
    in_force: Vec<Controls>,
    changes: u32,
    pending: Option<Pending>,
    settle_ns: i64,
    confirm_ns: i64,
}

/// A recipe that waits for the cameras.
struct Pending {
    loaded: Box<Loaded>,
    wanted: Vec<Controls>,
    /// Cameras that were sent the change.
    sent: Vec<usize>,
    /// Of these, those that have not confirmed it.
    unconfirmed: Vec<usize>,
    until_ns: i64,
}

impl Settings {
    /// Of a station whose cameras are opened by what `recipe` sets.
    pub(in crate::station) fn new(
        config: &StationConfig,
        recipe: &[Controls; 2],
        orders: [SyncSender<Order>; 2],
    ) -> Self {
        let cameras = &config.capture.cameras;
        let base: Vec<Controls> = cameras.iter().map(|camera| camera.controls.clone()).collect();
        let period_ns = cameras.iter().map(|camera| camera.period_ns).max().unwrap_or(0);
        let latency_ns = config.core.timing.frame_latency_ns;
        let timeout_ns = i64::try_from(config.capture.timeout.as_nanos()).unwrap_or(i64::MAX);
        Self {
            orders,
            in_force: over(&base, recipe),
            base,
            changes: 0,
            pending: None,
            settle_ns: period_ns.saturating_mul(FRAMES_TO_SETTLE).saturating_add(latency_ns),
            confirm_ns: timeout_ns.saturating_add(CONFIRM_NS),
        }
    }

    /// A recipe that leaves a camera as the one before set it would depend on what ran before.
    fn lacking(&self, wanted: &[Controls]) -> Option<String> {
        let cameras = ["test", "reference"].into_iter().zip(self.in_force.iter().zip(wanted));
        let mut lacking = cameras.filter_map(|(name, (before, wanted))| {
            Some(format!("camera.{name}.controls.{}", wanted.lacks(before)?))
        });
        lacking.next()
    }

    /// Sends each of these cameras its controls; the first that takes no orders.
    fn send(&self, cameras: &[usize], controls: &[Controls], is_return: bool) -> Option<usize> {
        let send = |camera: &&usize| {
            let controls = controls.get(**camera).cloned().unwrap_or_default();
            let order = Order { change: self.changes, controls, is_return };
            self.orders.get(**camera).is_none_or(|orders| orders.try_send(order).is_err())
        };
        // All of them, whoever does not take it.
        let failed: Vec<usize> = cameras.iter().filter(send).copied().collect();
        failed.first().copied()
    }
}

/// A recipe's controls over those of each camera.
pub(in crate::station) fn over(base: &[Controls], recipe: &[Controls; 2]) -> Vec<Controls> {
    base.iter().zip(recipe).map(|(base, recipe)| recipe.over(base)).collect()
}

impl Line {
    /// Has the cameras set for a recipe that is ready; the answer, where it need not be waited for.
    pub(super) fn set_cameras(&mut self, loaded: Box<Loaded>) -> Option<Value> {
        let settings = &mut self.settings;
        let wanted = over(&settings.base, &loaded.controls);
        if wanted == settings.in_force {
            return Some(self.adopt_for(*loaded));
        }
        if let Some(key) = settings.lacking(&wanted) {
            let detail = "set by the recipe in force, and by neither this one nor the station; name it \
                          in one of them; the recipe in force stays";
            return Some(refused(format!("{}: {key}: {detail}", loaded.path.display())));
        }
        settings.changes += 1;
        let pairs = settings.in_force.iter().zip(&wanted).enumerate();
        let sent: Vec<usize> =
            pairs.filter(|(_, (before, wanted))| before != wanted).map(|(it, _)| it).collect();
        let failed = settings.send(&sent, &wanted, false);
        let now_ns = now_ns();
        let until_ns = now_ns.saturating_add(settings.confirm_ns);
        let unconfirmed = sent.clone();
        settings.pending = Some(Pending { loaded, wanted, sent, unconfirmed, until_ns });
        self.core.unsettle(now_ns);
        let camera = failed?;
        self.return_cameras(&format!("{}: it takes no orders", name(camera)))
    }

    /// A camera was set, or not.
    pub(super) fn camera_set(&mut self, camera: usize, change: u32, set: Result<(), String>) {
        let is_awaited = change == self.settings.changes;
        let answer = match (self.settings.pending.as_mut().filter(|_| is_awaited), set) {
            (None, Ok(())) => None,
            (None, Err(reason)) => {
                log::error!("{}: not set back: {reason}", name(camera));
                None
            }
            (Some(_), Err(reason)) => self.return_cameras(&format!("{}: {reason}", name(camera))),
            (Some(pending), Ok(())) => {
                pending.unconfirmed.retain(|waiting| *waiting != camera);
                if pending.unconfirmed.is_empty() { self.cameras_are_set() } else { None }
            }
        };
        if let (Some(answer), Some(loading)) = (&answer, &self.judging.loading) {
            let _ = loading.reply.try_send(answer.clone());
            self.judging.loading = None;
        }
    }

    /// Cameras that say nothing have not confirmed anything.
    pub(super) fn mind_cameras(&mut self, now_ns: i64) {
        let pending = self.settings.pending.as_ref();
        let Some(pending) = pending.filter(|pending| now_ns > pending.until_ns) else { return };
        let camera = pending.unconfirmed.first().copied().unwrap_or(0);
        let answer = self.return_cameras(&format!("{}: it does not answer", name(camera)));
        if let (Some(answer), Some(loading)) = (answer, self.judging.loading.take()) {
            let _ = loading.reply.try_send(answer);
        }
    }

    fn cameras_are_set(&mut self) -> Option<Value> {
        let Pending { loaded, wanted, sent, .. } = self.settings.pending.take()?;
        let mut answer = self.adopt_for(*loaded);
        if answer["ok"] == true {
            answer["controls"] = json!(wanted);
            self.settings.in_force = wanted;
        } else {
            self.set_back(&sent);
        }
        self.settle_cameras();
        Some(answer)
    }

    /// Gives a change up: every camera gets what is in force.
    fn return_cameras(&mut self, reason: &str) -> Option<Value> {
        let Pending { loaded, sent, .. } = self.settings.pending.take()?;
        self.set_back(&sent);
        self.settle_cameras();
        let reason = format!("{}: {reason}; the recipe in force stays", loaded.path.display());
        self.refused_recipe(&reason);
        Some(refused(reason))
    }

    fn set_back(&mut self, cameras: &[usize]) {
        // What is on its way of the change before is nobody's confirmation.
        self.settings.changes += 1;
        if let Some(camera) = self.settings.send(cameras, &self.settings.in_force, true) {
            log::error!("{}: it takes no orders", name(camera));
            let reason = format!("{}: not set back to the recipe in force", name(camera));
            self.core.hold(HoldKind::Cameras, reason);
        }
    }

    fn settle_cameras(&mut self) {
        self.core.settled_from(now_ns().saturating_add(self.settings.settle_ns));
    }
}

fn name(camera: usize) -> &'static str {
    if camera == 0 { "test camera" } else { "reference camera" }
}

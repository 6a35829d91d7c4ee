//! Starts the threads around the line.

use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;

use super::Error;
use super::camera::{Camera, OpenSource, Order};
use super::config::{StationConfig, TriggerConfig};
use super::inputs::{self, Role};
use super::silence::{Cause, Silence};
use super::thermal;
use super::threads::{Shared, spawn};
use crate::signal::InputConfig;

/// A thread for each camera, input line and trigger by time; frames and triggers begin at `first_ns`.
pub(super) fn start_threads(
    config: &StationConfig,
    (open, first_ns, orders): (&OpenSource, i64, [Receiver<Order>; 2]),
    shared: &Shared,
) -> Result<Vec<JoinHandle<()>>, Error> {
    let mut threads = Vec::new();
    let cameras = config.capture.cameras.iter().zip(orders).enumerate();
    for (number, (camera, orders)) in cameras {
        let camera = Camera {
            number,
            config: camera.clone(),
            timeout: config.capture.timeout,
            first_ns: first_exposure_ns(config, number, first_ns),
            open: open.clone(),
            orders,
            silence: silence_of(config, number),
            shared: shared.clone(),
        };
        let name = if number == 0 { "camera-test" } else { "camera-ref" };
        threads.push(spawn(name, move || camera.run()).map_err(thread("camera"))?);
    }
    let mut listen = |role, input: &InputConfig| {
        let (input, shared) = (input.clone(), shared.clone());
        let spawned = spawn("input", move || inputs::listen(role, &input, &shared));
        spawned.map(|handle| threads.push(handle)).map_err(thread("input"))
    };
    if let Some(input) = &config.encoder {
        listen(Role::Encoder, input)?;
    }
    if let Some(confirmation) = &config.confirmation {
        listen(Role::Confirmation, &confirmation.input)?;
    }
    match &config.trigger {
        TriggerConfig::Gpio(input) => listen(Role::Trigger, input)?,
        TriggerConfig::Interval { period_ns } => {
            let (period_ns, shared) = (*period_ns, shared.clone());
            let spawned = spawn("trigger", move || inputs::tick(first_ns, period_ns, &shared));
            threads.push(spawned.map_err(thread("trigger"))?);
        }
        TriggerConfig::FreeRunning | TriggerConfig::Software => {}
    }
    if let Some(thermal) = config.board.as_ref().and_then(|board| board.thermal.clone()) {
        let shared = shared.clone();
        let watch = move || thermal::watch((&thermal, thermal::EVERY), || thermal.look(), &shared);
        threads.push(spawn("thermal", watch).map_err(thread("thermal"))?);
    }
    Ok(threads)
}

/// When a camera that delivers nothing is to be doubted.
fn silence_of(config: &StationConfig, camera: usize) -> Silence {
    let timing = &config.core.timing;
    let views = timing.reference.iter().chain([&timing.test]);
    let delay_ns = views.filter(|view| view.camera == camera).map(|view| view.delay_ns).max();
    let grace_ns = [timing.window_ns, timing.frame_latency_ns, timing.trigger_latency_ns]
        .into_iter()
        .fold(delay_ns.unwrap_or(0), i64::saturating_add);
    // Where frames are the trigger, nothing else tells of a part.
    let cause = match config.trigger {
        TriggerConfig::FreeRunning => Cause::Time,
        _ => Cause::Parts,
    };
    Silence::new(cause, grace_ns)
}

/// A folder's first frame lies in the window of the first trigger by time.
fn first_exposure_ns(config: &StationConfig, camera: usize, first_ns: i64) -> i64 {
    let timing = &config.core.timing;
    let views = timing.reference.iter().chain([&timing.test]);
    let delay_ns = views.filter(|view| view.camera == camera).map(|view| view.delay_ns).min();
    first_ns.saturating_add(delay_ns.unwrap_or(0)).saturating_add(timing.window_ns / 2)
}

/// An [`Error::Thread`], for `map_err`.
pub(super) fn thread(name: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    move |error| Error::Thread { name, reason: error.to_string() }
}

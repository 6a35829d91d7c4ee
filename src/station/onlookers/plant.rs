//! The station as the plant's network sees it.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::outbox::JournalOutbox;
use super::recipes::Recipes;
use crate::drift::Alarm;
use crate::journal::{EventSource, Outcome};
use crate::plant::{
    Cause, Condition, Counters, DriftFigure, Latency, PartResult, Plant, PlantConfig, Rates,
    RecipeChoice, RecipeEntry, RecipeInForce, Region, Request, Requests, Role, Score, Seams,
    Snapshot, Source, State, Upkeep, Verdict,
};
use crate::station::core::{Health, LatencyFigures};
use crate::station::run::Commander;
use crate::station::view::{PartSeen, View};
use crate::station::{By, Command, DriftSeen, StationConfig, Status, TriggerConfig};

/// Starts what the station file has of it.
pub(in crate::station) fn start(
    (config, plant): (&StationConfig, &PlantConfig),
    (view, commander): (&Arc<View>, &Commander),
    recipes: &Arc<Recipes>,
) -> Result<Plant, crate::plant::Error> {
    let source = StationSource {
        view: view.clone(),
        recipes: recipes.clone(),
        is_continuous: config.trigger != TriggerConfig::Software,
        pictures: Pictures::default(),
    };
    let requests = StationRequests { commander: commander.clone(), recipes: recipes.clone() };
    let outbox = JournalOutbox::new(config.journal.folder.clone());
    let (source, requests) = (Arc::new(source), Arc::new(requests));
    Plant::start(plant, Seams { source, requests, outbox: Some(Box::new(outbox)) })
}

struct StationSource {
    view: Arc<View>,
    recipes: Arc<Recipes>,
    is_continuous: bool,
    pictures: Pictures,
}

/// The images that were asked for last, by role, each with the number of its part: encoding takes
/// longer than anything else that is asked, and many may ask for the same.
#[derive(Debug, Default)]
struct Pictures([Mutex<Option<Picture>>; 2]);

/// The number of a part, and its image as PNG.
type Picture = (u64, Vec<u8>);

impl Pictures {
    /// The image of a part, encoded if it is another than the last.
    fn image(
        &self,
        role: Role,
        number: u64,
        encode: impl FnOnce() -> Result<Vec<u8>, String>,
    ) -> Result<Vec<u8>, String> {
        // Who asks for the same meanwhile waits for this one; nobody else does.
        let mut last = self.0[role as usize].lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((known, png)) if *known == number => Ok(png.clone()),
            _ => {
                let png = encode()?;
                *last = Some((number, png.clone()));
                Ok(png)
            }
        }
    }
}

impl Source for StationSource {
    fn snapshot(&self) -> Arc<Snapshot> {
        let status = self.view.status();
        let last = self.view.last().map(|part| result_of(&part));
        Arc::new(snapshot_of(status, last, self))
    }

    fn image(&self, role: Role) -> Result<Option<(u64, Vec<u8>)>, String> {
        let Some(part) = self.view.last_pictured() else { return Ok(None) };
        let frame = match role {
            Role::Reference => &part.frames[0],
            Role::Test => &part.frames[1],
        };
        let Some(frame) = frame else { return Ok(None) };
        let encode = || frame.to_png().map_err(|error| error.to_string());
        Ok(Some((part.number, self.pictures.image(role, part.number, encode)?)))
    }

    fn recipes(&self) -> Vec<RecipeEntry> {
        let entry = |offered: &super::recipes::Offered| RecipeEntry {
            name: offered.name.clone(),
            sha256: offered.sha256.clone(),
        };
        self.recipes.all().iter().map(entry).collect()
    }
}

struct StationRequests {
    commander: Commander,
    recipes: Arc<Recipes>,
}

impl Requests for StationRequests {
    fn ask(&self, request: Request, peer: &str) -> Result<Value, String> {
        let command = match request {
            Request::Trigger => Command::Trigger {},
            Request::Hold { reason } => Command::Hold { reason },
            Request::Resume => Command::Resume {},
            Request::Challenge => Command::Challenge {},
            Request::SelectRecipe(choice) => {
                let found = match &choice {
                    RecipeChoice::Name(name) => self.recipes.named(name),
                    RecipeChoice::Index(index) => self.recipes.at(*index),
                };
                let path = found.ok_or("it is not in the list of recipes")?.path.clone();
                Command::Recipe { path }
            }
        };
        let answer = self.commander.command(command, By::new(EventSource::Plant, peer));
        if answer["ok"] == Value::Bool(true) {
            return Ok(answer);
        }
        Err(answer["error"].as_str().unwrap_or("the station gave no reason").to_owned())
    }
}

fn snapshot_of(status: Status, last: Option<PartResult>, source: &StationSource) -> Snapshot {
    let ended = source.view.ended();
    let (counters, in_flight) = (status.counters, status.in_flight as u64);
    let yielded = counters.conforming as f64 * 100.0 / counters.finished.max(1) as f64;
    Snapshot {
        state: State::of(condition(&status, &ended), source.is_continuous, in_flight),
        cause: cause(&status, &ended),
        upkeep: upkeep(&status),
        reason: match ended {
            None => status.reason.unwrap_or_default(),
            Some(ended) => ended.err().unwrap_or_default(),
        },
        station: status.name,
        up_s: status.up_s,
        recipe: RecipeInForce {
            index: source.recipes.place_of(&status.recipe),
            name: status.recipe.name,
            sha256: status.recipe.recipe_sha256,
            model_sha256: status.recipe.model_sha256,
        },
        counters: Counters {
            triggers: counters.triggers,
            missed_triggers: counters.missed_triggers,
            finished: counters.finished,
            inspected: counters.inspected,
            conforming: counters.conforming,
            mismatch: counters.mismatch,
            not_inspected: counters.not_inspected,
            overload_rejected: counters.overload_rejected,
            deadline_missed: counters.deadline_missed,
            late_verdicts: counters.late_verdicts,
        },
        in_flight,
        rates: Rates { parts_per_minute: status.parts_per_minute, yield_percent: yielded },
        to_leaving: latency(&status.to_leaving),
        inspection: latency(&status.inspection),
        drift: status.drift.iter().map(drift_figure).collect(),
        last,
    }
}

fn drift_figure(figure: &DriftSeen) -> DriftFigure {
    DriftFigure {
        name: figure.name.to_owned(),
        level: figure.level,
        state: alarm(figure.alarm).to_owned(),
    }
}

fn alarm(alarm: Alarm) -> &'static str {
    match alarm {
        Alarm::Ok => "ok",
        Alarm::Warn => "warn",
        Alarm::Hold => "hold",
    }
}

/// What is wrong with the station itself.
fn upkeep(status: &Status) -> Upkeep {
    // A component is written as one word.
    let word = |component| serde_json::to_value(component).ok()?.as_str().map(str::to_owned);
    Upkeep {
        missing: status.missing.iter().filter_map(word).collect(),
        journal_fault: status.journal.fault.clone().unwrap_or_default(),
        dropped_records: status.journal.dropped_parts,
        dropped_images: status.journal.parts_without_images,
        journal_restarts: status.journal.restarts,
        dropped_frames: status.frames.dropped,
        overflowed_frames: status.frames.overflowed,
        inspector_restarts: status.inspector_restarts.into(),
        unconfirmed_ejections: status.unconfirmed,
    }
}

fn condition(status: &Status, ended: &Option<Result<(), String>>) -> Condition {
    match ended {
        Some(Ok(())) => return Condition::Stopped,
        Some(Err(_)) => return Condition::Faulted,
        None => {}
    }
    match status.health {
        Health::Starting => Condition::Starting,
        Health::Running => Condition::Running,
        Health::Degraded => Condition::Degraded,
        Health::Held => Condition::Held,
        Health::Faulted => Condition::Faulted,
    }
}

fn cause(status: &Status, ended: &Option<Result<(), String>>) -> Cause {
    match ended {
        Some(Ok(())) => return Cause::Stopped,
        Some(Err(_)) => return Cause::Fault,
        None => {}
    }
    match status.health {
        Health::Running => Cause::None,
        Health::Starting => Cause::Starting,
        Health::Degraded => Cause::Degraded,
        Health::Faulted => Cause::Fault,
        Health::Held if status.is_challenge_failed || status.is_challenging => Cause::Challenge,
        Health::Held if status.drift.iter().any(|figure| figure.alarm == Alarm::Hold) => {
            Cause::Drift
        }
        Health::Held => Cause::Held,
    }
}

fn latency(figures: &LatencyFigures) -> Latency {
    Latency {
        count: figures.count,
        mean_ms: figures.mean_ms,
        p50_ms: figures.p50_ms,
        p99_ms: figures.p99_ms,
        max_ms: figures.max_ms,
    }
}

fn result_of(part: &PartSeen) -> PartResult {
    PartResult {
        number: part.number,
        unix_ms: part.unix_ms,
        verdict: match &part.outcome {
            Outcome::Conforming => Verdict::Conforming,
            Outcome::Mismatch => Verdict::Mismatch,
            Outcome::NotInspected { stage, detail } => {
                Verdict::NotInspected { stage: stage.clone(), detail: detail.clone() }
            }
        },
        scores: part.scores.iter().map(score_of).collect(),
        recipe_sha256: part.recipe.recipe_sha256.clone(),
        model_sha256: part.recipe.model_sha256.clone(),
        latency_ms: f64::from(part.latency_ms),
    }
}

fn score_of(score: &crate::journal::SpecScore) -> Score {
    Score {
        spec: score.spec.clone(),
        score: score.score,
        threshold: score.threshold,
        region: score.region.map(|rect| Region {
            x: rect.x,
            y: rect.y,
            width: rect.width,
            height: rect.height,
        }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::station::core::Component;

    fn source() -> StationSource {
        StationSource {
            view: Arc::new(View::nothing_yet("a")),
            recipes: Arc::new(Recipes::default()),
            is_continuous: true,
            pictures: Pictures::default(),
        }
    }

    #[test]
    fn an_image_is_encoded_once_for_all_who_ask() {
        let (pictures, mut encoded) = (Pictures::default(), Vec::new());
        for (role, number) in [
            (Role::Test, 7),
            (Role::Test, 7),
            (Role::Reference, 7),
            (Role::Test, 7),
            (Role::Test, 8),
            (Role::Reference, 7),
        ] {
            let png = pictures.image(role, number, || {
                encoded.push((role, number));
                Ok(vec![number as u8])
            });
            assert_eq!(png.unwrap(), [number as u8]);
        }
        assert_eq!(encoded, [(Role::Test, 7), (Role::Reference, 7), (Role::Test, 8)]);
        assert!(pictures.image(Role::Test, 9, || Err("no memory".to_owned())).is_err());
        assert_eq!(pictures.image(Role::Test, 9, || Ok(vec![9])).unwrap(), [9]);
    }

    #[test]
    fn a_line_that_ended_is_halted_or_failed_whatever_it_was_before() {
        for (ended, state, cause) in [
            (Ok(()), State::Halted, Cause::Stopped),
            (Err("it panicked".to_owned()), State::Error, Cause::Fault),
        ] {
            let source = source();
            let mut status = source.view.status();
            (status.health, status.reason) = (Health::Held, Some("cleaning".to_owned()));
            source.view.set_status(status);
            assert_eq!(source.snapshot().state, State::Initialized);
            let reason = ended.clone().err().unwrap_or_default();
            source.view.set_ended(ended);
            let snapshot = source.snapshot();
            assert_eq!((snapshot.state, snapshot.cause), (state, cause));
            assert_eq!(snapshot.reason, reason);
        }
    }

    #[test]
    fn what_is_wrong_with_the_station_is_in_the_snapshot() {
        let source = source();
        let mut status = source.view.status();
        status.missing = vec![Component::TestCamera, Component::Journal];
        status.journal.fault = Some("disk full".to_owned());
        (status.journal.dropped_parts, status.frames.dropped) = (3, 4);
        (status.inspector_restarts, status.unconfirmed) = (5, 6);
        source.view.set_status(status);
        let upkeep = source.snapshot().upkeep.clone();
        assert_eq!(upkeep.missing, ["test-camera", "journal"]);
        assert_eq!(upkeep.journal_fault, "disk full");
        assert_eq!((upkeep.dropped_records, upkeep.dropped_frames), (3, 4));
        assert_eq!((upkeep.inspector_restarts, upkeep.unconfirmed_ejections), (5, 6));
    }
}

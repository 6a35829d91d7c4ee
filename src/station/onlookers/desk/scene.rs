//! What the screen shows of a station.

use std::path::Path;
use std::sync::Arc;

use super::causes;
use super::state::{Page, State};
use crate::drift::{self, Alarm, Figure, FigureStatus};
use crate::input::Lock;
use crate::journal::Outcome;
use crate::panel::{
    Allowed, Challenge, ChallengeState, ChangeState, Counters, Drift, DriftState, FaultBox,
    Finding, Health, Language, Notice, NoticeKind, Part, Quantity, RecipeChange, Remedy, Sample,
    SampleResult, Scene, Screen, Strip, Trend, TrendScore, operator_buttons,
};
use crate::spec::Label;
use crate::station::core::{Component, FaultFound};
use crate::station::onlookers::recipes::Offered;
use crate::station::view::{PartSeen, Recent, View};
use crate::station::{self, SampleSeen, Status};
use crate::verdict::Verdict;

/// A part that failed stays on the screen for so long, though others pass after it.
const FAILURE_SHOWN_MS: u64 = 3_000;

/// What the trend shows, each with the figures that make it.
const QUANTITIES: [(Quantity, &[Figure]); 5] = [
    (Quantity::Focus, &[Figure::Focus]),
    (Quantity::Exposure, &[Figure::Exposure, Figure::Clipped]),
    (
        Quantity::Framing,
        &[Figure::ShiftX, Figure::ShiftY, Figure::Rotation, Figure::Scale, Figure::Residual],
    ),
    (Quantity::Score, &[Figure::Score, Figure::ScoreSpread]),
    (Quantity::Embedding, &[Figure::TestEmbedding, Figure::ReferenceEmbedding]),
];

/// What a scene depends on beside the station.
#[derive(Debug)]
pub(super) struct Context<'a> {
    /// Those on offer.
    pub(super) recipes: &'a [Offered],
    /// What the operator reads.
    pub(super) language: Language,
    /// What the operator may do; `None` where nobody can press anything.
    pub(super) lock: Option<Lock>,
}

/// The scene of this moment.
pub(super) fn scene(view: &View, status: &Status, (state, context): (&State, &Context)) -> Scene {
    let counters = status.counters;
    let screen = screen(view, status, (state, context));
    let health = health(status.health);
    let buttons = context.lock.map(|lock| {
        operator_buttons(health, &screen, allowed(status, state, (lock, context.recipes.len())))
    });
    Scene {
        language: context.language,
        station: status.name.clone(),
        recipe: status.recipe.name.clone(),
        health,
        counters: Counters {
            parts: counters.finished,
            conforming: counters.conforming,
            mismatch: counters.mismatch,
            not_inspected: counters.not_inspected,
            per_minute: status.parts_per_minute,
        },
        strip: strip(status, state, &screen),
        screen,
        buttons: buttons.unwrap_or_default(),
    }
}

/// What a press would do something for.
fn allowed(status: &Status, state: &State, (lock, recipes): (Lock, usize)) -> Allowed {
    let is_begun = status.is_challenging || status.preparing.is_some() || state.is_busy();
    Allowed {
        resume: !status.is_challenge_failed && !status.is_challenging,
        challenge: !is_begun && status.health != station::Health::Starting,
        recipe: lock.may_change_recipe && recipes > 1,
    }
}

/// A press that was refused, or why the station is degraded while parts are shown.
fn strip(status: &Status, state: &State, screen: &Screen) -> Option<Strip> {
    if let Some(refused) = state.refused() {
        return Some(Strip::Refused(refused.clone()));
    }
    let is_told = matches!(screen, Screen::Running(_) | Screen::Trend(_));
    (is_told && status.health == station::Health::Degraded).then(|| Strip::Degraded {
        causes: status.missing.iter().copied().map(causes::of_component).collect(),
        detail: status.reason.clone().unwrap_or_default(),
    })
}

fn screen(view: &View, status: &Status, (state, context): (&State, &Context)) -> Screen {
    if let Some(change) = change(state, context.recipes) {
        return Screen::RecipeChange(change);
    }
    if let Some(asked) = &state.challenge {
        let state = match asked.result() {
            None => ChallengeState::Running,
            Some(Ok(())) => ChallengeState::Passed,
            Some(Err(_)) => ChallengeState::Failed,
        };
        return Screen::Challenge(Challenge { samples: samples(view, state), state });
    }
    // Whoever asked for it.
    if status.is_challenging {
        let state = ChallengeState::Running;
        return Screen::Challenge(Challenge { samples: samples(view, state), state });
    }
    if let Some(path) = &status.preparing {
        return Screen::RecipeChange(preparing(path, context.recipes));
    }
    match (notice(status, state), state.page) {
        (_, Page::Trend) => Screen::Trend(trend(view)),
        (Some(notice), Page::Live) => Screen::Notice(notice),
        (None, Page::Live) => {
            Screen::Running(shown(view).map(|part| part_of(&part, context.language)))
        }
    }
}

/// A recipe that somebody else asked for.
fn preparing(path: &Path, recipes: &[Offered]) -> RecipeChange {
    let offered = recipes.iter().find(|offered| offered.path == path);
    let requested = offered.map_or_else(|| path.display().to_string(), |it| it.name.clone());
    let state = ChangeState::Preparing;
    RecipeChange { requested, available: names(recipes), state }
}

fn names(recipes: &[Offered]) -> Vec<String> {
    recipes.iter().map(|offered| offered.name.clone()).collect()
}

/// The goldens; while a challenge runs those of the last one, without what was found then.
fn samples(view: &View, state: ChallengeState) -> Vec<Sample> {
    let sample = |seen: SampleSeen| {
        let found = match (seen.found, seen.fault.is_some()) {
            (Verdict::NotInspected, _) => SampleResult::NotInspected,
            (Verdict::Conforming, false) | (Verdict::Mismatch, true) => SampleResult::AsExpected,
            (Verdict::Conforming, true) | (Verdict::Mismatch, false) => SampleResult::Otherwise,
        };
        let found = (state != ChallengeState::Running).then_some(found);
        Sample { name: seen.name, fault: seen.fault, found }
    };
    view.samples().into_iter().map(sample).collect()
}

fn change(state: &State, recipes: &[Offered]) -> Option<RecipeChange> {
    let available = names(recipes);
    if let Some((requested, asked)) = &state.change {
        let state = match asked.result() {
            None => ChangeState::Preparing,
            Some(Ok(())) => ChangeState::InForce,
            Some(Err(reason)) => ChangeState::Refused(reason),
        };
        return Some(RecipeChange { requested: requested.clone(), available, state });
    }
    let requested = recipes.get(state.choice?)?.name.clone();
    Some(RecipeChange { requested, available, state: ChangeState::Choosing })
}

/// Why nothing passes, and what helps.
fn notice(status: &Status, state: &State) -> Option<Notice> {
    let kind = match status.health {
        station::Health::Starting => NoticeKind::Starting,
        station::Health::Held => NoticeKind::Held,
        station::Health::Faulted => NoticeKind::Faulted,
        station::Health::Running | station::Health::Degraded => return None,
    };
    let reason = status.reason.clone().unwrap_or_default();
    let (cause, standing) = (causes::of_standstill(status), state.standing());
    Some(Notice { kind, cause, reason, standing, remedies: remedies(status, kind) })
}

fn remedies(status: &Status, kind: NoticeKind) -> Vec<Remedy> {
    let mut remedies: Vec<Remedy> = status.missing.iter().filter_map(|it| remedy(*it)).collect();
    remedies.dedup();
    match kind {
        NoticeKind::Starting => remedies.insert(0, Remedy::Wait),
        NoticeKind::Held if status.is_challenge_failed => {
            remedies.extend([Remedy::CheckPhoto, Remedy::RunChallenge, Remedy::CallService]);
        }
        NoticeKind::Held => remedies.extend([Remedy::InspectRejects, Remedy::Resume]),
        NoticeKind::Faulted => remedies.extend([Remedy::Restart, Remedy::CallService]),
    }
    remedies
}

fn remedy(missing: Component) -> Option<Remedy> {
    match missing {
        Component::TestCamera | Component::ReferenceCamera => Some(Remedy::CheckCamera),
        Component::Trigger | Component::Encoder | Component::Confirmation => {
            Some(Remedy::CheckTrigger)
        }
        Component::Outputs => Some(Remedy::CheckOutputs),
        Component::Journal => Some(Remedy::CheckDisk),
        Component::Drift => Some(Remedy::CheckPhoto),
        Component::Inspector | Component::Clock | Component::Temperature => None,
    }
}

/// The last part; one that failed a moment ago before one that passed since.
fn shown(view: &View) -> Option<Arc<PartSeen>> {
    let last = view.last()?;
    let failure = view
        .last_failure()
        .filter(|failure| last.unix_ms.saturating_sub(failure.unix_ms) < FAILURE_SHOWN_MS);
    Some(failure.unwrap_or(last))
}

fn part_of(part: &PartSeen, language: Language) -> Part {
    let findings = part.findings.as_ref();
    let faults = findings.map_or(&[][..], |findings| &findings.faults);
    let registered = findings.and_then(|findings| findings.registered.clone());
    let boxes = faults.iter().filter_map(|fault| {
        Some(FaultBox { area: fault.region?, label: label_of(fault, language) })
    });
    let nearest = findings.and_then(|findings| findings.nearest.as_ref());
    Part {
        number: part.number,
        outcome: match &part.outcome {
            Outcome::Conforming => crate::panel::Outcome::Conforming,
            Outcome::Mismatch => crate::panel::Outcome::Mismatch,
            Outcome::NotInspected { stage, detail } => {
                let cause = causes::of_stage(stage);
                // Where the panel has a word for the stage, the detail stands alone.
                let detail = match cause {
                    Some(_) => detail.clone(),
                    None => format!("{stage}: {detail}"),
                };
                crate::panel::Outcome::NotInspected { cause, detail }
            }
        },
        reference: part.frames[0].clone(),
        test: registered.or_else(|| part.frames[1].clone()),
        difference: None,
        boxes: boxes.collect(),
        finding: faults.first().or(nearest).map(|fault| Finding {
            label: label_of(fault, language),
            sentence: fault.sentence.clone(),
            score: fault.score,
            threshold: fault.threshold,
        }),
    }
}

fn label_of(fault: &FaultFound, language: Language) -> String {
    let Label { en, ja } = &fault.label;
    let label = match language {
        Language::En => en.as_ref(),
        Language::Ja => ja.as_ref().or(en.as_ref()),
    };
    label.unwrap_or(&fault.spec).clone()
}

fn trend(view: &View) -> Trend {
    let score = |recent: &Recent| {
        let (score, threshold) = recent.nearest.unzip();
        TrendScore { score, threshold: threshold.unwrap_or(1.0) }
    };
    let drift = view.drift();
    let shown = drift.iter().flat_map(|drift| {
        QUANTITIES.iter().filter_map(|(quantity, figures)| quantity_of(drift, *quantity, figures))
    });
    Trend { scores: view.recent().iter().map(score).collect(), drift: shown.collect() }
}

/// Of the figures that make a quantity, the one with the gravest alarm, then the farthest off.
fn quantity_of(drift: &drift::Drift, quantity: Quantity, figures: &[Figure]) -> Option<Drift> {
    let known = drift.figures().filter(|status| {
        figures.contains(&status.figure) && drift.trend(status.figure).next().is_some()
    });
    let gravest = |one: &FigureStatus, other: &FigureStatus| {
        let by_alarm = one.alarm.cmp(&other.alarm);
        by_alarm.then(one.level.abs().total_cmp(&other.level.abs()))
    };
    let status = known.max_by(gravest)?;
    let limits = drift.limits(status.figure).map(|[low, high]| (low, high));
    let state = match (limits, status.alarm) {
        (None, _) => DriftState::Learning,
        (_, Alarm::Ok) => DriftState::Good,
        (_, Alarm::Warn) => DriftState::Warned,
        (_, Alarm::Hold) => DriftState::Held,
    };
    let values = drift.trend(status.figure).map(|point| point.smoothed).collect();
    Some(Drift { quantity, values, limits, state })
}

fn health(health: station::Health) -> Health {
    match health {
        station::Health::Starting => Health::Starting,
        station::Health::Running => Health::Running,
        station::Health::Degraded => Health::Degraded,
        station::Health::Held => Health::Held,
        station::Health::Faulted => Health::Faulted,
    }
}

#[cfg(test)]
mod tests;

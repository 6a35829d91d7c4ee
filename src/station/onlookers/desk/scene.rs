//! What the screen shows of a station.

use std::sync::Arc;

use super::state::{Page, State};
use crate::drift::{self, Alarm, Figure};
use crate::journal::Outcome;
use crate::panel::{
    Button, ButtonKind, Challenge, ChallengeState, ChangeState, Counters, Drift, DriftState,
    FaultBox, Finding, Health, Language, Notice, NoticeKind, Part, Quantity, RecipeChange, Remedy,
    Sample, SampleResult, Scene, Screen, Trend, TrendScore,
};
use crate::spec::Label;
use crate::station::core::{Component, FaultFound};
use crate::station::view::{PartSeen, Recent, View};
use crate::station::{self, SampleSeen, Status};
use crate::verdict::Verdict;

/// A part that failed stays on the screen for so long, though others pass after it.
const FAILURE_SHOWN_MS: u64 = 3_000;

/// The scene of this moment; `recipes` are the names of those on offer.
pub(super) fn scene(
    view: &View,
    (state, recipes): (&State, &[String]),
    (language, has_buttons): (Language, bool),
) -> Scene {
    let status = view.status();
    let counters = status.counters;
    let screen = screen(view, &status, (state, recipes), language);
    let buttons = if has_buttons { buttons(&status, &screen, recipes.len()) } else { Vec::new() };
    Scene {
        language,
        station: status.name.clone(),
        recipe: status.recipe.name.clone(),
        health: health(status.health),
        // The box has a clock and no idea of the place it stands at.
        clock: None,
        counters: Counters {
            parts: counters.finished,
            conforming: counters.conforming,
            mismatch: counters.mismatch,
            not_inspected: counters.not_inspected,
            per_minute: status.parts_per_minute,
        },
        screen,
        buttons,
    }
}

fn screen(
    view: &View,
    status: &Status,
    (state, recipes): (&State, &[String]),
    language: Language,
) -> Screen {
    if let Some(change) = change(state, recipes) {
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
    match (notice(status), state.page) {
        (_, Page::Trend) => Screen::Trend(trend(view)),
        (Some(notice), Page::Live) => Screen::Notice(notice),
        (None, Page::Live) => Screen::Running(shown(view).map(|part| part_of(&part, language))),
    }
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

fn change(state: &State, recipes: &[String]) -> Option<RecipeChange> {
    let available = recipes.to_vec();
    if let Some((requested, asked)) = &state.change {
        let state = match asked.result() {
            None => ChangeState::Preparing,
            Some(Ok(())) => ChangeState::InForce,
            Some(Err(reason)) => ChangeState::Refused(reason),
        };
        return Some(RecipeChange { requested: requested.clone(), available, state });
    }
    let requested = recipes.get(state.choice?)?.clone();
    Some(RecipeChange { requested, available, state: ChangeState::Choosing })
}

/// Why nothing passes, and what helps.
fn notice(status: &Status) -> Option<Notice> {
    let kind = match status.health {
        station::Health::Starting => NoticeKind::Starting,
        station::Health::Held => NoticeKind::Held,
        station::Health::Faulted => NoticeKind::Faulted,
        station::Health::Running | station::Health::Degraded => return None,
    };
    let reason = status.reason.clone().unwrap_or_default();
    Some(Notice { kind, reason, since: None, remedies: remedies(status, kind) })
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
                crate::panel::Outcome::NotInspected(format!("{stage}: {detail}"))
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
    let quantities = [
        (Quantity::Focus, Figure::Focus),
        (Quantity::Exposure, Figure::Exposure),
        (Quantity::Framing, Figure::ShiftX),
        (Quantity::Embedding, Figure::TestEmbedding),
    ];
    let shown = drift.iter().flat_map(|drift| {
        quantities.iter().filter_map(|(quantity, figure)| quantity_of(drift, *quantity, *figure))
    });
    Trend { scores: view.recent().iter().map(score).collect(), drift: shown.collect() }
}

fn quantity_of(drift: &drift::Drift, quantity: Quantity, figure: Figure) -> Option<Drift> {
    let status = drift.figures().find(|status| status.figure == figure)?;
    let values: Vec<f32> = drift.trend(figure).map(|point| point.smoothed).collect();
    let [low, high] = drift.limits(figure)?;
    let state = match status.alarm {
        Alarm::Ok => DriftState::Good,
        Alarm::Warn => DriftState::Warned,
        Alarm::Hold => DriftState::Held,
    };
    (!values.is_empty()).then_some(Drift { quantity, values, limits: (low, high), state })
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

/// The same places on every screen; what does nothing now is shown so.
fn buttons(status: &Status, screen: &Screen, recipes: usize) -> Vec<Button> {
    let is_stopped = matches!(status.health, station::Health::Held);
    let is_choosing =
        matches!(screen, Screen::RecipeChange(change) if change.state == ChangeState::Choosing);
    let button = |kind, is_enabled| Button { kind, is_enabled };
    let mut buttons = vec![
        button(ButtonKind::Acknowledge, true),
        button(if is_stopped { ButtonKind::Resume } else { ButtonKind::Hold }, true),
        button(ButtonKind::Challenge, true),
        button(ButtonKind::NextRecipe, recipes > 1),
    ];
    let last = if is_choosing { ButtonKind::SelectRecipe } else { ButtonKind::NextScreen };
    buttons.push(button(last, true));
    buttons
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::station::core::Findings;
    use crate::station::judge::Identity;

    const LANGUAGE: (Language, bool) = (Language::Ja, true);

    fn part(number: u64, unix_ms: u64, outcome: Outcome) -> PartSeen {
        let fault = FaultFound {
            spec: "open".into(),
            label: Label { en: Some("Open".into()), ja: None },
            sentence: "a trace is broken".into(),
            region: Some(crate::frame::Rect::new(1, 2, 3, 4)),
            score: 0.9,
            threshold: 0.5,
        };
        let faults = if outcome == Outcome::Mismatch { vec![fault] } else { Vec::new() };
        PartSeen {
            number,
            unix_ms,
            recipe: Identity::default(),
            outcome,
            scores: Vec::new(),
            latency_ms: 1.0,
            findings: Some(Box::new(Findings { faults, ..Findings::default() })),
            frames: [None, None],
        }
    }

    fn running() -> View {
        let view = View::nothing_yet("line 1");
        let status = Status { health: station::Health::Running, ..view.status() };
        view.set_status(status);
        view
    }

    fn shown_part(view: &View) -> Option<Part> {
        match scene(view, (&State::default(), &[]), LANGUAGE).screen {
            Screen::Running(part) => part,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_failure_stays_for_a_moment_though_the_next_part_passes() {
        let view = running();
        assert!(shown_part(&view).is_none());
        view.push(part(1, 10_000, Outcome::Mismatch));
        view.push(part(2, 11_000, Outcome::Conforming));
        let found = shown_part(&view).expect("a part left");
        assert_eq!((found.number, found.boxes.len()), (1, 1));
        assert_eq!(found.finding.expect("it failed").label, "Open", "no Japanese label");
        view.push(part(3, 14_000, Outcome::Conforming));
        assert_eq!(shown_part(&view).map(|part| part.number), Some(3));
    }

    #[test]
    fn a_station_that_is_held_says_why_and_what_to_do() {
        let view = running();
        let status = Status {
            health: station::Health::Held,
            reason: Some("drift: focus".into()),
            missing: vec![Component::Drift],
            ..view.status()
        };
        view.set_status(status);
        let Screen::Notice(notice) = scene(&view, (&State::default(), &[]), LANGUAGE).screen else {
            panic!("no notice");
        };
        assert_eq!((notice.kind, notice.reason.as_str()), (NoticeKind::Held, "drift: focus"));
        assert_eq!(notice.remedies, [Remedy::CheckPhoto, Remedy::InspectRejects, Remedy::Resume]);
    }

    #[test]
    fn a_golden_that_passed_with_its_fault_is_wrong() {
        let view = running();
        let seen = |fault: Option<&str>, found| SampleSeen {
            name: "a".to_owned(),
            fault: fault.map(str::to_owned),
            found,
        };
        view.set_samples(vec![
            seen(None, Verdict::Conforming),
            seen(Some("open"), Verdict::Conforming),
            seen(Some("open"), Verdict::NotInspected),
        ]);
        let found = |state| samples(&view, state).iter().map(|one| one.found).collect::<Vec<_>>();
        let expected =
            [SampleResult::AsExpected, SampleResult::Otherwise, SampleResult::NotInspected];
        assert_eq!(found(ChallengeState::Failed), expected.map(Some));
        assert_eq!(found(ChallengeState::Running), [None; 3]);
    }

    #[test]
    fn what_is_pointed_at_is_shown_before_anything_else() {
        let mut state = State::default();
        state.next_recipe(0, 2);
        let recipes = ["a".to_owned(), "b".to_owned()];
        let scene = scene(&running(), (&state, &recipes), LANGUAGE);
        let Screen::RecipeChange(change) = scene.screen else { panic!("no choice") };
        assert_eq!((change.requested.as_str(), change.state), ("b", ChangeState::Choosing));
        assert!(scene.buttons.iter().any(|button| button.kind == ButtonKind::SelectRecipe));
    }
}

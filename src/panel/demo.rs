//! Scenes of a demonstration: every screen, with numbers that are made up and say so.

use std::sync::Arc;
use std::time::Duration;

use super::locale::Words;
use super::scene::{
    Allowed, Cause, Challenge, ChallengeState, ChangeState, Counters, Drift, DriftState, FaultBox,
    Finding, Health, Language, Notice, NoticeKind, Outcome, Part, Quantity, RecipeChange, Refused,
    Remedy, Sample, SampleResult, Scene, Screen, Strip, Trend, TrendScore, operator_buttons,
};
use crate::frame::{Frame, Rect};

/// What the station says is what the journal has, in English whatever the operator reads.
const PHOTO_DETAIL: &str = "test: focus 3.2 px, at most 2.5 px expected";
const DRIFT_DETAIL: &str = "focus 1.84, usually 1.52";
const HELD_REASON: &str = "part 12340: no sensor saw its ejection";
const FAULT_REASON: &str = "gpiochip0 line 17: taken by another program";
const REFUSAL: &str = "large.toml: golden \"bad-2\": judged conforming, expected mismatch; the \
    recipe in force stays";

/// The frames of a demonstration: two pairs, each reference first.
#[derive(Debug, Clone)]
pub struct DemoFrames {
    /// A part with a fault.
    pub mismatch: [Arc<Frame>; 2],
    /// Where that is, in pixels of the part.
    pub fault: Rect,
    /// A part without one.
    pub conforming: [Arc<Frame>; 2],
}

/// Every screen by name, each with the station's health that belongs to it.
///
/// Without frames the screens say that there are none.
pub fn scenes(language: Language, frames: Option<&DemoFrames>) -> Vec<(&'static str, Scene)> {
    let demo = Demo { words: Words::of(language), language, frames };
    vec![
        ("running-mismatch", demo.running(Health::Running, Outcome::Mismatch)),
        ("running-conforming", demo.running(Health::Running, Outcome::Conforming)),
        ("running-not-inspected", demo.not_inspected()),
        ("waiting", demo.waiting()),
        ("starting", demo.notice(NoticeKind::Starting)),
        ("held", demo.notice(NoticeKind::Held)),
        ("press-refused", demo.press_refused()),
        ("faulted", demo.notice(NoticeKind::Faulted)),
        ("challenge-running", demo.challenge(ChallengeState::Running)),
        ("challenge-failed", demo.challenge(ChallengeState::Failed)),
        ("recipe-choosing", demo.change(ChangeState::Choosing)),
        ("recipe-refused", demo.refused()),
        ("trend", demo.trend()),
    ]
}

struct Demo<'a> {
    words: &'static Words,
    language: Language,
    frames: Option<&'a DemoFrames>,
}

impl Demo<'_> {
    fn scene(&self, health: Health, screen: Screen) -> Scene {
        let is_failed =
            matches!(&screen, Screen::Challenge(it) if it.state == ChallengeState::Failed);
        let is_busy =
            matches!(&screen, Screen::Challenge(it) if it.state == ChallengeState::Running);
        let is_begun = health != Health::Starting && !is_busy;
        let allowed = Allowed { resume: !is_failed && !is_busy, challenge: is_begun, recipe: true };
        let buttons = operator_buttons(health, &screen, allowed);
        Scene {
            language: self.language,
            station: self.words.demo.station.to_owned(),
            recipe: self.words.demo.recipe.to_owned(),
            health,
            counters: Counters {
                parts: 12_345,
                conforming: 12_222,
                mismatch: 111,
                not_inspected: 12,
                per_minute: 60.0,
            },
            strip: None,
            screen,
            buttons,
        }
    }

    fn running(&self, health: Health, outcome: Outcome) -> Scene {
        let is_mismatch = outcome == Outcome::Mismatch;
        let demo = &self.words.demo;
        let area = self.frames.map_or(Rect::new(0, 0, 0, 0), |frames| frames.fault);
        let fault = FaultBox { area, label: demo.label.to_owned() };
        let pair = self.frames.map(|frames| match is_mismatch {
            true => frames.mismatch.clone(),
            false => frames.conforming.clone(),
        });
        let part = Part {
            number: 12_345,
            outcome,
            reference: pair.as_ref().map(|[reference, _]| reference.clone()),
            test: pair.as_ref().map(|[_, test]| test.clone()),
            difference: None,
            boxes: if is_mismatch { vec![fault] } else { Vec::new() },
            finding: Some(Finding {
                label: demo.label.to_owned(),
                sentence: demo.sentence.to_owned(),
                score: if is_mismatch { 0.87 } else { 0.12 },
                threshold: 0.45,
            }),
        };
        self.scene(health, Screen::Running(Some(part)))
    }

    fn waiting(&self) -> Scene {
        let scene = self.scene(Health::Running, Screen::Running(None));
        Scene { counters: Counters::default(), ..scene }
    }

    fn not_inspected(&self) -> Scene {
        let (cause, detail) = (Some(Cause::Photo), PHOTO_DETAIL.to_owned());
        let outcome = Outcome::NotInspected { cause, detail };
        Scene { strip: drifted(), ..self.running(Health::Degraded, outcome) }
    }

    fn notice(&self, kind: NoticeKind) -> Scene {
        let (health, cause, reason, remedies) = match kind {
            NoticeKind::Starting => (Health::Starting, Cause::NotStarted, "", vec![Remedy::Wait]),
            NoticeKind::Held => {
                let remedies = vec![Remedy::InspectRejects, Remedy::Resume];
                (Health::Held, Cause::Ejection, HELD_REASON, remedies)
            }
            NoticeKind::Faulted => {
                let remedies = vec![Remedy::CheckOutputs, Remedy::Restart, Remedy::CallService];
                (Health::Faulted, Cause::Outputs, FAULT_REASON, remedies)
            }
        };
        let minutes = if kind == NoticeKind::Starting { 0 } else { 3 };
        let standing = Some(Duration::from_secs(60 * minutes));
        let (cause, reason) = (Some(cause), reason.to_owned());
        let notice = Notice { kind, cause, reason, standing, remedies };
        let mut scene = self.scene(health, Screen::Notice(notice));
        if kind == NoticeKind::Starting {
            scene.counters = Counters::default();
        }
        scene
    }

    fn press_refused(&self) -> Scene {
        let strip = Some(Strip::Refused(Refused::RecipeLocked));
        let mut scene = Scene { strip, ..self.running(Health::Running, Outcome::Conforming) };
        let allowed = Allowed { resume: true, challenge: true, recipe: false };
        scene.buttons = operator_buttons(scene.health, &scene.screen, allowed);
        scene
    }

    fn challenge(&self, state: ChallengeState) -> Scene {
        let demo = &self.words.demo;
        let faults = [None, Some(demo.label), None, Some(demo.short), Some(demo.mousebite), None];
        let samples = faults.iter().enumerate().map(|(index, fault)| {
            let found = match (state, index) {
                // What a station knows of them before the last was judged.
                (ChallengeState::Running, _) => None,
                (ChallengeState::Failed, 3) => Some(SampleResult::Otherwise),
                (ChallengeState::Failed, 4) => Some(SampleResult::NotInspected),
                _ => Some(SampleResult::AsExpected),
            };
            let name = format!("{} {}", demo.sample, index + 1);
            Sample { name, fault: fault.map(str::to_owned), found }
        });
        let challenge = Challenge { samples: samples.collect(), state };
        let health = match state {
            ChallengeState::Passed => Health::Running,
            ChallengeState::Running | ChallengeState::Failed => Health::Held,
        };
        self.scene(health, Screen::Challenge(challenge))
    }

    fn change(&self, state: ChangeState) -> Scene {
        let demo = &self.words.demo;
        let names = [demo.recipe, demo.other_recipe, demo.third_recipe];
        let change = RecipeChange {
            requested: demo.other_recipe.to_owned(),
            available: names.map(str::to_owned).to_vec(),
            state,
        };
        self.scene(Health::Running, Screen::RecipeChange(change))
    }

    fn refused(&self) -> Scene {
        self.change(ChangeState::Refused(REFUSAL.to_owned()))
    }

    /// From whole numbers, so that the same pixels come out everywhere.
    fn trend(&self) -> Scene {
        let scores = (0..200_u32).map(|part| {
            let noise = scattered(part) % 97;
            let score = match part {
                61 | 143 | 144 => 0.55 + noise as f32 / 400.0,
                _ => 0.05 + noise as f32 / 500.0,
            };
            TrendScore { score: (part != 100).then_some(score), threshold: 0.45 }
        });
        let drift = |quantity, (start, slope): (f32, f32), state| {
            let value = |part: u32| {
                let noise = scattered(part + quantity as u32 * 1_000) % 31;
                start + slope * part as f32 + noise as f32 / 900.0
            };
            let values = (0..200).map(value).collect();
            let limits = (state != DriftState::Learning).then_some((0.4, 0.8));
            Drift { quantity, values, limits, state }
        };
        let trend = Trend {
            scores: scores.collect(),
            drift: vec![
                drift(Quantity::Focus, (0.68, -0.0014), DriftState::Warned),
                drift(Quantity::Exposure, (0.58, 0.0), DriftState::Good),
                drift(Quantity::Framing, (0.52, 0.0001), DriftState::Good),
                drift(Quantity::Score, (0.61, 0.0001), DriftState::Good),
                drift(Quantity::Embedding, (0.60, -0.0002), DriftState::Learning),
            ],
        };
        // A warning makes the station degraded.
        Scene { strip: drifted(), ..self.scene(Health::Degraded, Screen::Trend(trend)) }
    }
}

/// A station with a figure that drifts.
fn drifted() -> Option<Strip> {
    let (causes, detail) = (vec![Cause::Drift], DRIFT_DETAIL.to_owned());
    Some(Strip::Degraded { causes, detail })
}

/// A number without a pattern for each number (the finalizer of MurmurHash3).
fn scattered(number: u32) -> u32 {
    let mixed = (number ^ (number >> 16)).wrapping_mul(0x85eb_ca6b);
    let mixed = (mixed ^ (mixed >> 13)).wrapping_mul(0xc2b2_ae35);
    mixed ^ (mixed >> 16)
}

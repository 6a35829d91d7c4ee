use super::*;
use crate::panel::{ButtonKind, Cause, Refused};
use crate::station::core::Findings;
use crate::station::judge::Identity;

fn offered(name: &str) -> Offered {
    Offered { path: format!("/{name}.toml").into(), name: name.to_owned(), sha256: None }
}

/// The scene of a desk with two recipes that the operator may change.
fn scene_of(view: &View, state: &State) -> Scene {
    let recipes = [offered("a"), offered("b")];
    let lock = Some(Lock { may_change_recipe: true });
    let context = Context { recipes: &recipes, language: Language::Ja, lock };
    scene(view, &view.status(), (state, &context))
}

fn is_enabled(scene: &Scene, kind: ButtonKind) -> bool {
    scene.buttons.iter().any(|button| button.kind == kind && button.is_enabled)
}

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
    match scene_of(view, &State::default()).screen {
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
    let Screen::Notice(notice) = scene_of(&view, &State::default()).screen else {
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
    let expected = [SampleResult::AsExpected, SampleResult::Otherwise, SampleResult::NotInspected];
    assert_eq!(found(ChallengeState::Failed), expected.map(Some));
    assert_eq!(found(ChallengeState::Running), [None; 3]);
}

#[test]
fn what_is_pointed_at_is_shown_before_anything_else() {
    let mut state = State::default();
    state.next_recipe(0, 2);
    let scene = scene_of(&running(), &state);
    let Screen::RecipeChange(change) = &scene.screen else { panic!("no choice") };
    assert_eq!((change.requested.as_str(), &change.state), ("b", &ChangeState::Choosing));
    assert!(is_enabled(&scene, ButtonKind::SelectRecipe));
}

fn with(change: impl FnOnce(&mut Status)) -> View {
    let view = running();
    let mut status = view.status();
    change(&mut status);
    view.set_status(status);
    view
}

#[test]
fn a_challenge_that_somebody_else_began_is_shown_and_is_no_failure() {
    let view = with(|status| {
        (status.health, status.is_challenging) = (station::Health::Held, true);
    });
    let scene = scene_of(&view, &State::default());
    let Screen::Challenge(challenge) = &scene.screen else { panic!("{:?}", scene.screen) };
    assert_eq!(challenge.state, ChallengeState::Running);
    for kind in [ButtonKind::Resume, ButtonKind::Challenge] {
        assert!(!is_enabled(&scene, kind), "{kind:?}");
    }
}

#[test]
fn a_recipe_that_somebody_else_asked_for_is_shown_by_its_name() {
    let view = with(|status| status.preparing = Some("/b.toml".into()));
    let Screen::RecipeChange(change) = scene_of(&view, &State::default()).screen else {
        panic!("no change");
    };
    assert_eq!((change.requested.as_str(), change.state), ("b", ChangeState::Preparing));
}

#[test]
fn a_failed_challenge_cannot_be_resumed_from_by_a_button() {
    let view = with(|status| {
        (status.health, status.is_challenge_failed) = (station::Health::Held, true);
    });
    let scene = scene_of(&view, &State::default());
    assert!(!is_enabled(&scene, ButtonKind::Resume) && is_enabled(&scene, ButtonKind::Challenge));
}

#[test]
fn a_degraded_station_says_why_beside_the_parts() {
    let view = with(|status| {
        status.health = station::Health::Degraded;
        status.missing = vec![Component::ReferenceCamera, Component::Journal];
        status.reason = Some("reference camera: unplugged; journal: disk full".into());
    });
    let told = scene_of(&view, &State::default()).strip;
    let Some(Strip::Degraded { causes, detail }) = told else { panic!("{told:?}") };
    assert_eq!(causes, [Cause::ReferenceCamera, Cause::Journal]);
    assert!(detail.contains("disk full"));
    assert_eq!(scene_of(&running(), &State::default()).strip, None);
}

#[test]
fn a_refused_press_is_told_on_every_screen() {
    let mut state = State::default();
    state.refuse(Refused::RecipeLocked);
    for health in [station::Health::Running, station::Health::Held] {
        let view = with(|status| status.health = health);
        let told = scene_of(&view, &state).strip;
        assert_eq!(told, Some(Strip::Refused(Refused::RecipeLocked)));
    }
}

#[test]
fn a_trend_shows_the_figure_that_is_farthest_off_and_what_is_being_learned() {
    let raw = drift::RawDrift { baseline_parts: Some(30), ..drift::RawDrift::default() };
    let mut drift = drift::Drift::new(raw.validate().expect("it is good"));
    let mut feed = |parts: std::ops::Range<u32>, shift_y: f64| {
        for part in parts {
            let noise = f64::from(part % 3) * 0.1;
            let sample = drift::Sample::default()
                .with(Figure::ShiftX, noise)
                .with(Figure::ShiftY, shift_y + noise)
                .with(Figure::Score, 0.3 + noise / 10.0);
            drift.add(&sample);
        }
        let found = |quantity, figures: &[Figure]| quantity_of(&drift, quantity, figures);
        QUANTITIES.map(|(quantity, figures)| found(quantity, figures))
    };
    let [focus, _, framing, score, _] = feed(0..20, 0.0);
    assert_eq!(focus, None, "it is not measured");
    for learned in [framing, score] {
        let learned = learned.expect("it is measured");
        assert_eq!((learned.state, learned.limits), (DriftState::Learning, None));
    }
    let [_, _, framing, score, _] = feed(20..80, 0.0);
    assert_eq!(framing.map(|it| it.state), Some(DriftState::Good));
    assert_eq!(score.map(|it| it.state), Some(DriftState::Good));
    let [_, _, framing, ..] = feed(80..200, 40.0);
    let framing = framing.expect("it is measured");
    assert_eq!(framing.state, DriftState::Held);
    assert!(framing.values.last().is_some_and(|last| *last > 30.0), "{framing:?}");
}

#![allow(clippy::unwrap_used)]

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::*;

fn config(text: &str) -> DriftConfig {
    toml::from_str::<RawDrift>(text).unwrap().validate().unwrap()
}

fn exposure(value: f64) -> Sample<'static> {
    Sample::default().with(Figure::Exposure, value)
}

/// What two ways to the same figure may differ by.
const CLOSE: f64 = 1e-9;

/// About normal, standard deviation 1.
fn noise(random: &mut ChaCha8Rng) -> f64 {
    (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0
}

fn status(drift: &Drift, figure: Figure) -> FigureStatus {
    drift.figures().find(|status| status.figure == figure).unwrap()
}

#[test]
fn the_chart_is_that_of_the_handbook() {
    // NIST/SEMATECH 6.3.2.4: baseline 50, s = 2.0539, weight 0.3, 20 values, z to two decimals.
    let values = [
        52.0, 47.0, 53.0, 49.3, 50.1, 47.0, 51.0, 50.1, 51.2, 50.5, 49.6, 47.6, 49.9, 51.3, 47.8,
        51.2, 52.6, 52.4, 53.6, 52.1,
    ];
    let expected = [
        50.60, 49.52, 50.56, 50.18, 50.16, 49.21, 49.75, 49.85, 50.26, 50.33, 50.11, 49.36, 49.52,
        50.05, 49.38, 49.92, 50.73, 51.23, 51.94, 51.99,
    ];
    let text = "smoothing = 0.3\nwarn_sigmas = 3.0\nhold_sigmas = 8.0\n[figures.exposure]\nmean = 50.0\n\
                deviation = 2.0539\n";
    let mut drift = Drift::new(config(text));
    for (value, expected) in values.into_iter().zip(expected) {
        assert_eq!(drift.add(&exposure(value)), State::Ok);
        let smoothed = status(&drift, Figure::Exposure).smoothed.unwrap();
        assert!((smoothed - expected).abs() < 0.006, "{smoothed} {expected}");
    }
    // The handbook's limits are 47.4115 and 52.5884, three standard deviations of a settled chart.
    let level = status(&drift, Figure::Exposure).level;
    let smoothed = status(&drift, Figure::Exposure).smoothed.unwrap();
    let limit = (smoothed - 50.0) / (level * 8.0) * 3.0;
    assert!((limit - 2.5884).abs() < 0.002, "{limit}");
}

#[test]
fn noise_alone_is_no_drift_and_a_slow_change_warns_before_it_holds() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut drift = Drift::new(config(""));
    for _ in 0..5_000 {
        assert_eq!(drift.add(&exposure(128.0 + 3.0 * noise(&mut random))), State::Ok);
    }
    let mut seen = Vec::new();
    for part in 0..2_000 {
        let lamp = 128.0 - 0.01 * f64::from(part);
        let word = match drift.add(&exposure(lamp + 3.0 * noise(&mut random))) {
            State::Ok => "ok",
            State::Warn(reason) => {
                assert!(reason.contains("exposure: ") && reason.contains("lamp"), "{reason}");
                "warn"
            }
            State::Hold(_) => "hold",
        };
        if seen.last() != Some(&word) {
            seen.push(word);
        }
    }
    assert_eq!(seen, ["ok", "warn", "hold"]);
    // In numbers: a hold is 10 * 3 * sqrt(0.1 / 1.9) = 6.9 off, and it is 20 off.
    assert!(status(&drift, Figure::Exposure).level < -1.0);
}

#[test]
fn an_alarm_ends_below_its_limit_not_at_it() {
    let text = "smoothing = 1.0\nwarn_sigmas = 4.0\nhold_sigmas = 8.0\nrelease = 0.75\n\
                [figures.exposure]\nmean = 100.0\ndeviation = 1.0";
    let mut drift = Drift::new(config(text));
    let mut once = |value| match drift.add(&exposure(value)) {
        State::Ok => 0,
        State::Warn(_) => 1,
        State::Hold(_) => 2,
    };
    assert_eq!([104.1, 100.0, 100.0, 104.1, 100.0, 100.0].map(&mut once), [1; 6]);
    assert_eq!(once(100.0), 0, "three parts in a row are enough at this smoothing");
    let mut after = |value| [value; 3].map(&mut once)[2];
    let values = [103.9, 104.1, 103.1, 102.9, 108.1, 107.9, 106.1, 105.9, 104.1, 103.1, 102.0];
    assert_eq!(values.map(&mut after), [0, 1, 1, 0, 2, 2, 2, 1, 1, 1, 0]);
    assert_eq!([91.9, 95.9, 97.1].map(&mut after), [2, 1, 0]);
}

#[test]
fn a_figure_of_which_only_more_is_worse_may_fall() {
    let text = "smoothing = 1.0\n[figures.residual]\nmean = 0.5\ndeviation = 0.01";
    let mut drift = Drift::new(config(text));
    let residual = |value| Sample::default().with(Figure::Residual, Some(value));
    assert_eq!(drift.add(&residual(0.0)), State::Ok);
    assert!(matches!(drift.add(&residual(0.7)), State::Hold(_)));
}

#[test]
fn parts_that_are_all_alike_leave_room_for_the_least_deviation() {
    let mut drift = Drift::new(config("baseline_parts = 20"));
    for _ in 0..200 {
        assert_eq!(drift.add(&exposure(90.0)), State::Ok);
    }
    assert_eq!(status(&drift, Figure::Exposure).baseline.unwrap().deviation, 1.0);
    assert_eq!(drift.add(&exposure(91.0)), State::Ok);
    let states: Vec<State> = (0..100).map(|_| drift.add(&exposure(95.0))).collect();
    assert!(matches!(states.last(), Some(State::Hold(_))));
}

#[test]
fn what_is_no_number_changes_nothing_and_is_counted() {
    let mut drift = Drift::new(config("baseline_parts = 20"));
    (0..50).for_each(|part| drop(drift.add(&exposure(f64::from(part % 5)))));
    let before = drift.saved();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
        assert_eq!(drift.add(&exposure(value)), State::Ok);
    }
    assert_eq!(drift.add(&Sample::default()), State::Ok);
    let (now, then) =
        (status(&drift, Figure::Exposure), Drift::resume(config("baseline_parts = 20"), before));
    assert_eq!(now.unusable, 4);
    assert_eq!(now.smoothed, status(&then.unwrap(), Figure::Exposure).smoothed);
    let nothing = [f32::NAN; 8];
    assert_eq!(drift.add(&Sample::default().with_embeddings(&nothing, &[])), State::Ok);
    assert_eq!(status(&drift, Figure::TestEmbedding).learned, 0);
}

#[test]
fn scores_that_scatter_more_are_a_drift_of_their_own() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut drift = Drift::new(config(""));
    let score = |value: f64| Sample::default().with(Figure::Score, value);
    for _ in 0..1_000 {
        assert_eq!(drift.add(&score(0.3 + 0.05 * noise(&mut random))), State::Ok);
    }
    let mut state = State::Ok;
    for _ in 0..300 {
        state = drift.add(&score(0.3 + 0.25 * noise(&mut random)));
    }
    let State::Hold(reason) = state else { panic!("{state:?}") };
    assert!(reason.contains("score_spread: "), "{reason}");
}

#[test]
fn embeddings_that_turn_are_a_drift_and_their_length_is_none() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut drift = Drift::new(config("baseline_parts = 100"));
    let mut embedding = |turn: f32, length: f32| -> Vec<f32> {
        let jitter = |place: usize, random: &mut ChaCha8Rng| {
            let base = if place == 0 {
                1.0
            } else if place == 1 {
                turn
            } else {
                0.0
            };
            length * (base + 0.05 * noise(random) as f32)
        };
        (0..32).map(|place| jitter(place, &mut random)).collect()
    };
    for part in 0..2_500_u16 {
        let (reference, test) = (embedding(0.0, 1.0), embedding(0.0, 1.0 + f32::from(part)));
        assert_eq!(drift.add(&Sample::default().with_embeddings(&reference, &test)), State::Ok);
    }
    let mut state = State::Ok;
    for _ in 0..200 {
        let (reference, test) = (embedding(0.0, 1.0), embedding(0.4, 1.0));
        state = drift.add(&Sample::default().with_embeddings(&reference, &test));
    }
    let State::Hold(reason) = state else { panic!("{state:?}") };
    assert!(reason.starts_with("test_embedding: ") && !reason.contains("reference_"), "{reason}");
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let samples: Vec<f64> = (0..700).map(|_| 100.0 + noise(&mut random)).collect();
    let mut whole = Drift::new(config("baseline_parts = 50"));
    let mut parts = whole.clone();
    for value in samples {
        let embedding = [value as f32, 1.0, 2.0];
        let sample = exposure(value).with_embeddings(&embedding, &embedding);
        whole.add(&sample);
        parts.add(&sample);
        let text = serde_json::to_string(&parts.saved()).unwrap();
        parts = Drift::resume(config("baseline_parts = 50"), serde_json::from_str(&text).unwrap())
            .unwrap();
    }
    assert_eq!(whole.state(), parts.state());
    for (whole, parts) in whole.figures().zip(parts.figures()) {
        assert_eq!((whole.figure, whole.learned), (parts.figure, parts.learned));
        let pairs = [whole.smoothed, Some(whole.level)]
            .into_iter()
            .zip([parts.smoothed, Some(parts.level)]);
        for (whole, parts) in pairs.filter_map(|(whole, parts)| whole.zip(parts)) {
            // A decimal number is read to the last bit but one.
            assert!((whole - parts).abs() < CLOSE, "{whole} {parts}");
        }
        assert_eq!(whole.smoothed.is_some(), parts.smoothed.is_some());
    }
}

#[test]
fn what_was_saved_by_other_rules_or_is_damaged_is_refused() {
    let mut drift = Drift::new(config(""));
    drift.add(&exposure(1.0));
    let text = serde_json::to_string(&drift.saved()).unwrap();
    let resumed = |rules: &str, text: &str| {
        Drift::resume(config(rules), serde_json::from_str(text).unwrap()).map(drop)
    };
    assert_eq!(resumed("", &text), Ok(()));
    assert!(resumed("baseline_parts = 30", &text).is_err());
    assert!(resumed("smoothing = 0.2", &text).is_err());
    for (from, to) in [
        ("\"format\":1", "\"format\":2"),
        ("\"squares\":0.0", "\"squares\":-1.0"),
        ("\"mean\":1.0", "\"mean\":1e300"),
        ("\"first\":[]", "\"first\":[1.0]"),
    ] {
        let damaged = text.replacen(from, to, 1);
        assert_ne!(damaged, text, "{from}");
        assert!(resumed("", &damaged).is_err(), "{to}");
    }
    assert!(serde_json::from_str::<Saved>(&text[..text.len() - 9]).is_err());
}

#[test]
fn the_trend_is_the_last_two_hundred_parts() {
    let mut drift = Drift::new(config("baseline_parts = 20"));
    (0..1_000).for_each(|part| drop(drift.add(&exposure(f64::from(part) / 10.0))));
    let trend: Vec<Point> = drift.trend(Figure::Exposure).collect();
    assert_eq!(trend.len(), TREND);
    assert_eq!((trend[0].value, trend[TREND - 1].value), (80.0, 99.9));
    assert!(trend.iter().all(|point| point.smoothed < point.value));
    assert_eq!(drift.trend(Figure::Focus).count(), 0);
}

#[test]
fn limits_that_cannot_work_are_refused_by_their_key() {
    for (text, key) in [
        ("baseline_parts = 5", "baseline_parts"),
        ("smoothing = 0.0", "smoothing"),
        ("smoothing = nan", "smoothing"),
        ("release = 0.0", "release"),
        ("warn_sigmas = 11.0", "hold_sigmas"),
        ("[figures.focus]\nwarn_sigmas = 0.5", "figures.focus.warn_sigmas"),
        ("[figures.focus]\nhold_sigmas = 2.0", "figures.focus.hold_sigmas"),
        ("[figures.focus]\nmean = 1.0", "figures.focus.deviation"),
        ("[figures.focus]\ndeviation = 1.0", "figures.focus.mean"),
        ("[figures.focus]\nleast_deviation = 0.0", "figures.focus.least_deviation"),
    ] {
        let error = toml::from_str::<RawDrift>(text).unwrap().validate().unwrap_err().to_string();
        assert!(error.starts_with(&format!("[drift] {key} = ")), "{text}: {error}");
    }
    assert!(toml::from_str::<RawDrift>("[figures.colour]").is_err());
    assert!(toml::from_str::<RawDrift>("limit = 3").is_err());
    assert_eq!(config("[figures.focus]\nwatch = false").figures[0], None);
}

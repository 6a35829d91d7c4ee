//! The snapshot in the text format of Prometheus, version 0.0.4.

use std::fmt::Write;

use crate::plant::{Latency, ServiceStatus, Snapshot, State, Upkeep};

/// All figures of a station and of its services.
pub(super) fn text(snapshot: &Snapshot, services: &[ServiceStatus]) -> String {
    let mut page = Page::default();
    page.family("pairspec_info", "gauge", "The station and what is in force");
    let recipe = &snapshot.recipe;
    page.sample(
        &[
            ("station", &snapshot.station),
            ("recipe", &recipe.name),
            ("recipe_sha256", &recipe.sha256),
            ("model_sha256", &recipe.model_sha256),
            ("version", env!("CARGO_PKG_VERSION")),
        ],
        1.0,
    );
    page.family("pairspec_state", "gauge", "1 for the state that the station is in");
    for state in State::ALL {
        let is_in = f64::from(u8::from(state == snapshot.state));
        page.sample(&[("state", state.name())], is_in);
    }
    page.family("pairspec_cause", "gauge", "Code of the reason for the state, 0 for none");
    page.sample(&[("cause", snapshot.cause.name())], f64::from(snapshot.cause.code()));
    page.family("pairspec_up_seconds", "gauge", "Seconds since the start");
    page.sample(&[], snapshot.up_s);
    counters(&mut page, snapshot);
    latency(&mut page, "pairspec_to_leaving", "From the trigger to leaving", &snapshot.to_leaving);
    latency(&mut page, "pairspec_inspection", "Of an inspection", &snapshot.inspection);
    upkeep(&mut page, &snapshot.upkeep);
    drift(&mut page, snapshot);
    self::services(&mut page, services);
    page.text
}

fn counters(page: &mut Page, snapshot: &Snapshot) {
    let counters = &snapshot.counters;
    page.family("pairspec_parts_total", "counter", "Parts that have their outcome");
    for (verdict, count) in [
        ("conforming", counters.conforming),
        ("mismatch", counters.mismatch),
        ("not_inspected", counters.not_inspected),
    ] {
        page.sample(&[("verdict", verdict)], count as f64);
    }
    for (name, help, count) in [
        ("triggers", "Parts that were triggered and counted", counters.triggers),
        ("missed_triggers", "Triggers that were seen too late or not", counters.missed_triggers),
        ("finished", "Parts that have their outcome", counters.finished),
        ("inspected", "Verdicts that came, late ones too", counters.inspected),
        ("overload_rejected", "Parts rejected for those before them", counters.overload_rejected),
        ("deadline_missed", "Parts without a verdict in time", counters.deadline_missed),
        ("late_verdicts", "Verdicts after their part had an outcome", counters.late_verdicts),
    ] {
        page.family(&format!("pairspec_{name}_total"), "counter", help);
        page.sample(&[], count as f64);
    }
    let rates = &snapshot.rates;
    for (name, help, value) in [
        ("in_flight", "Parts that have not left", snapshot.in_flight as f64),
        ("parts_per_minute", "Parts over the last minute", rates.parts_per_minute),
        ("yield_ratio", "Conforming parts of those finished", rates.yield_percent / 100.0),
    ] {
        page.family(&format!("pairspec_{name}"), "gauge", help);
        page.sample(&[], value);
    }
    if let Some(last) = &snapshot.last {
        page.family("pairspec_last_part_number", "gauge", "The last part with an outcome");
        page.sample(&[], last.number as f64);
    }
}

fn latency(page: &mut Page, name: &str, help: &str, figures: &Latency) {
    let name = format!("{name}_seconds");
    page.family(&name, "summary", help);
    page.sample(&[("quantile", "0.5")], figures.p50_ms / 1e3);
    page.sample(&[("quantile", "0.99")], figures.p99_ms / 1e3);
    page.sample(&[("quantile", "1")], figures.max_ms / 1e3);
    page.suffixed("_sum", figures.mean_ms / 1e3 * figures.count as f64);
    page.suffixed("_count", figures.count as f64);
}

fn upkeep(page: &mut Page, upkeep: &Upkeep) {
    page.family("pairspec_missing_components", "gauge", "Components that are missing now");
    page.sample(&[], upkeep.missing.len() as f64);
    if !upkeep.missing.is_empty() {
        page.family("pairspec_missing", "gauge", "1 for each component that is missing now");
        upkeep.missing.iter().for_each(|name| page.sample(&[("component", name)], 1.0));
    }
    page.family("pairspec_journal_fault", "gauge", "1 while the journal cannot write");
    page.sample(&[], f64::from(u8::from(!upkeep.journal_fault.is_empty())));
    for (name, help, count) in [
        ("dropped_records", "Outcomes that the journal dropped", upkeep.dropped_records),
        ("dropped_images", "Parts whose images the journal dropped", upkeep.dropped_images),
        ("journal_restarts", "Panics of the journal", upkeep.journal_restarts),
        ("dropped_frames", "Frames that cameras did not deliver", upkeep.dropped_frames),
        ("overflowed_frames", "Frames that were pushed out", upkeep.overflowed_frames),
        ("inspector_restarts", "Restarts of what judges", upkeep.inspector_restarts),
        (
            "unconfirmed_ejections",
            "Ejections that no sensor confirmed",
            upkeep.unconfirmed_ejections,
        ),
    ] {
        page.family(&format!("pairspec_{name}_total"), "counter", help);
        page.sample(&[], count as f64);
    }
}

fn drift(page: &mut Page, snapshot: &Snapshot) {
    if snapshot.drift.is_empty() {
        return;
    }
    page.family("pairspec_drift", "gauge", "Smoothed deviation in multiples of the hold limit");
    for figure in &snapshot.drift {
        page.sample(&[("figure", &figure.name), ("state", &figure.state)], figure.level);
    }
}

fn services(page: &mut Page, services: &[ServiceStatus]) {
    type Field = fn(&ServiceStatus) -> u64;
    let fields: [(&str, &str, &str, Field); 11] = [
        ("connected", "gauge", "1 while it listens or has its broker", |it| {
            u64::from(it.is_connected)
        }),
        ("open", "gauge", "Clients, or messages that wait for their acknowledgement", |it| it.open),
        ("queued", "gauge", "Sequence numbers that are not delivered yet", |it| it.queued),
        ("delivered_total", "counter", "Answers, or acknowledged messages", |it| it.delivered),
        ("redelivered_total", "counter", "Messages that may have been sent before", |it| {
            it.redelivered
        }),
        ("malformed_total", "counter", "Input that is not of the protocol", |it| it.malformed),
        ("refused_total", "counter", "Requests of who may not", |it| it.refused),
        ("timed_out_total", "counter", "Connections given up", |it| it.timed_out),
        ("overlapped_total", "counter", "Commands beside one of another connection", |it| {
            it.overlapped
        }),
        ("failures_total", "counter", "What failed and was tried again", |it| it.failures),
        ("panics_total", "counter", "Panics that were caught", |it| it.panics),
    ];
    for (name, kind, help, field) in fields {
        page.family(&format!("pairspec_plant_{name}"), kind, help);
        for status in services {
            page.sample(&[("service", status.name)], field(status) as f64);
        }
    }
}

#[derive(Default)]
struct Page {
    text: String,
    name: String,
}

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.name = name.to_owned();
        // Writing to a text never fails.
        let _ = writeln!(self.text, "# HELP {name} {help}.\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        let escaped =
            |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<String> =
            labels.iter().map(|(name, text)| format!("{name}=\"{}\"", escaped(text))).collect();
        let braced =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.text, "{}{braced} {}", self.name, number(value));
    }

    fn suffixed(&mut self, suffix: &str, value: f64) {
        let _ = writeln!(self.text, "{}{suffix} {}", self.name, number(value));
    }
}

/// A number as Prometheus writes those that are none.
fn number(value: f64) -> String {
    match value {
        _ if value.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plant::tally::Tally;
    use crate::plant::{DriftFigure, PartResult};

    #[test]
    fn every_sample_belongs_to_the_family_above_it_and_no_name_comes_twice() {
        let snapshot = Snapshot {
            station: "a \"quoted\\ name\nof two lines".to_owned(),
            drift: vec![DriftFigure { name: "focus".into(), level: f64::NAN, state: "ok".into() }],
            last: Some(PartResult { number: 7, ..PartResult::default() }),
            upkeep: Upkeep {
                missing: vec!["test-camera".into(), "journal".into()],
                journal_fault: "disk full".into(),
                dropped_records: 3,
                inspector_restarts: 2,
                ..Upkeep::default()
            },
            ..Snapshot::default()
        };
        let text = text(&snapshot, &[Tally::new("http").status(), Tally::new("mqtt").status()]);
        let mut families = Vec::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                families.push(rest.split(' ').next().unwrap_or_default().to_owned());
            } else if !line.starts_with("# HELP ") {
                let family = families.last().cloned().unwrap_or_default();
                assert!(line.starts_with(&family), "{line}");
                let value = line.rsplit(' ').next().unwrap_or_default();
                assert!(value.parse::<f64>().is_ok(), "{line}");
            }
        }
        let mut unique = families.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), families.len());
        assert!(text.contains(r#"station="a \"quoted\\ name\nof two lines""#), "{text}");
        assert!(text.contains("pairspec_drift{figure=\"focus\",state=\"ok\"} NaN"), "{text}");
        for line in [
            "pairspec_last_part_number 7",
            "pairspec_missing_components 2",
            "pairspec_missing{component=\"test-camera\"} 1",
            "pairspec_journal_fault 1",
            "pairspec_dropped_records_total 3",
            "pairspec_dropped_frames_total 0",
            "pairspec_inspector_restarts_total 2",
            "pairspec_unconfirmed_ejections_total 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
    }
}

//! Drift of the parts that leave: what warns, and what holds the line.

use super::Line;
use crate::drift::{Drift, Figure, Sample, State};
use crate::journal::{EventSource, Outcome, SpecScore};
use crate::station::core::{Component, Findings, HoldKind};
use crate::station::status::DriftSeen;

/// The charts of the recipe in force.
#[derive(Debug, Default)]
pub(in crate::station) struct Watch {
    pub(in crate::station) drift: Option<Drift>,
    /// What was said last.
    state: State,
}

impl Watch {
    /// Of a recipe with this `[drift]`, if it has one.
    pub(in crate::station) fn new(drift: Option<Drift>) -> Self {
        Self { drift, ..Self::default() }
    }

    /// How each figure is.
    pub(super) fn seen(&self) -> Vec<DriftSeen> {
        let figures = self.drift.iter().flat_map(Drift::figures);
        figures.map(|figure| DriftSeen::from(&figure)).collect()
    }
}

impl Line {
    /// Takes a part that left into the charts.
    pub(super) fn watch(
        &mut self,
        (outcome, scores): (&Outcome, &[SpecScore]),
        findings: &Findings,
    ) {
        let Some(drift) = &mut self.watch.drift else { return };
        let state = drift.add(&sample(outcome, scores, findings));
        let is_news = state != self.watch.state;
        match &state {
            State::Ok if is_news => self.core.set_missing(Component::Drift, None),
            State::Ok => {}
            State::Warn(reason) => self.core.set_missing(Component::Drift, Some(reason.clone())),
            State::Hold(reason) => {
                self.core.set_missing(Component::Drift, Some(reason.clone()));
                // What was in flight then is no news.
                if !matches!(self.watch.state, State::Hold(_)) {
                    self.event(EventSource::System, "drift_hold", reason);
                    self.core.hold(HoldKind::Drift, format!("drift: {reason}"));
                }
            }
        }
        if is_news {
            self.tell_drift(&state);
        }
        self.watch.state = state;
    }

    /// Figures change with each part, what they call for does not.
    fn tell_drift(&self, state: &State) {
        match (&self.watch.state, state) {
            (State::Warn(_), State::Warn(_)) | (State::Hold(_), State::Hold(_)) => {}
            (_, State::Ok) => self.event(EventSource::System, "drift_over", ""),
            (_, State::Warn(reason)) => self.event(EventSource::System, "drift_warning", reason),
            (_, State::Hold(_)) => {}
        }
    }

    /// Somebody let the line go on.
    pub(super) fn watch_resumed(&mut self) {
        if let Some(drift) = &mut self.watch.drift {
            drift.watch_on();
        }
        self.nothing_drifts();
    }

    /// Learns what is usual anew.
    pub(super) fn watch_anew(&mut self) {
        if let Some(drift) = &mut self.watch.drift {
            drift.begin_anew();
        }
        self.nothing_drifts();
    }

    fn nothing_drifts(&mut self) {
        self.watch.state = State::Ok;
        self.core.set_missing(Component::Drift, None);
    }

    /// Shows the charts where they changed.
    pub(super) fn show_drift(&mut self) {
        self.view.set_drift(self.watch.drift.as_ref());
    }
}

fn sample<'a>(outcome: &Outcome, scores: &[SpecScore], findings: &'a Findings) -> Sample<'a> {
    let mut sample = Sample::default();
    if let Some(photo) = &findings.photo {
        sample = sample
            .with(Figure::Focus, photo.edge_width_px.map(f64::from))
            .with(Figure::Exposure, f64::from(photo.mean))
            .with(Figure::Clipped, f64::from(photo.black_percent + photo.white_percent));
    }
    if let Some(found) = &findings.registration {
        sample = sample
            .with(Figure::ShiftX, f64::from(found.shift_px[0]))
            .with(Figure::ShiftY, f64::from(found.shift_px[1]))
            .with(Figure::Rotation, f64::from(found.rotation_deg))
            .with(Figure::Scale, f64::from(found.scale))
            .with(Figure::Residual, found.residual.map(f64::from));
    }
    if let Some([reference, test]) = &findings.embeddings {
        sample = sample.with_embeddings(reference, test);
    }
    // Those of bad parts say how bad they are, not how the box is.
    let nearest = scores.first().filter(|_| *outcome == Outcome::Conforming);
    let ratio = nearest.and_then(|nearest| Some(nearest.score / nearest.threshold?));
    sample.with(Figure::Score, ratio.map(f64::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_of_bad_parts_are_not_taken() {
        let threshold = Some(0.5);
        let scores = [SpecScore { spec: "open".into(), score: 0.25, threshold, region: None }];
        let findings = Findings::default();
        let found = |outcome| sample(&outcome, &scores, &findings);
        assert_eq!(found(Outcome::Mismatch), Sample::default());
        let expected = Sample::default().with(Figure::Score, 0.5);
        assert_eq!(found(Outcome::Conforming), expected);
    }
}

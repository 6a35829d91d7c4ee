use super::Sample;
use super::fit::is_of;
use super::search::{Evidence, Limits};

/// One limit for all sentences: that with the best F where every unit is what its most confident
/// armed sentence says, as a verdict names it.
///
/// `F = 2 right / (called + faulty)`, with the faulty units called by their own sentence as right. One
/// limit and not one for each: confidences share a softmax, so that the same limit means the same, and
/// the few units of one sentence would set a limit by chance. `unexplained_level` conforming units may
/// be unexplained.
pub(crate) fn best_f(evidence: &Evidence<'_>, unexplained_level: usize) -> Limits {
    let mut calls: Vec<(f32, bool)> = evidence
        .conforming
        .iter()
        .chain(&evidence.faulty)
        .filter_map(|s| evidence.call(s))
        .collect();
    calls.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut called, mut right) = (0, 0);
    let mut best = (0.0, None);
    for ties in calls.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        called += ties.len();
        right += ties.iter().filter(|(_, is_right)| *is_right).count();
        let f = 2.0 * right as f64 / (called + evidence.faulty.len()) as f64;
        if f > best.0 {
            // Halfway to the next one seen, as everywhere.
            let next = calls.get(called).map_or(0.0, |next| next.0);
            let limit = ties[0].0 - (ties[0].0 - next) / 2.0;
            best = (f, Some(limit.max(f32::MIN_POSITIVE)));
        }
    }
    let limits = evidence.armed.iter().map(|armed| best.1.filter(|_| *armed)).collect();
    (limits, evidence.unexplained_above(unexplained_level))
}

impl Evidence<'_> {
    /// The confidence of the most confident armed sentence, and whether it names the unit's fault;
    /// nothing where no sentence says anything.
    fn call(&self, sample: &Sample) -> Option<(f32, bool)> {
        let armed = sample.confidences.iter().enumerate().filter(|(spec, _)| self.armed[*spec]);
        let (spec, confidence) = armed.max_by(|a, b| a.1.total_cmp(b.1))?;
        (*confidence > 0.0).then(|| (*confidence, is_of(sample, spec)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::calibrate::Truth;
    use crate::calibrate::simulated::scored;

    #[test]
    fn the_best_f_weighs_wrong_calls_against_missed_faults() {
        let conforming = scored(&Truth::Conforming, &[[0.1, 0.1], [0.5, 0.2], [0.2, 0.05]]);
        // The third is called by the wrong sentence, the last of either by none.
        let of_first = scored(&Truth::Fault(0), &[[0.9, 0.0], [0.6, 0.1], [0.1, 0.7], [0.0, 0.0]]);
        let of_second = scored(&Truth::Fault(1), &[[0.1, 0.8], [0.0, 0.4], [0.0, 0.0]]);
        let evidence = Evidence {
            conforming: conforming.iter().collect(),
            faulty: of_first.iter().chain(&of_second).collect(),
            armed: vec![true, true],
            familiar: None,
        };
        // Right so far of all called: 1/1 0.9, 2/2 0.8, 2/3 0.7, 3/4 0.6, 3/5 0.5, 4/6 0.4, 4/7 0.2, ..:
        // 2 * 4 / (6 + 7) is more than 2 * 3 / (4 + 7) and 2 * 2 / (2 + 7).
        let (limits, unexplained) = best_f(&evidence, 0);
        let limit = limits[0].unwrap();
        assert!((limit - 0.3).abs() < 1e-6, "halfway from 0.4 to 0.2: {limit}");
        assert_eq!((limits[1], unexplained), (limits[0], None));
        let one = Evidence { armed: vec![false, true], ..evidence };
        assert_eq!(best_f(&one, 0).0[0], None, "what is not armed gets no limit");
    }
}

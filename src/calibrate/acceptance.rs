use serde::{Deserialize, Serialize};

use super::Proportion;
use super::proportion::excluded_rate;

/// Acceptable and still marginal: effectiveness, at least.
const EFFECTIVENESS: (f64, f64) = (0.90, 0.80);
/// Acceptable and still marginal: miss rate, at most.
const MISS_RATE: (f64, f64) = (0.02, 0.05);
/// Acceptable and still marginal: false alarm rate, at most.
const FALSE_ALARM_RATE: (f64, f64) = (0.05, 0.10);

/// An attribute agreement study of the machine against the reference decisions.
///
/// Figures and limits are those of AIAG, Measurement Systems Analysis, 4th edition, chapter III
/// section C (effectiveness, miss rate, false alarm rate, kappa). The grade goes by the estimate as
/// there; whether the evidence shows it goes by the exact 95 % bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// Right decisions out of all.
    pub effectiveness: Proportion,
    /// Faulty units that passed, out of the faulty ones.
    pub miss_rate: Proportion,
    /// Conforming units that were rejected, out of the conforming ones.
    pub false_alarm_rate: Proportion,
}

/// How a figure stands against its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Within the limit.
    Acceptable,
    /// May do for some uses; improve it.
    Marginal,
    /// Beyond both limits, or without a unit to tell.
    Unacceptable,
}

impl Grade {
    /// The word for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Acceptable => "acceptable",
            Self::Marginal => "marginal",
            Self::Unacceptable => "unacceptable",
        }
    }
}

/// One figure of the study against its limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assessed {
    /// "effectiveness", "miss rate" or "false alarm rate".
    pub name: &'static str,
    /// The figure.
    pub figure: Proportion,
    /// What is acceptable, in words.
    pub limit: &'static str,
    /// By the estimate.
    pub grade: Grade,
    /// Whether the 95 % bound lies within the acceptable limit too.
    pub is_shown: bool,
}

impl Acceptance {
    /// From the faulty units that passed and the conforming ones that were rejected.
    pub fn new(miss_rate: Proportion, false_alarm_rate: Proportion) -> Self {
        let wrong = miss_rate.count() + false_alarm_rate.count();
        let of = miss_rate.of() + false_alarm_rate.of();
        let effectiveness = Proportion::new((of - wrong) as usize, of as usize);
        Self { effectiveness, miss_rate, false_alarm_rate }
    }

    /// The three figures with their grades.
    pub fn assessed(&self) -> [Assessed; 3] {
        let effectiveness = Assessed {
            name: "effectiveness",
            figure: self.effectiveness,
            limit: ">= 90 %",
            grade: grade(self.effectiveness, |rate, limit| rate >= limit, EFFECTIVENESS),
            is_shown: self.effectiveness.lower() >= EFFECTIVENESS.0,
        };
        let at_most = |name, figure: Proportion, limit, limits: (f64, f64)| Assessed {
            name,
            figure,
            limit,
            grade: grade(figure, |rate, limit| rate <= limit, limits),
            is_shown: figure.upper() <= limits.0,
        };
        [
            effectiveness,
            at_most("miss rate", self.miss_rate, "<= 2 %", MISS_RATE),
            at_most("false alarm rate", self.false_alarm_rate, "<= 5 %", FALSE_ALARM_RATE),
        ]
    }

    /// The worst of the three grades.
    pub fn grade(&self) -> Grade {
        self.assessed()
            .map(|assessed| assessed.grade)
            .into_iter()
            .max()
            .unwrap_or(Grade::Unacceptable)
    }

    /// Cohen's kappa of machine and reference (Educational and Psychological Measurement 20, 1960):
    /// 1 agreement, 0 what chance gives; nothing when both say the same of every unit. AIAG calls
    /// more than 0.75 good and less than 0.40 poor.
    pub fn kappa(&self) -> Option<f64> {
        let (bad, good) = (self.miss_rate.of() as f64, self.false_alarm_rate.of() as f64);
        let all = bad + good;
        let caught = bad - self.miss_rate.count() as f64;
        let rejected = caught + self.false_alarm_rate.count() as f64;
        let observed = self.effectiveness.rate()?;
        let chance = (bad * rejected + good * (all - rejected)) / (all * all);
        (chance < 1.0).then(|| (observed - chance) / (1.0 - chance))
    }

    /// With no miss at all, the miss rate that so many faulty units exclude with one-sided 95 %
    /// confidence, about 3 over their number.
    pub fn excluded_miss_rate(&self) -> Option<f64> {
        (self.miss_rate.count() == 0).then(|| excluded_rate(self.miss_rate.of() as usize))
    }
}

fn grade(figure: Proportion, meets: fn(f64, f64) -> bool, (good, fair): (f64, f64)) -> Grade {
    match figure.rate() {
        Some(rate) if meets(rate, good) => Grade::Acceptable,
        Some(rate) if meets(rate, fair) => Grade::Marginal,
        _ => Grade::Unacceptable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Figures worked out by hand to six digits.
    const CLOSE: f64 = 1e-6;

    fn study(missed: usize, bad: usize, rejected: usize, good: usize) -> Acceptance {
        Acceptance::new(Proportion::new(missed, bad), Proportion::new(rejected, good))
    }

    #[test]
    fn kappa_is_that_of_the_two_by_two_table() {
        // 20 and 15 agree, 5 and 10 do not: observed 0.7, by chance 0.5.
        let kappa = study(5, 25, 10, 25).kappa();
        assert!(kappa.is_some_and(|kappa| (kappa - 0.4).abs() < CLOSE), "{kappa:?}");
        assert_eq!(study(0, 25, 0, 25).kappa(), Some(1.0));
        assert_eq!(study(0, 0, 0, 25).kappa(), None);
    }

    #[test]
    fn grades_follow_the_usual_limits() {
        let grades = |study: Acceptance| study.assessed().map(|assessed| assessed.grade);
        use Grade::{Acceptable, Marginal, Unacceptable};
        assert_eq!(grades(study(2, 100, 5, 100)), [Acceptable; 3]);
        assert_eq!(grades(study(5, 100, 10, 100)), [Acceptable, Marginal, Marginal]);
        assert_eq!(grades(study(6, 100, 40, 100)), [Unacceptable; 3]);
        assert_eq!(study(3, 100, 0, 100).grade(), Marginal);
        assert_eq!(study(0, 0, 0, 100).grade(), Unacceptable, "no faulty unit shows nothing");
    }

    #[test]
    fn a_good_estimate_of_few_units_is_not_shown() {
        let shown = |study: Acceptance| study.assessed().map(|assessed| assessed.is_shown);
        assert_eq!(shown(study(0, 20, 0, 20)), [true, false, false]);
        assert_eq!(shown(study(0, 200, 0, 200)), [true; 3]);
    }

    #[test]
    fn zero_misses_in_150_exclude_two_percent() {
        assert!(study(0, 150, 0, 1).excluded_miss_rate().is_some_and(|rate| rate < 0.02));
        assert_eq!(study(1, 150, 0, 1).excluded_miss_rate(), None);
        assert_eq!(study(0, 0, 0, 1).excluded_miss_rate(), Some(1.0));
    }
}

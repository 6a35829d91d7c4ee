use serde::{Deserialize, Serialize};

use super::chart::{Chart, Memory, Point};
use super::mean::MeanEmbedding;
use super::{DriftConfig, Error, Figure};

/// The version of what is saved.
const FORMAT: u32 = 1;
const FIGURES: usize = Figure::ALL.len();

/// What was measured on one part; what was not measured is left out.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sample<'a> {
    /// By the places of [`Figure::ALL`].
    values: [Option<f64>; FIGURES],
    /// The embeddings of reference and test frame, of any length that stays.
    pub embeddings: Option<[&'a [f32]; 2]>,
}

/// Whether something drifted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum State {
    /// Nothing that is known.
    #[default]
    Ok,
    /// Somebody should look; why, and what at.
    Warn(String),
    /// Verdicts are not to be trusted any more; why, and what to look at.
    Hold(String),
}

/// How one figure is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FigureStatus {
    /// Which.
    pub figure: Figure,
    /// Parts that its baseline was learned from so far; 0 where it is given.
    pub learned: u32,
    /// Its smoothed value, once there is one.
    pub smoothed: Option<f64>,
    /// The mean and the standard deviation that it is compared with, once they are known.
    pub baseline: Option<super::Baseline>,
    /// How far it is from the baseline in parts of the distance that holds: 1 holds. Negative below
    /// the baseline; 0 while that is learned.
    pub level: f64,
    /// What it calls for alone.
    pub alarm: Alarm,
    /// Values that were no numbers.
    pub unusable: u64,
}

/// What a figure calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Alarm {
    /// Nothing.
    #[default]
    Ok,
    /// A look.
    Warn,
    /// A hold.
    Hold,
}

/// The charts of one recipe at one station.
#[derive(Debug, Clone)]
pub struct Drift {
    config: DriftConfig,
    charts: Vec<Option<Chart>>,
    alarms: [Standing; FIGURES],
    means: [MeanEmbedding; 2],
}

/// An alarm and for how long it could have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Standing {
    alarm: Alarm,
    /// Parts in a row that called for less by enough.
    calm: u32,
}

/// The rules that a figure is charted by.
#[derive(Debug, Clone, Copy)]
struct Rules {
    parts: u32,
    smoothing: f64,
}

/// What outlives a restart, for whoever keeps files; the trend does not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    format: u32,
    baseline_parts: u32,
    smoothing: f64,
    figures: std::collections::BTreeMap<Figure, SavedFigure>,
    means: [MeanEmbedding; 2],
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedFigure {
    memory: Memory,
    standing: Standing,
}

impl<'a> Sample<'a> {
    /// The same with a figure; embeddings and the spread of scores are figures that are derived.
    pub fn with(mut self, figure: Figure, value: impl Into<Option<f64>>) -> Self {
        self.values[figure as usize] = value.into();
        self
    }

    /// The same with the embeddings of reference and test frame.
    pub fn with_embeddings(mut self, reference: &'a [f32], test: &'a [f32]) -> Self {
        self.embeddings = Some([reference, test]);
        self
    }
}

impl Drift {
    /// Charts that know nothing yet.
    pub fn new(config: DriftConfig) -> Self {
        let charts = config.figures.iter().map(|figure| figure.map(Chart::new)).collect();
        Self { config, charts, alarms: Default::default(), means: Default::default() }
    }

    /// Charts that go on where they were.
    ///
    /// # Errors
    /// [`Error::Saved`] when it is of another format, another number of baseline parts or another
    /// smoothing, or damaged. Figures that were not watched then begin anew.
    pub fn resume(config: DriftConfig, saved: Saved) -> Result<Self, Error> {
        saved.check(&config)?;
        let mut drift = Self::new(config);
        for (figure, SavedFigure { memory, standing }) in saved.figures {
            let place = figure as usize;
            if let Some(config) = drift.config.figures[place] {
                drift.charts[place] = Some(Chart::with_memory(config, memory));
                drift.alarms[place] = standing;
            }
        }
        drift.means = saved.means;
        Ok(drift)
    }

    /// What a restart needs to go on.
    pub fn saved(&self) -> Saved {
        let figures = Figure::ALL.into_iter().filter_map(|figure| {
            let memory = self.chart(figure)?.memory();
            Some((figure, SavedFigure { memory, standing: self.alarms[figure as usize] }))
        });
        Saved {
            format: FORMAT,
            baseline_parts: self.config.baseline_parts,
            smoothing: self.config.smoothing,
            figures: figures.collect(),
            means: self.means.clone(),
        }
    }

    /// Takes a part; gives the state after it.
    pub fn add(&mut self, sample: &Sample) -> State {
        for figure in Figure::ALL {
            let (place, rules) = (figure as usize, self.rules(figure));
            let value = self.value(figure, sample);
            if let (Some(value), Some(chart)) = (value, &mut self.charts[place]) {
                chart.add(value, rules.parts, rules.smoothing);
                self.alarms[place] = self.standing_of(figure);
            }
        }
        self.state()
    }

    /// What all figures together call for; the reasons of the gravest.
    pub fn state(&self) -> State {
        let alarm = |figure: Figure| self.alarms[figure as usize].alarm;
        let gravest = Figure::ALL.into_iter().map(alarm).max().unwrap_or_default();
        let reasons = Figure::ALL
            .into_iter()
            .filter(|figure| gravest != Alarm::Ok && alarm(*figure) == gravest);
        let reasons: Vec<String> = reasons.map(|figure| self.reason(figure)).collect();
        match gravest {
            Alarm::Ok => State::Ok,
            Alarm::Warn => State::Warn(reasons.join("; ")),
            Alarm::Hold => State::Hold(reasons.join("; ")),
        }
    }

    /// Whether the baseline of any watched figure that was ever measured is still being learned.
    pub fn is_learning(&self) -> bool {
        Figure::ALL.into_iter().any(|figure| {
            let chart = self.chart(figure).filter(|chart| chart.learned() > 0);
            chart.is_some_and(|chart| chart.baseline(self.rules(figure).parts).is_none())
        })
    }

    /// How each watched figure is.
    pub fn figures(&self) -> impl Iterator<Item = FigureStatus> + '_ {
        Figure::ALL.into_iter().filter_map(|figure| {
            let chart = self.chart(figure)?;
            Some(FigureStatus {
                figure,
                learned: chart.learned(),
                smoothed: chart.smoothed(),
                baseline: chart.baseline(self.rules(figure).parts),
                level: self.sigmas(figure).unwrap_or(0.0) / chart.config().hold_sigmas,
                alarm: self.alarms[figure as usize].alarm,
                unusable: chart.unusable(),
            })
        })
    }

    /// The last 200 parts of a figure, the oldest first; none where it is not watched.
    pub fn trend(&self, figure: Figure) -> impl Iterator<Item = Point> + '_ {
        self.chart(figure).into_iter().flat_map(Chart::trend)
    }

    /// The values of a figure below and above which it calls for a look, once its baseline is known.
    pub fn limits(&self, figure: Figure) -> Option<[f32; 2]> {
        let Rules { parts, smoothing } = self.rules(figure);
        let chart = self.chart(figure)?;
        let baseline = chart.baseline(parts)?;
        let distance = chart.config().warn_sigmas * chart.spread(baseline, smoothing);
        Some([baseline.mean - distance, baseline.mean + distance].map(|limit| limit as f32))
    }

    /// Somebody looked and lets it go on: averages begin at their baselines again, nothing is called
    /// for, and what is still off shows after as many parts as it did before.
    pub fn watch_on(&mut self) {
        self.charts.iter_mut().flatten().for_each(Chart::begin_at_baseline);
        self.alarms = Default::default();
    }

    /// Learns all baselines anew, such as after a lamp was changed.
    pub fn begin_anew(&mut self) {
        *self = Self::new(self.config.clone());
    }

    fn rules(&self, figure: Figure) -> Rules {
        let DriftConfig { baseline_parts: parts, smoothing, .. } = self.config;
        match figure.is_mean() {
            true => Rules { parts: parts.saturating_mul(10), smoothing: 1.0 },
            false => Rules { parts, smoothing },
        }
    }

    fn chart(&self, figure: Figure) -> Option<&Chart> {
        self.charts[figure as usize].as_ref()
    }

    /// What a sample says of a figure; spread and distances are derived from what is known.
    fn value(&mut self, figure: Figure, sample: &Sample) -> Option<f64> {
        let DriftConfig { baseline_parts: parts, smoothing, .. } = self.config;
        let embedding = |which: usize| sample.embeddings.map(|both| both[which]);
        match figure {
            Figure::ScoreSpread => {
                let score = sample.values[Figure::Score as usize]?;
                let baseline = self.chart(Figure::Score)?.baseline(parts)?;
                Some((score - baseline.mean).abs())
            }
            Figure::ReferenceEmbedding => self.means[0].add(embedding(0)?, parts, smoothing),
            Figure::TestEmbedding => self.means[1].add(embedding(1)?, parts, smoothing),
            _ => sample.values[figure as usize],
        }
    }

    /// Signed; of a figure of which only more is worse, not negative.
    fn sigmas(&self, figure: Figure) -> Option<f64> {
        let chart = self.chart(figure)?;
        let Rules { parts, smoothing } = self.rules(figure);
        let sigmas = chart.sigmas(parts, smoothing)?;
        Some(if figure.is_one_sided() { sigmas.max(0.0) } else { sigmas })
    }

    /// An alarm begins at its limit and ends when a row of parts was below a part of it: a smoothed
    /// value near a limit crosses it again and again.
    fn standing_of(&self, figure: Figure) -> Standing {
        let (Some(sigmas), Some(chart)) = (self.sigmas(figure), self.chart(figure)) else {
            return Standing::default();
        };
        let before = self.alarms[figure as usize];
        let called_for = |share: f64| match sigmas.abs() {
            far if far > chart.config().hold_sigmas * share => Alarm::Hold,
            far if far > chart.config().warn_sigmas * share => Alarm::Warn,
            _ => Alarm::Ok,
        };
        let (now, at_least) = (called_for(1.0), called_for(self.config.release));
        if now > before.alarm {
            return Standing { alarm: now, calm: 0 };
        }
        if at_least >= before.alarm {
            return Standing { calm: 0, ..before };
        }
        let calm = before.calm.saturating_add(1);
        if f64::from(calm) < 3.0 / self.config.smoothing {
            return Standing { calm, ..before };
        }
        // What it still calls for by the lower limits is not over.
        Standing { alarm: at_least, calm: 0 }
    }

    fn reason(&self, figure: Figure) -> String {
        let Rules { parts, smoothing } = self.rules(figure);
        let known = self.chart(figure).and_then(|chart| {
            let (smoothed, baseline) = (chart.smoothed()?, chart.baseline(parts)?);
            Some((smoothed, baseline, chart.spread(baseline, smoothing), chart.config()))
        });
        let Some((smoothed, baseline, spread, config)) = known else { return figure.to_string() };
        let limit = match self.alarms[figure as usize].alarm {
            Alarm::Hold => config.hold_sigmas,
            _ => config.warn_sigmas,
        } * spread;
        let decimals = if limit < 0.01 { 5 } else { 3 };
        format!(
            "{figure}: {smoothed:.decimals$} over the last parts, {:.decimals$} when learned (limit \
             {limit:.decimals$} off); {}",
            baseline.mean,
            figure.advice()
        )
    }
}

impl Saved {
    fn check(&self, config: &DriftConfig) -> Result<(), Error> {
        let refused = |what: String| Err(Error::Saved { what });
        if self.format != FORMAT {
            return refused(format!("format {}, this version reads {FORMAT}", self.format));
        }
        if self.baseline_parts != config.baseline_parts {
            let now = config.baseline_parts;
            return refused(format!("baseline_parts = {}, now {now}", self.baseline_parts));
        }
        if self.smoothing != config.smoothing {
            return refused(format!("smoothing = {}, now {}", self.smoothing, config.smoothing));
        }
        let unsound = self.figures.iter().find(|(_, figure)| !figure.memory.is_sound());
        if let Some((figure, _)) = unsound {
            return refused(format!("{figure}: no sums of measurements"));
        }
        if !self.means.iter().all(MeanEmbedding::is_sound) {
            return refused("embeddings: no means of unit vectors".to_owned());
        }
        Ok(())
    }
}

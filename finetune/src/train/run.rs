use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use candle_core::Result;
use indicatif::{ProgressBar, ProgressStyle};
use pairspec::files;

use super::checkpoint;
use super::engine::{Engine, Gradients};
use super::optimizer::{Adam, AdamConfig};
use super::plot;
use super::schedule::Rate;
use super::validate::Validation;
use crate::export::{self, Card};
use crate::model::{Clip, Parameters, TextTower, VisionTower};

const CHECKPOINT: &str = "checkpoint.safetensors";
const LOSSES: &str = "losses.csv";
const VALIDATIONS: &str = "validations.jsonl";
/// The Hugging Face directory in the output folder.
const MODEL: &str = "model";
/// Steps that the printed loss is averaged over.
const AVERAGED: f64 = 50.0;

/// One sitting of a run; the model does not depend on it.
#[derive(Debug, Clone, Copy)]
pub struct Session {
    /// Draw progress bars on standard error.
    pub shows: bool,
    /// Write the model's matrices in fp16, half the size; checkpoints stay exact.
    pub half: bool,
    /// Stop after this step with a checkpoint and the model as it then is; at the end if `None`.
    pub until: Option<u64>,
}

impl Session {
    /// A bar of `length` of something.
    pub(crate) fn bar(self, length: u64, what: &str) -> ProgressBar {
        if !self.shows {
            return ProgressBar::hidden();
        }
        let template =
            format!("{{bar:30}} {{pos}}/{{len}} {what}, {{per_sec}}, {{eta}} left {{msg}}");
        let style = ProgressStyle::with_template(&template);
        ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    }
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Report {
    /// The Hugging Face directory.
    pub model: PathBuf,
    /// Numbers in both towers.
    pub parameters: usize,
    /// The last validation, by product.
    pub validations: Vec<Validation>,
    /// The validation of the base before the first step; empty where there was no base.
    pub base: Vec<Validation>,
}

/// What a run learns from.
pub(super) trait Task {
    /// The loss of a step and its gradients; a function of the step and the model alone.
    fn gradients(&self, engine: &Engine, model: &Clip, step: u64) -> Result<(f32, Gradients)>;

    /// Brings parameters that a step moved too far back within their limits.
    fn settle(&self, _model: &Clip) -> Result<()> {
        Ok(())
    }

    /// How the model does on what it was not trained with.
    fn validate(&self, engine: &Engine, model: &Clip) -> Result<Vec<Validation>>;
}

/// How a run goes, whatever it learns from.
pub(super) struct Plan<'a> {
    pub(super) rate: &'a dyn Rate,
    pub(super) adam: AdamConfig,
    /// Lanes, and images or sentences held with their activations per lane.
    pub(super) lanes: (usize, usize),
    /// Steps from one validation, and from one checkpoint, to the next.
    pub(super) every: [u64; 2],
    /// What checkpoints are told apart by: everything that the result depends on.
    pub(super) id: String,
    /// Whether the model is validated before the first step, too.
    pub(super) compares: bool,
}

/// A model on its way, step by step, in a folder that it can go on in after a kill.
pub(super) struct Run<'a> {
    plan: Plan<'a>,
    folder: &'a Path,
    session: Session,
    engine: Engine,
    task: &'a dyn Task,
    pub(super) model: Clip,
    adam: Adam,
    pub(super) validations: Vec<Validation>,
}

impl<'a> Run<'a> {
    /// Goes on from the checkpoint in `folder` where there is one.
    pub(super) fn new(
        plan: Plan<'a>,
        (folder, session): (&'a Path, Session),
        mut model: Clip,
        task: &'a dyn Task,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).map_err(files::Error::io(folder, "create"))?;
        let mut adam = Adam::new(plan.adam);
        let path = folder.join(CHECKPOINT);
        if path.exists() {
            checkpoint::read(&path, (&mut model.parameters, &mut adam), &plan.id)?;
            log::info!("{}: going on after step {}", path.display(), adam.step);
        }
        let towers = (VisionTower::new(&model.vision), TextTower::new(&model.text));
        let engine = Engine::new(towers.0, towers.1, plan.lanes)?;
        let validations = Vec::new();
        Ok(Self { plan, folder, session, engine, task, model, adam, validations })
    }

    /// Takes every step that is left.
    pub(super) fn train(&mut self) -> anyhow::Result<()> {
        let steps = self.plan.rate.steps();
        let bar = self.session.bar(steps, "steps");
        bar.set_position(self.adam.step);
        bar.reset_eta();
        let mut losses = Lines::append(&self.folder.join(LOSSES), "step,loss,gradient,rate")?;
        let mut mean: Option<f64> = None;
        if self.plan.compares && self.adam.step == 0 {
            self.validate()?;
        }
        let until = self.session.until.map_or(steps, |until| until.min(steps));
        while self.adam.step < until {
            let step = self.adam.step;
            let start = Instant::now();
            let (value, norm) = self.step(step)?;
            let before = mean.unwrap_or(value);
            let average = before + (value - before) / AVERAGED;
            mean = Some(average);
            let rate = self.plan.rate.rate(step);
            losses.line(&format!("{step},{value},{norm},{rate}"))?;
            bar.set_message(format!("loss {average:.4}"));
            bar.inc(1);
            let elapsed = start.elapsed().as_secs_f64() * 1e3;
            log::debug!("step {step}: loss {value:.4}, {elapsed:.0} ms");
            self.after(step + 1)?;
        }
        bar.finish_and_clear();
        if self.validations.is_empty() {
            self.validate()?;
        }
        Ok(())
    }

    /// Writes the model as it is now as a Hugging Face directory into the output folder, and then
    /// the plots, which no model is lost for.
    pub(super) fn finish(self, card: &Card<'_>) -> anyhow::Result<Report> {
        let model = self.folder.join(MODEL);
        export::write(&model, &self.model, card)?;
        let parameters = self.model.parameters.count();
        let (losses, log) = (self.folder.join(LOSSES), self.folder.join(VALIDATIONS));
        if let Err(error) = plot::write(&losses, &log, self.folder) {
            log::warn!("{}: no plots: {error:#}", self.folder.display());
        }
        let base = if self.plan.compares { at_start(&log) } else { Vec::new() };
        Ok(Report { model, parameters, validations: self.validations, base })
    }

    /// Mixes `share` of what was trained with the rest of `base`, and validates the mixture.
    pub(super) fn average(&mut self, base: &Parameters, share: f64) -> anyhow::Result<()> {
        if share < 1.0 {
            self.model.parameters = self.model.parameters.averaged(base, share)?;
            self.validations = self.task.validate(&self.engine, &self.model)?;
        }
        Ok(())
    }

    /// Saves and validates when it is time.
    fn after(&mut self, done: u64) -> anyhow::Result<()> {
        let is_last = done == self.plan.rate.steps() || self.session.until == Some(done);
        if done.is_multiple_of(self.plan.every[1]) || is_last {
            let state = (&self.model.parameters, &self.adam);
            checkpoint::write(&self.folder.join(CHECKPOINT), state, &self.plan.id)?;
        }
        if done.is_multiple_of(self.plan.every[0]) || is_last {
            self.validate()?;
        }
        Ok(())
    }

    /// One step; its loss and the length of its gradient.
    fn step(&mut self, step: u64) -> anyhow::Result<(f64, f64)> {
        let (value, gradients) = self.task.gradients(&self.engine, &self.model, step)?;
        let norm = Adam::norm(&gradients)?;
        if !value.is_finite() || !norm.is_finite() {
            anyhow::bail!(
                "step {step}: loss {value}, gradient {norm}; the last checkpoint is kept; \
                 lower the peak of the schedule or lengthen its warm-up"
            );
        }
        let rate = self.plan.rate.rate(step);
        self.adam.update(&self.model.parameters, &gradients, (rate, norm))?;
        self.task.settle(&self.model)?;
        Ok((f64::from(value), norm))
    }

    fn validate(&mut self) -> anyhow::Result<()> {
        self.validations = self.task.validate(&self.engine, &self.model)?;
        let mut lines = Lines::append(&self.folder.join(VALIDATIONS), "")?;
        for validation in &self.validations {
            let line = serde_json::json!({"step": self.adam.step, "validation": validation});
            lines.line(&line.to_string())?;
            log::info!("step {}: {validation:?}", self.adam.step);
        }
        Ok(())
    }
}

/// The validations before the first step, of this sitting or an earlier one.
fn at_start(log: &Path) -> Vec<Validation> {
    let text = files::read_text(log, plot::MAX_BYTES).unwrap_or_default();
    let first = plot::entries(&text).into_iter().filter(|line| line["step"] == 0);
    first.filter_map(|mut line| serde_json::from_value(line["validation"].take()).ok()).collect()
}

/// The last byte of a file; none where there is nothing.
fn last_byte(path: &Path) -> Option<u8> {
    let mut file =
        File::open(path).ok().filter(|file| file.metadata().is_ok_and(|it| it.len() > 0))?;
    let mut last = [0];
    file.seek(SeekFrom::End(-1)).ok()?;
    file.read_exact(&mut last).ok()?;
    Some(last[0])
}

/// A file that grows by lines.
struct Lines(File, PathBuf);

impl Lines {
    fn append(path: &Path, header: &str) -> anyhow::Result<Self> {
        let last = last_byte(path);
        let file = OpenOptions::new().create(true).append(true).open(path);
        let mut lines = Self(file.with_context(|| path.display().to_string())?, path.to_owned());
        match last {
            None if !header.is_empty() => lines.line(header)?,
            // A kill cut the last line; the next must not become a part of it.
            Some(last) if last != b'\n' => lines.line("")?,
            _ => {}
        }
        Ok(lines)
    }

    fn line(&mut self, text: &str) -> anyhow::Result<()> {
        writeln!(self.0, "{text}").with_context(|| self.1.display().to_string())
    }
}

//! The thread that judges: one part at a time, by the recipe it triggered under.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use heapless::Vec;

use super::judge::{Identity, Judge, OpenJudge, Pair};
use super::message::Message;
use super::threads::{Shared, guarded, spawn};

/// The recipe in force and the one that parts in flight still need.
pub(super) const RECIPES: usize = 2;
/// Jobs on their way: a part, a recipe to adopt, one to forget, a challenge.
const JOBS: usize = 8;

/// What the thread is asked to do.
pub(super) enum Job {
    /// Judge a part by this recipe.
    Inspect { recipe: u32, pair: Pair },
    /// Keep this judge for a recipe.
    Adopt { recipe: u32, judge: Box<dyn Judge> },
    /// Let go of a recipe.
    Forget { recipe: u32 },
    /// Judge the goldens of a recipe.
    Challenge { recipe: u32 },
}

/// Judges by recipe, the oldest first.
type Judges = Vec<(u32, Box<dyn Judge>), RECIPES>;

/// A recipe that is in use.
#[derive(Debug, Clone)]
pub(super) struct InUse {
    pub(super) recipe: u32,
    pub(super) path: PathBuf,
    pub(super) identity: Identity,
}

/// The line's end of an inspector.
pub(super) struct Inspector {
    pub(super) jobs: SyncSender<Job>,
}

/// What an inspector's thread works with.
struct Bench {
    generation: u32,
    judges: Judges,
    jobs: Receiver<Job>,
    shared: Shared,
}

impl Inspector {
    /// Starts a thread that has a judge already.
    pub(super) fn with_judge(
        generation: u32,
        judge: Box<dyn Judge>,
        shared: &Shared,
    ) -> std::io::Result<Self> {
        let (sender, jobs) = sync_channel(JOBS);
        let mut judges = Vec::new();
        // There is room for two.
        let _ = judges.push((0, judge));
        let bench = Bench { generation, judges, jobs, shared: shared.clone() };
        spawn("inspection", move || bench.run())?;
        Ok(Self { jobs: sender })
    }

    /// Starts a thread that opens the judges of the recipes in use, which must be what they were.
    pub(super) fn reopening(
        generation: u32,
        recipes: std::vec::Vec<InUse>,
        (open, shared): (OpenJudge, &Shared),
    ) -> std::io::Result<Self> {
        let (sender, jobs) = sync_channel(JOBS);
        let shared = shared.clone();
        spawn("inspection", move || {
            let opened = guarded(|| open_all(&recipes, &open)).and_then(|opened| opened);
            let (judges, told) = match opened {
                Ok(judges) => (judges, Ok(())),
                Err(reason) => (Vec::new(), Err(reason)),
            };
            let is_open = told.is_ok();
            shared.tell(Message::InspectorReady { generation, opened: told });
            if is_open {
                Bench { generation, judges, jobs, shared }.run();
            }
        })?;
        Ok(Self { jobs: sender })
    }
}

impl Bench {
    /// Works until the line lets go, or a judge panics.
    fn run(mut self) {
        while let Ok(job) = self.jobs.recv() {
            if let Err(reason) = guarded(|| self.work(job)) {
                let generation = self.generation;
                self.shared.tell(Message::InspectorLost { generation, reason });
                return;
            }
        }
    }

    fn work(&mut self, job: Job) {
        let generation = self.generation;
        match job {
            Job::Inspect { recipe, pair } => {
                let number = pair.number;
                let judgement = match self.judge(recipe) {
                    Some(judge) => judge.judge(&pair),
                    None => crate::journal::Outcome::not_inspected(
                        "inspection",
                        "its recipe is not in use any more",
                    )
                    .into(),
                };
                self.shared.tell(Message::Judged { generation, number, judgement });
            }
            Job::Adopt { recipe, judge } => {
                if self.judges.is_full() {
                    self.judges.remove(0);
                }
                // There is room now.
                let _ = self.judges.push((recipe, judge));
            }
            Job::Forget { recipe } => self.judges.retain(|(known, _)| *known != recipe),
            Job::Challenge { recipe } => {
                let gone = || Err("its recipe is not in use any more".to_owned());
                let (result, samples) = match self.judge(recipe) {
                    Some(judge) => (judge.challenge(), judge.samples().to_vec()),
                    None => (gone(), std::vec::Vec::new()),
                };
                self.shared.tell(Message::Challenged { generation, result, samples });
            }
        }
    }

    fn judge(&mut self, recipe: u32) -> Option<&mut Box<dyn Judge>> {
        let known = self.judges.iter_mut().find(|(known, _)| *known == recipe);
        known.map(|(_, judge)| judge)
    }
}

fn open_all(recipes: &[InUse], open: &OpenJudge) -> Result<Judges, String> {
    let mut judges = Vec::new();
    for InUse { recipe, path, identity } in recipes {
        let judge = open(path).map_err(|error| error.to_string())?;
        if judge.identity() != identity {
            let path = path.display();
            return Err(format!(
                "{path}: changed since it was put in force; change to it by command"
            ));
        }
        // No more recipes are in use than there is room for.
        let _ = judges.push((*recipe, judge));
    }
    Ok(judges)
}

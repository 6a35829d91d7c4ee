use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::{
    Counters, Outbox, PartResult, RecipeChoice, RecipeEntry, Request, Requests, Role, Snapshot,
    Source, State, Verdict,
};

/// All three seams in memory: services without a station, for tests and trials.
///
/// Clones share their content.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    shared: Arc<Mutex<Content>>,
}

#[derive(Debug, Default)]
struct Content {
    snapshot: Arc<Snapshot>,
    images: [Option<Vec<u8>>; 2],
    recipes: Vec<RecipeEntry>,
    asked: Vec<(Request, String)>,
    records: Vec<(u64, String)>,
    largest_batch: usize,
}

impl Memory {
    /// A station that is ready, with two recipes of which the first is in force.
    pub fn new(station: &str) -> Self {
        let memory = Self::default();
        let entry = |name: &str| RecipeEntry { name: name.to_owned(), sha256: None };
        memory.lock().recipes = vec![entry("first"), entry("second")];
        memory.change(|snapshot| {
            snapshot.station = station.to_owned();
            snapshot.state = State::Ready;
            snapshot.recipe.name = "first".to_owned();
            snapshot.recipe.index = Some(1);
        });
        memory
    }

    /// Changes the snapshot that is given from now on.
    pub fn change(&self, change: impl FnOnce(&mut Snapshot)) {
        change(Arc::make_mut(&mut self.lock().snapshot));
    }

    /// A part with its result, its record and its images.
    pub fn finish(&self, number: u64, verdict: Verdict) {
        let mut content = self.lock();
        let seq = content.records.last().map_or(0, |(seq, _)| *seq) + 1;
        content.records.push((seq, json!({ "kind": "part", "number": number }).to_string()));
        content.images = [Some(vec![0x89, b'P']), Some(vec![0x89, b'P', number as u8])];
        let snapshot = Arc::make_mut(&mut content.snapshot);
        let Counters { finished, conforming, mismatch, not_inspected, .. } = &mut snapshot.counters;
        *finished += 1;
        match &verdict {
            Verdict::Conforming => *conforming += 1,
            Verdict::Mismatch => *mismatch += 1,
            Verdict::NotInspected { .. } => *not_inspected += 1,
        }
        let part = PartResult { number, verdict, ..PartResult::default() };
        snapshot.last = Some(part);
    }

    /// What was asked so far, with who did.
    pub fn asked(&self) -> Vec<(Request, String)> {
        self.lock().asked.clone()
    }

    /// The most records that were ever given out at once.
    pub fn largest_batch(&self) -> usize {
        self.lock().largest_batch
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for Memory {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.lock().snapshot.clone()
    }

    fn image(&self, role: Role) -> Result<Option<(u64, Vec<u8>)>, String> {
        let content = self.lock();
        let number = content.snapshot.last.as_ref().map_or(0, |last| last.number);
        Ok(content.images[role as usize].clone().map(|image| (number, image)))
    }

    fn recipes(&self) -> Vec<RecipeEntry> {
        self.lock().recipes.clone()
    }
}

impl Requests for Memory {
    fn ask(&self, request: Request, peer: &str) -> Result<Value, String> {
        let mut content = self.lock();
        content.asked.push((request.clone(), peer.to_owned()));
        let index = match &request {
            Request::SelectRecipe(RecipeChoice::Index(index)) => usize::from(*index),
            Request::SelectRecipe(RecipeChoice::Name(name)) => {
                let place = content.recipes.iter().position(|recipe| recipe.name == *name);
                place.map_or(0, |place| place + 1)
            }
            _ => return Ok(json!({ "done": request.to_string() })),
        };
        let recipe = index.checked_sub(1).and_then(|place| content.recipes.get(place)).cloned();
        let recipe = recipe.ok_or_else(|| format!("{request}: no such recipe"))?;
        let snapshot = Arc::make_mut(&mut content.snapshot);
        snapshot.recipe.index = u16::try_from(index).ok();
        snapshot.recipe.name = recipe.name.clone();
        Ok(json!({ "recipe": recipe.name }))
    }
}

impl Outbox for Memory {
    fn after(&mut self, seq: u64, limit: usize) -> Result<Vec<(u64, String)>, String> {
        let mut content = self.lock();
        let start = content.records.partition_point(|(number, _)| *number <= seq);
        let batch: Vec<_> = content.records[start..].iter().take(limit).cloned().collect();
        content.largest_batch = content.largest_batch.max(batch.len());
        Ok(batch)
    }

    fn last_seq(&mut self) -> Result<u64, String> {
        Ok(self.lock().records.last().map_or(0, |(seq, _)| *seq))
    }

    /// The records of each station are its own.
    fn mark(&mut self, seq: u64) -> Result<Option<String>, String> {
        let content = self.lock();
        let is_there = content.records.iter().any(|(number, _)| *number == seq);
        Ok(is_there.then(|| format!("{} {seq}", content.snapshot.station)))
    }
}

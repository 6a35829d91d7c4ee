use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use pairspec::frame::Frame;
use pairspec::manifest::{self, Pair};
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

use super::Cutter;
use super::pool::{CropPair, Pool};
use crate::labelled::Labelled;
use crate::synth::Renderer;

/// Pairs rendered or read before their crops are put in order.
const CHUNK: u64 = 64;

/// Why a set of pairs gave no crops.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The manifest cannot be used.
    #[error(transparent)]
    Manifest(#[from] manifest::Error),
    /// No pair of the manifest is in any of the groups asked for.
    #[error("{}: no pair in {groups}; name groups that the manifest has", path.display())]
    NoPairs {
        /// The manifest.
        path: PathBuf,
        /// What was asked for.
        groups: String,
    },
    /// A pair of which nobody said where its faults are, or whether it has any.
    #[error(
        "{}, pair {pair}: {found}; its crops cannot be told apart: give the pair boxes, label it ok, or \
         leave it out", path.display()
    )]
    NoBoxes {
        /// The manifest.
        path: PathBuf,
        /// The first such pair.
        pair: String,
        /// What its label and boxes say.
        found: String,
    },
    /// The system gives no threads.
    #[error("no threads to render with: {reason}")]
    Threads {
        /// What it said.
        reason: String,
    },
    /// Nothing to learn from.
    #[error("{origin}: {pairs} pairs gave no crop{}", because(first))]
    NoCrops {
        /// Where the pairs came from.
        origin: String,
        /// How many there were.
        pairs: u64,
        /// The first that could not be judged.
        first: Option<Refused>,
    },
}

fn because(first: &Option<Refused>) -> String {
    match first {
        Some(refused) => format!("; {}: {}", refused.id, refused.reason),
        None => "; do reference and test frames differ at all?".to_owned(),
    }
}

/// A pair that inspection could not have judged either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The pair.
    pub id: String,
    /// Why.
    pub reason: String,
}

/// The crops of the rendered pairs `first..first + count`, in their order whatever the threads do.
///
/// # Errors
/// [`Error::NoCrops`].
pub fn from_renderer(
    renderer: &Renderer,
    range: std::ops::Range<u64>,
    cutter: &Cutter,
    progress: &(dyn Fn() + Sync),
) -> Result<(Pool, Vec<Refused>), Error> {
    let count = range.end.saturating_sub(range.start);
    let origin = format!("rendered pairs {} to {}", range.start, range.end);
    gather(cutter, (count, &origin), progress, |index| {
        let index = range.start + index;
        let pair = renderer.pair(index);
        let crops = cutter.cut([&pair.reference, &pair.test], &pair.boxes);
        let group = pair.group.clone();
        crops
            .map(|crops| (crops, group))
            .map_err(|reason| Refused { id: index.to_string(), reason })
    })
}

/// The pairs of a manifest that are in one of `groups`, or all when that is empty.
///
/// # Errors
/// [`Error::Manifest`], [`Error::NoPairs`] and [`Error::NoBoxes`].
pub fn pairs(path: &Path, groups: &[String]) -> Result<Vec<Pair>, Error> {
    let mut pairs = manifest::open(path)?;
    let is_in = |pair: &Pair| pair.group.as_ref().is_some_and(|group| groups.contains(group));
    pairs.retain(|pair| groups.is_empty() || is_in(pair));
    if pairs.is_empty() {
        let groups = groups.join(", ");
        return Err(Error::NoPairs { path: path.to_owned(), groups });
    }
    pairs.iter().try_for_each(|pair| check_boxes(path, pair))?;
    Ok(pairs)
}

/// The crops of the pairs of a manifest that are in one of `groups`, or of all when that is empty.
///
/// # Errors
/// Every variant of [`enum@Error`].
pub fn from_manifest(
    path: &Path,
    groups: &[String],
    cutter: &Cutter,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(Pool, Vec<Refused>), Error> {
    from_pairs((path, &pairs(path, groups)?), cutter, progress)
}

/// The crops of some [`pairs`] of the manifest at `path`.
///
/// # Errors
/// [`Error::NoCrops`] and [`Error::Threads`].
pub fn from_pairs(
    (path, pairs): (&Path, &[Pair]),
    cutter: &Cutter,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(Pool, Vec<Refused>), Error> {
    let done = AtomicU64::new(0);
    let report = || progress(done.fetch_add(1, Ordering::Relaxed) + 1);
    let origin = path.display().to_string();
    gather(cutter, (pairs.len() as u64, &origin), &report, |index| {
        let pair = &pairs[index as usize];
        let refused = |reason: String| Refused { id: pair.id.clone(), reason };
        let open = |path: &Path| Frame::open(path).map_err(|error| refused(error.to_string()));
        let (reference, test) = (open(&pair.reference)?, open(&pair.test)?);
        let boxes = pair.boxes.as_deref().unwrap_or_default();
        let crops = cutter.cut([&reference, &test], boxes).map_err(refused)?;
        Ok((crops, pair.group.clone().unwrap_or_default()))
    })
}

/// Refuses a pair without boxes that is not known to be sound: all its crops would count as sound.
fn check_boxes(path: &Path, pair: &Pair) -> Result<(), Error> {
    let found = match Labelled::of(pair) {
        Labelled::Conforming | Labelled::Boxed(_) => return Ok(()),
        Labelled::Nothing => "no label and no boxes".to_owned(),
        Labelled::Somewhere(faults) => format!("labelled {} without boxes", faults.join("|")),
        Labelled::Contradiction(boxes) => format!("labelled ok with {boxes} boxes"),
    };
    Err(Error::NoBoxes { path: path.to_owned(), pair: pair.id.clone(), found })
}

type Cut = Result<(Vec<CropPair>, String), Refused>;

fn gather(
    cutter: &Cutter,
    (count, origin): (u64, &str),
    progress: &(dyn Fn() + Sync),
    cut: impl Fn(u64) -> Cut + Sync,
) -> Result<(Pool, Vec<Refused>), Error> {
    // A pool of its own: training keeps the global one to one thread.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = ThreadPoolBuilder::new().num_threads(cores).build();
    let threads = threads.map_err(|error| Error::Threads { reason: error.to_string() })?;
    let mut pool = Pool::new(cutter.stored_side(), cutter.is_colour);
    let mut refused = Vec::new();
    for start in (0..count).step_by(CHUNK as usize) {
        let chunk = start..(start + CHUNK).min(count);
        let cut_one = |index| {
            let crops = cut(index);
            progress();
            crops
        };
        let cuts: Vec<Cut> = threads.install(|| chunk.into_par_iter().map(cut_one).collect());
        for cut in cuts {
            match cut {
                Ok((crops, group)) => pool.extend(crops, &group),
                Err(one) => refused.push(one),
            }
        }
    }
    if pool.is_empty() {
        let first = refused.into_iter().next();
        return Err(Error::NoCrops { origin: origin.to_owned(), pairs: count, first });
    }
    Ok((pool, refused))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn gathered(rows: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.csv");
        std::fs::write(&path, format!("pair_id,ref_path,test_path,{rows}")).unwrap();
        from_manifest(&path, &[], &Cutter::new(32, false), &|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn pairs_that_may_hide_a_fault_anywhere_are_refused_by_name() {
        for (rows, found) in [
            ("label\na,r,t,ok\nb,r,t,open|spur\n", "pair b: labelled open|spur without boxes"),
            ("label,boxes\na,r,t,,1 2 3 4 open\nb,r,t,open,\n", "pair b: labelled open without"),
            ("label\na,r,t,ok\nb,r,t,\n", "pair b: no label and no boxes"),
            ("group\nb,r,t,1\n", "pair b: no label and no boxes"),
            ("label,boxes\nb,r,t,ok,1 2 3 4 open\n", "pair b: labelled ok with 1 boxes"),
        ] {
            let message = gathered(rows);
            assert!(
                message.contains(found) && message.contains("give the pair boxes"),
                "{message}"
            );
        }
        // These are known; only their frames are missing.
        for rows in ["label\nb,r,t,ok\n", "boxes\na,r,t,1 2 3 4 open\nb,r,t,\n"] {
            assert!(gathered(rows).contains("gave no crop"), "{}", gathered(rows));
        }
    }
}

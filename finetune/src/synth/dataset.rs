use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use pairspec::files;
use pairspec::manifest::LabelledBox;

use super::encode;
use super::renderer::{RenderedPair, Renderer};

/// The name of the manifest in a folder of pairs.
pub const MANIFEST: &str = "manifest.csv";

/// The folder of the frames, below that of the manifest.
const FRAMES: &str = "frames";
/// Held back while pairs are written, so that a full disk still takes the manifest.
const RESERVE: &str = ".reserve";
/// A line of the manifest is shorter than this on average, bytes.
const LINE_BYTES: u64 = 1536;

/// Why pairs could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder has something in it.
    #[error("{}: not empty; name a new or an empty folder, nothing is overwritten", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The operating system refused before any pair was made.
    #[error(transparent)]
    Start(#[from] files::Error),
    /// Writing stopped on the way.
    #[error(
        "{}: cannot write: {reason}; {done} of {wanted} pairs are complete and listed in {}",
        path.display(),
        manifest.display()
    )]
    Stopped {
        /// The file that could not be written.
        path: PathBuf,
        /// What the system said.
        reason: String,
        /// Pairs that are complete.
        done: u64,
        /// Pairs asked for.
        wanted: u64,
        /// The manifest that lists them.
        manifest: PathBuf,
    },
    /// Not even the manifest of what was made could be written.
    #[error("{source}; {done} pairs are complete, but no manifest lists them")]
    Manifest {
        /// Pairs that are complete.
        done: u64,
        /// Why.
        source: files::Error,
    },
}

/// Renders `count` pairs into a new or empty folder and writes their manifest; gives its path.
///
/// `progress` is called after each pair, from any thread.
///
/// # Errors
/// Every variant of [`enum@Error`]; with [`Error::Stopped`] what was made before is kept and listed.
pub fn write(
    renderer: &Renderer,
    count: u64,
    folder: &Path,
    progress: &(dyn Fn() + Sync),
) -> Result<PathBuf, Error> {
    write_through(renderer, count, folder, (progress, &|path, bytes| fs::write(path, bytes)))
}

type Save<'a> = &'a (dyn Fn(&Path, &[u8]) -> io::Result<()> + Sync);

fn write_through(
    renderer: &Renderer,
    count: u64,
    folder: &Path,
    (progress, save): (&(dyn Fn() + Sync), Save<'_>),
) -> Result<PathBuf, Error> {
    check_empty(folder)?;
    prepare(folder, count)?;
    let run = Run {
        renderer,
        count,
        folder,
        save,
        next: AtomicU64::new(0),
        stopped: AtomicBool::new(false),
        rows: Mutex::default(),
        failure: Mutex::default(),
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads.min(count as usize) {
            scope.spawn(|| run.work(progress));
        }
    });
    run.finish()
}

/// Makes the folders and sets space aside.
fn prepare(folder: &Path, count: u64) -> Result<(), files::Error> {
    let frames = folder.join(FRAMES);
    fs::create_dir_all(&frames).map_err(files::Error::io(&frames, "create"))?;
    let reserve = folder.join(RESERVE);
    let mut file = File::create(&reserve).map_err(files::Error::io(&reserve, "create"))?;
    let mut zeros = io::Read::take(io::repeat(0), LINE_BYTES * (count + 64));
    io::copy(&mut zeros, &mut file).map_err(files::Error::io(&reserve, "write"))?;
    Ok(())
}

/// Refuses a folder that holds anything.
fn check_empty(folder: &Path) -> Result<(), Error> {
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            Some(_) => Err(Error::NotEmpty { path: folder.to_owned() }),
            None => Ok(()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(files::Error::io(folder, "read")(error).into()),
    }
}

struct Run<'a> {
    renderer: &'a Renderer,
    count: u64,
    folder: &'a Path,
    save: Save<'a>,
    next: AtomicU64,
    stopped: AtomicBool,
    rows: Mutex<BTreeMap<u64, [String; 12]>>,
    failure: Mutex<Option<(PathBuf, String)>>,
}

impl Run<'_> {
    fn work(&self, progress: &(dyn Fn() + Sync)) {
        while !self.stopped.load(Ordering::Relaxed) {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= self.count {
                return;
            }
            let pair = self.renderer.pair(index);
            match self.save_pair(index, &pair) {
                Ok(row) => {
                    self.rows.lock().unwrap_or_else(PoisonError::into_inner).insert(index, row);
                    progress();
                }
                Err(failure) => {
                    self.stopped.store(true, Ordering::Relaxed);
                    let mut first = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                    first.get_or_insert(failure);
                }
            }
        }
    }

    fn save_pair(
        &self,
        index: u64,
        pair: &RenderedPair,
    ) -> Result<[String; 12], (PathBuf, String)> {
        let digits = self.count.saturating_sub(1).to_string().len().max(6);
        let names = ["ref", "test"].map(|role| format!("{FRAMES}/{index:0digits$}_{role}.png"));
        for (done, frame) in [&pair.reference, &pair.test].into_iter().enumerate() {
            let path = self.folder.join(&names[done]);
            let failed = |reason: String| {
                // Half a pair is of no use, and a full disk needs the room.
                names.iter().for_each(|name| drop(fs::remove_file(self.folder.join(name))));
                (path.clone(), reason)
            };
            let bytes = encode::png(frame).map_err(|error| failed(error.to_string()))?;
            (self.save)(&path, &bytes).map_err(|error| failed(error.to_string()))?;
        }
        let [reference, test] = names;
        Ok([
            format!("{index:0digits$}"),
            "synth".to_owned(),
            pair.group.clone(),
            reference,
            test,
            pair.test.width().to_string(),
            pair.test.height().to_string(),
            pair.boxes.len().to_string(),
            label(&pair.boxes),
            boxes(&pair.boxes),
            pair.captions[0].clone(),
            pair.captions[1].clone(),
        ])
    }

    fn finish(self) -> Result<PathBuf, Error> {
        let rows = self.rows.into_inner().unwrap_or_else(PoisonError::into_inner);
        let failure = self.failure.into_inner().unwrap_or_else(PoisonError::into_inner);
        let done = rows.len() as u64;
        let reserve = self.folder.join(RESERVE);
        let manifest = self.folder.join(MANIFEST);
        fs::remove_file(&reserve)
            .map_err(files::Error::io(&reserve, "remove"))
            .and_then(|()| write_manifest(&manifest, rows.into_values()))
            .map_err(|source| Error::Manifest { done, source })?;
        match failure {
            None => Ok(manifest),
            Some((path, reason)) => {
                Err(Error::Stopped { path, reason, done, wanted: self.count, manifest })
            }
        }
    }
}

fn write_manifest(
    path: &Path,
    rows: impl Iterator<Item = [String; 12]>,
) -> Result<(), files::Error> {
    const COLUMNS: [&str; 12] = [
        "pair_id",
        "split",
        "group",
        "ref_path",
        "test_path",
        "width",
        "height",
        "n_boxes",
        "label",
        "boxes",
        "ref_caption",
        "test_caption",
    ];
    files::write_with(path, |out| {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(COLUMNS)?;
        for row in rows {
            writer.write_record(&row)?;
        }
        writer.flush()
    })
}

/// `ok`, or the classes, each once.
fn label(boxes: &[LabelledBox]) -> String {
    let mut classes: Vec<&str> = boxes.iter().map(|labelled| labelled.class.as_str()).collect();
    classes.sort_unstable();
    classes.dedup();
    if classes.is_empty() { "ok".to_owned() } else { classes.join("|") }
}

/// `x1 y1 x2 y2 class|...`.
fn boxes(boxes: &[LabelledBox]) -> String {
    let one = |labelled: &LabelledBox| {
        let rect = labelled.rect;
        format!("{} {} {} {} {}", rect.x, rect.y, rect.right(), rect.bottom(), labelled.class)
    };
    boxes.iter().map(one).collect::<Vec<_>>().join("|")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use pairspec::frame::Frame;
    use pairspec::manifest::{self, Label};

    use super::*;
    use crate::synth::Config;

    fn renderer() -> Renderer {
        Renderer::new(3, Config { size: 128, conforming_share: 0.4, ..Config::default() }).unwrap()
    }

    #[test]
    fn what_is_written_reads_back_as_what_was_rendered() {
        let folder = tempfile::tempdir().unwrap();
        let done = AtomicUsize::new(0);
        let count = || {
            done.fetch_add(1, Ordering::Relaxed);
        };
        let path = write(&renderer(), 6, folder.path(), &count).unwrap();
        assert_eq!(done.into_inner(), 6);
        let pairs = manifest::open(&path).unwrap();
        assert_eq!(pairs.len(), 6);
        for (index, pair) in pairs.iter().enumerate() {
            let rendered = renderer().pair(index as u64);
            assert_eq!(pair.boxes.as_ref().unwrap(), &rendered.boxes);
            assert_eq!(pair.group.as_ref().unwrap(), &rendered.group);
            let conforms = matches!(pair.label, Some(Label::Conforming));
            assert_eq!(conforms, rendered.boxes.is_empty());
            let test = Frame::open(&pair.test).unwrap();
            assert_eq!(test.luma().as_raw(), rendered.test.luma().as_raw());
            let reference = Frame::open(&pair.reference).unwrap();
            assert_eq!(reference.luma().as_raw(), rendered.reference.luma().as_raw());
        }
        assert!(!folder.path().join(RESERVE).exists());
    }

    #[test]
    fn a_folder_with_something_in_it_is_refused_untouched() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("kept"), "").unwrap();
        let error = write(&renderer(), 1, folder.path(), &|| ()).unwrap_err();
        assert!(error.to_string().contains("not empty"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_disk_that_fills_keeps_and_lists_the_pairs_before() {
        for limit in [0, 1, 5, 8] {
            let folder = tempfile::tempdir().unwrap();
            let calls = AtomicUsize::new(0);
            let save = |path: &Path, bytes: &[u8]| {
                if calls.fetch_add(1, Ordering::Relaxed) < limit {
                    return fs::write(path, bytes);
                }
                fs::write(path, &bytes[..bytes.len() / 2])?;
                Err(io::Error::from(io::ErrorKind::StorageFull))
            };
            let error = write_through(&renderer(), 8, folder.path(), (&|| (), &save)).unwrap_err();
            let Error::Stopped { done, manifest, .. } = &error else { panic!("{error}") };
            assert!(error.to_string().contains("no storage space"), "{error}");
            let frames = fs::read_dir(folder.path().join(FRAMES)).unwrap().count();
            assert_eq!(frames as u64, 2 * done, "no half pair stays");
            if *done > 0 {
                let pairs = manifest::open(manifest).unwrap();
                assert_eq!(pairs.len() as u64, *done);
                assert!(pairs.iter().all(|pair| Frame::open(&pair.test).is_ok()));
            }
        }
    }
}

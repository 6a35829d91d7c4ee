use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use std::{fs, io};

use rusqlite::Connection;

use super::record::{Entry, Evidence, Image, Record};
use super::retention::{AT_ONCE, Tidier};
use super::shared::{Message, Queue};
use super::supervise::caught;
use crate::files;
use crate::frame::{Frame, Pixels};
use crate::verdict::Verdict;

/// Written and deleted to see whether images can be written again.
const PROBE: &str = ".probe";
/// Parts whose images share a folder.
const PARTS_PER_FOLDER: u64 = 1_000;

/// Which frame of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// What the part was compared with.
    Reference,
    /// The part.
    Test,
}

/// Which parts' images are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvidenceShare {
    /// One in so many conforming parts; none of them without. All others are always kept.
    pub conforming_one_in: Option<NonZeroU32>,
}

/// The frames of one part, to be written.
pub(super) struct Job {
    pub(super) number: u64,
    pub(super) failure: bool,
    pub(super) frames: Vec<(Role, Arc<Frame>)>,
    /// What the frames hold.
    pub(super) bytes: u64,
}

/// The thread that encodes and writes images, and deletes old ones.
pub(super) struct Keeper {
    pub(super) folder: PathBuf,
    pub(super) jobs: Receiver<Job>,
    pub(super) queue: Queue,
    pub(super) tidier: Tidier,
    /// How often old images are looked for.
    pub(super) every: Duration,
}

impl EvidenceShare {
    /// Whether the images of a part are kept: the same answer for the same number always.
    ///
    /// The number is mixed first (splitmix64, Steele et al. 2014), so that a machine that makes
    /// every eighth part in the same mould has all of its moulds sampled.
    pub fn keeps(&self, number: u64, verdict: Verdict) -> bool {
        if verdict != Verdict::Conforming {
            return true;
        }
        let Some(one_in) = self.conforming_one_in else { return false };
        let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31).is_multiple_of(u64::from(one_in.get()))
    }
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Test => "test",
        }
    }
}

impl Job {
    /// What a frame holds in memory.
    pub(super) fn bytes_of(frames: &[(Role, Arc<Frame>)]) -> u64 {
        frames.iter().map(|(_, frame)| raw(frame).len() as u64).sum()
    }
}

impl Keeper {
    /// Works until nobody can send jobs any more.
    pub(super) fn run(mut self) {
        let mut next_look = Instant::now() + self.every;
        loop {
            match self.jobs.recv_timeout(next_look.saturating_duration_since(Instant::now())) {
                Ok(job) => self.keep(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if Instant::now() >= next_look {
                self.look_after_fault();
                let is_more = caught(|| self.tidy()).unwrap_or_else(|reason| {
                    log::error!("journal: retention: {reason}");
                    self.queue.shared.health().restarts += 1;
                    false
                });
                next_look = Instant::now() + if is_more { self.every / 10 } else { self.every };
            }
        }
    }

    /// What panics on the way is an image that was lost; the thread goes on.
    fn keep(&self, job: Job) {
        let (number, failure, bytes) = (job.number, job.failure, job.bytes);
        let written = caught(|| {
            #[cfg(test)]
            super::test_panics::visit(&self.folder, super::test_panics::Place::Image);
            write(&self.folder, &job)
        });
        let shared = &self.queue.shared;
        let evidence = written.unwrap_or_else(|reason| {
            log::error!("journal: images of part {number}: {reason}");
            shared.health().restarts += 1;
            Evidence { number, failure, images: Vec::new(), lost: Some(reason), recovered: false }
        });
        {
            let mut health = shared.health();
            health.image_fault.clone_from(&evidence.lost);
            health.parts_without_images += u64::from(evidence.lost.is_some());
        }
        self.queue.append(Entry::now(Record::Evidence(evidence)));
        shared.job_bytes.fetch_sub(bytes, Ordering::AcqRel);
        shared.jobs.fetch_sub(1, Ordering::AcqRel);
    }

    /// The next image may be hours away: a file that can be written says that images can be again.
    fn look_after_fault(&self) {
        if self.queue.shared.health().image_fault.is_none() {
            return;
        }
        let path = self.folder.join(PROBE);
        if files::write(&path, &[0; 4_096]).is_ok() && fs::remove_file(&path).is_ok() {
            self.queue.shared.health().image_fault = None;
        }
    }

    /// Whether there is more to delete.
    fn tidy(&mut self) -> bool {
        let removal = self.tidier.remove(&self.folder);
        let is_more = removal.names.len() >= AT_ONCE;
        if let Some(event) = removal.event() {
            self.queue.append(Entry::now(event));
            // When the queue is full they stay on the list, and are found missing next time.
            let _ = self.queue.sender.try_send(Message::Removed(removal.names));
        }
        let _ = self.queue.sender.try_send(Message::Tidy);
        is_more
    }
}

fn write(folder: &Path, job: &Job) -> Evidence {
    let mut evidence = Evidence {
        number: job.number,
        failure: job.failure,
        images: Vec::new(),
        lost: None,
        recovered: false,
    };
    for (role, frame) in &job.frames {
        match write_image(folder, &name_of(job.number, *role), frame) {
            Ok(image) => evidence.images.push(image),
            Err(error) => evidence.lost = Some(error.to_string()),
        }
    }
    evidence
}

fn write_image(folder: &Path, name: &str, frame: &Frame) -> Result<Image, files::Error> {
    let path = folder.join(name);
    let encoded = frame.to_png().map_err(io::Error::other);
    let content = encoded.map_err(files::Error::io(&path, "encode"))?;
    files::write(&path, &content)?;
    let (sha256, bytes) = (files::sha256(&content), content.len() as u64);
    Ok(Image { name: name.to_owned(), sha256, bytes })
}

fn raw(frame: &Frame) -> &[u8] {
    match frame.pixels() {
        Pixels::Gray(image) => image.as_raw(),
        Pixels::Rgb(image) => image.as_raw(),
    }
}

/// The path of an image below the folder of images.
fn name_of(number: u64, role: Role) -> String {
    format!("{:06}/{number:09}-{}.png", number / PARTS_PER_FOLDER, role.name())
}

/// Images of parts from `from` on that were written and have no record: a crash came between.
///
/// Each becomes evidence that was recovered.
pub(super) fn orphans(folder: &Path, connection: &Connection, from: u64) -> Vec<Entry> {
    let is_listed = |name: &str| {
        let query = "SELECT COUNT(*) FROM images WHERE name = ?1";
        connection.query_row(query, [name], |row| row.get::<_, u64>(0)).is_ok_and(|count| count > 0)
    };
    let first = from.saturating_sub(PARTS_PER_FOLDER) / PARTS_PER_FOLDER;
    let folders = names_in(folder).into_iter().filter(|name| number_of(name) >= Some(first));
    let mut found = Vec::new();
    for sub in folders {
        for file in names_in(&folder.join(&sub)) {
            let path = folder.join(&sub).join(&file);
            let name = format!("{sub}/{file}");
            match number_of(&file) {
                Some(number) if file.ends_with(".png") && !is_listed(&name) => {
                    found.extend(recovered(&path, name, number));
                }
                // What a write that was cut short leaves.
                None if file.starts_with(".pairspec-") => drop(fs::remove_file(&path)),
                _ => {}
            }
        }
    }
    found
}

fn recovered(path: &Path, name: String, number: u64) -> Option<Entry> {
    let sha256 = files::sha256_of(path).ok()?;
    let bytes = fs::metadata(path).ok()?.len();
    let images = vec![Image { name, sha256, bytes }];
    let evidence = Evidence { number, failure: true, images, lost: None, recovered: true };
    Some(Entry::now(Record::Evidence(evidence)))
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// The number that a name begins with.
fn number_of(name: &str) -> Option<u64> {
    let digits = name.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn images_are_lossless() {
        let folder = tempfile::tempdir().unwrap();
        let rgb = image::RgbImage::from_fn(33, 17, |x, y| {
            image::Rgb([(x * 7) as u8, (y * 13) as u8, (x ^ y) as u8])
        });
        let gray = image::GrayImage::from_fn(5, 9, |x, y| image::Luma([(x * 50 + y) as u8]));
        for pixels in [Pixels::Rgb(rgb), Pixels::Gray(gray)] {
            let frame = Frame::new(pixels, 8, "camera").unwrap();
            let image = write_image(folder.path(), "000000/1-test.png", &frame).unwrap();
            let path = folder.path().join(&image.name);
            assert_eq!(files::sha256_of(&path).unwrap(), image.sha256);
            assert_eq!(fs::metadata(&path).unwrap().len(), image.bytes);
            assert_eq!(raw(&Frame::open(&path).unwrap()), raw(&frame));
        }
    }

    #[test]
    fn every_failure_and_the_share_of_passes_is_kept() {
        let share = EvidenceShare { conforming_one_in: NonZeroU32::new(10) };
        let kept = |verdict| (0..10_000).filter(|it| share.keeps(*it, verdict)).count();
        assert_eq!(kept(Verdict::Mismatch), 10_000);
        assert_eq!(kept(Verdict::NotInspected), 10_000);
        assert!((900..1_100).contains(&kept(Verdict::Conforming)));
        // Parts from one of ten moulds are kept as often as others.
        let of_mould = (0..10_000).step_by(10);
        let kept = of_mould.filter(|it| share.keeps(*it, Verdict::Conforming)).count();
        assert!((60..140).contains(&kept), "{kept}");
        let none = EvidenceShare { conforming_one_in: None };
        assert!(!(0..1_000).any(|it| none.keeps(it, Verdict::Conforming)));
    }
}

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use pairspec::files;
use pairspec::frame::{Frame, Rect};
use pairspec::manifest::LabelledBox;

use super::images::Given;
use crate::crops::{self, Cutter};
use crate::describe::Difference;

/// What one opening of files gives: a frame, or crops of a pair.
pub(super) enum Picture<'a> {
    Frame { key: &'a str, name: &'a str },
    Crops { names: [&'a str; 2], boxes: BTreeMap<[u32; 4], &'a [String; 2]> },
}

impl Picture<'_> {
    /// Images that come of it.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Frame { .. } => 1,
            Self::Crops { boxes, .. } => 2 * boxes.len(),
        }
    }
}

/// Which images sentences are about, told apart by content.
pub(super) struct Pictures<'a> {
    given: &'a Given<'a>,
    cutter: &'a Cutter,
    /// By sentence, of its reference and its test image.
    keys: Vec<[String; 2]>,
}

impl<'a> Pictures<'a> {
    /// Reads every image file once, so that one that is missing is named before any is embedded.
    pub(super) fn new(given: &'a Given<'a>, cutter: &'a Cutter) -> anyhow::Result<Self> {
        let mut sums: HashMap<&str, String> = HashMap::new();
        for name in given.sentences.iter().flat_map(|one| [&one.reference, &one.test]).flatten() {
            if !sums.contains_key(name.as_str()) {
                sums.insert(name, files::sha256_of(&path(given, name)?)?);
            }
        }
        let keys = given.sentences.iter().enumerate().map(|(index, one)| {
            let [reference, test] = names(one).ok_or_else(|| {
                anyhow::anyhow!(
                    "{}, sentence {}: names no images; make it again with this version's `describe`",
                    given.tuning.differences.display(),
                    index + 1
                )
            })?;
            let [reference, test] = [reference, test].map(|name| sums[name].clone());
            Ok(match one.bounds {
                None => [reference, test],
                Some(bounds) => [0, 1].map(|which| {
                    let crop =
                        format!("{reference} {test} {bounds:?} {which} {}", cutter.stored_side());
                    files::sha256(crop.as_bytes())
                }),
            })
        });
        let keys = keys.collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Self { given, cutter, keys })
    }

    /// By sentence, the keys of its reference and its test image.
    pub(super) fn keys(&self) -> &[[String; 2]] {
        &self.keys
    }

    /// Names and keys of the whole frames that sentences are about, some more than once.
    pub(super) fn frames(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.given.sentences.iter().zip(&self.keys);
        let whole = all.filter(|(one, _)| one.bounds.is_none());
        whole.flat_map(|(one, keys)| {
            names(one).into_iter().flatten().zip(keys.iter().map(String::as_str))
        })
    }

    /// A sum over everything that is looked at.
    pub(super) fn sum(&self) -> String {
        files::sha256(self.keys.iter().flatten().cloned().collect::<Vec<_>>().join("\n").as_bytes())
    }

    /// What is to be opened for the keys that are wanted, each once.
    pub(super) fn distinct(&self, is_wanted: &dyn Fn(&str) -> bool) -> Vec<Picture<'_>> {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut frames = Vec::new();
        let mut crops: BTreeMap<[&str; 2], BTreeMap<[u32; 4], &[String; 2]>> = BTreeMap::new();
        for (one, keys) in self.given.sentences.iter().zip(&self.keys) {
            let Some(names) = names(one) else { continue };
            match one.bounds {
                Some(bounds) if is_wanted(&keys[0]) || is_wanted(&keys[1]) => {
                    crops.entry(names).or_default().insert(bounds, keys);
                }
                Some(_) => {}
                None => {
                    for (name, key) in names.into_iter().zip(keys) {
                        if is_wanted(key) && seen.insert(key) {
                            frames.push(Picture::Frame { key, name });
                        }
                    }
                }
            }
        }
        let crops = crops.into_iter().map(|(names, boxes)| Picture::Crops { names, boxes });
        frames.into_iter().chain(crops).collect()
    }

    /// Frames by their keys; none for boxes where inspection would not look.
    pub(super) fn open(&self, picture: &Picture<'_>) -> anyhow::Result<Vec<(String, Frame)>> {
        let open = |name: &str| anyhow::Ok(Frame::open(&path(self.given, name)?)?);
        match picture {
            Picture::Frame { key, name } => Ok(vec![((*key).to_owned(), open(name)?)]),
            Picture::Crops { names, boxes } => {
                let (reference, test) = (open(names[0])?, open(names[1])?);
                match self.cut([&reference, &test], boxes) {
                    Ok(cut) => Ok(cut),
                    Err(reason) => {
                        log::warn!("{} and {}: {reason}", names[0], names[1]);
                        Ok(Vec::new())
                    }
                }
            }
        }
    }

    /// The crop of each box, cut as for `train tune`; of several in a box the first.
    fn cut(
        &self,
        frames: [&Frame; 2],
        boxes: &BTreeMap<[u32; 4], &[String; 2]>,
    ) -> Result<Vec<(String, Frame)>, String> {
        let labelled = |(index, [left, top, right, bottom]): (usize, &[u32; 4])| LabelledBox {
            rect: Rect::new(*left, *top, right.saturating_sub(*left), bottom.saturating_sub(*top)),
            // The class says which box a crop is of.
            class: index.to_string(),
        };
        let labels: Vec<LabelledBox> = boxes.keys().enumerate().map(labelled).collect();
        let keys: Vec<&[String; 2]> = boxes.values().copied().collect();
        let mut found: BTreeMap<String, Frame> = BTreeMap::new();
        for crop in self.cutter.cut(frames, &labels)? {
            let index = crop.class.as_ref().and_then(|class| class.parse::<usize>().ok());
            let Some(keys) = index.and_then(|index| keys.get(index)) else { continue };
            for (which, key) in keys.iter().enumerate() {
                let frame = crops::frame(&crop, which, (self.cutter.stored_side(), 3));
                if let Some(frame) = frame.filter(|_| !found.contains_key(key)) {
                    found.insert(key.clone(), frame);
                }
            }
        }
        Ok(found.into_iter().collect())
    }
}

fn names(one: &Difference) -> Option<[&str; 2]> {
    Some([one.reference.as_deref()?, one.test.as_deref()?])
}

fn path(given: &Given<'_>, name: &str) -> anyhow::Result<PathBuf> {
    let folder: &Path = &given.tuning.images;
    Ok(files::join_below(folder, name)?)
}

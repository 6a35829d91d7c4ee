use std::collections::HashMap;
use std::path::{Path, PathBuf};

use pairspec::files;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};

/// The same place of a reference and a test frame.
#[derive(Debug, Clone, PartialEq)]
pub struct CropPair {
    /// Reference, then test: rows of one or three bytes a pixel, margins included.
    pub pixels: [Vec<u8>; 2],
    /// The class of the fault there; `None` where the frames show the same.
    pub class: Option<String>,
    /// The middle of what differs, without margins: across and down, 0 to 1.
    pub centre: [f32; 2],
    /// Index into [`Pool::groups`].
    pub group: u32,
}

/// Why a pool file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// Reading or writing failed.
    #[error(transparent)]
    File(#[from] files::Error),
    /// The content is not what [`Pool::write`] writes.
    #[error("{}: {found}; remove it, it is made again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        found: String,
    },
}

/// Crops in a fixed order.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    side: u32,
    channels: usize,
    groups: Vec<String>,
    crops: Vec<CropPair>,
}

impl Pool {
    /// An empty pool of square crops of `side` pixels.
    pub fn new(side: u32, is_colour: bool) -> Self {
        let channels = if is_colour { 3 } else { 1 };
        Self { side, channels, groups: Vec::new(), crops: Vec::new() }
    }

    /// Side of a crop with its margins, pixels.
    pub fn side(&self) -> u32 {
        self.side
    }

    /// Bytes a pixel: 1 or 3.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The groups that crops came from.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// All crops.
    pub fn crops(&self) -> &[CropPair] {
        &self.crops
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.crops.is_empty()
    }

    /// Adds the crops of one pair.
    pub fn extend(&mut self, crops: Vec<CropPair>, group: &str) {
        let known = self.groups.iter().position(|one| one == group);
        let group = known.unwrap_or_else(|| {
            self.groups.push(group.to_owned());
            self.groups.len() - 1
        }) as u32;
        self.crops.extend(crops.into_iter().map(|crop| CropPair { group, ..crop }));
    }

    /// Takes every `nth` crop out: those left, and those taken.
    pub fn split(self, nth: usize) -> (Self, Self) {
        let Self { side, channels, groups, crops } = self;
        let (mut left, mut taken) = (Vec::new(), Vec::new());
        for (index, crop) in crops.into_iter().enumerate() {
            if index % nth.max(1) == 0 { taken.push(crop) } else { left.push(crop) }
        }
        let pool = |crops| Self { side, channels, groups: groups.clone(), crops };
        (pool(left), pool(taken))
    }

    /// The classes that occur, in alphabetical order.
    pub fn classes(&self) -> Vec<String> {
        let mut classes: Vec<String> =
            self.crops.iter().filter_map(|crop| crop.class.clone()).collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    }

    /// Writes everything into one safetensors file: `pixels` u8 `[N, 2, side, side, channels]`,
    /// `class` i32 `[N]` (-1 for none), `centre` f32 `[N, 2]`, `group` u32 `[N]`.
    ///
    /// # Errors
    /// [`PoolError::File`].
    pub fn write(&self, path: &Path, made_of: &str) -> Result<(), PoolError> {
        let classes = self.classes();
        let index = |class: &Option<String>| {
            let found = class.as_ref().and_then(|class| classes.binary_search(class).ok());
            found.map_or(-1, |index| index as i32)
        };
        let pixels: Vec<u8> =
            self.crops.iter().flat_map(|crop| crop.pixels.iter().flatten()).copied().collect();
        let bytes =
            |values: &mut dyn Iterator<Item = [u8; 4]>| values.flatten().collect::<Vec<u8>>();
        let class = bytes(&mut self.crops.iter().map(|crop| index(&crop.class).to_le_bytes()));
        let centre =
            bytes(&mut self.crops.iter().flat_map(|crop| crop.centre).map(f32::to_le_bytes));
        let group = bytes(&mut self.crops.iter().map(|crop| crop.group.to_le_bytes()));
        let (n, side) = (self.crops.len(), self.side as usize);
        let damaged = |error: safetensors::SafeTensorError| damaged(path, error.to_string());
        let view = |dtype, shape, data| TensorView::new(dtype, shape, data).map_err(damaged);
        let tensors = [
            ("pixels", view(Dtype::U8, vec![n, 2, side, side, self.channels], &pixels)?),
            ("class", view(Dtype::I32, vec![n], &class)?),
            ("centre", view(Dtype::F32, vec![n, 2], &centre)?),
            ("group", view(Dtype::U32, vec![n], &group)?),
        ];
        let metadata = HashMap::from([
            ("classes".to_owned(), classes.join("\n")),
            ("groups".to_owned(), self.groups.join("\n")),
            ("made_of".to_owned(), made_of.to_owned()),
        ]);
        let content = serialize(tensors, Some(metadata)).map_err(damaged)?;
        Ok(files::write(path, &content)?)
    }

    /// Reads what [`Pool::write`] wrote; `None` when it was made of something else.
    ///
    /// # Errors
    /// Every variant of [`PoolError`].
    pub fn read(path: &Path, made_of: &str) -> Result<Option<Self>, PoolError> {
        let content = std::fs::read(path).map_err(files::Error::io(path, "read"))?;
        Self::parse(&content, made_of).map_err(|found| damaged(path, found))
    }

    fn parse(content: &[u8], made_of: &str) -> Result<Option<Self>, String> {
        let text = |error: safetensors::SafeTensorError| error.to_string();
        let (_, header) = SafeTensors::read_metadata(content).map_err(text)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let entry = |name: &str| metadata.get(name).ok_or(format!("no {name} in the header"));
        if entry("made_of")? != made_of {
            return Ok(None);
        }
        let lines = |name: &str| Ok::<_, String>(entry(name)?.lines().map(str::to_owned).collect());
        let (classes, groups): (Vec<String>, Vec<String>) = (lines("classes")?, lines("groups")?);
        let tensors = SafeTensors::deserialize(content).map_err(text)?;
        let tensor = |name: &str| tensors.tensor(name).map_err(text);
        let pixels = tensor("pixels")?;
        let &[n, 2, side, _, channels] = pixels.shape() else {
            return Err(format!("pixels of shape {:?}, expected [N, 2, S, S, C]", pixels.shape()));
        };
        let (class, centre, group) = (tensor("class")?, tensor("centre")?, tensor("group")?);
        let lengths = [class.data().len() / 4, centre.data().len() / 8, group.data().len() / 4];
        if lengths != [n; 3] {
            return Err(format!("{lengths:?} labels for {n} crops"));
        }
        let word = |data: &[u8], i: usize| [0, 1, 2, 3].map(|k| data[4 * i + k]);
        let size = side * side * channels;
        let mut crops = Vec::with_capacity(n);
        for i in 0..n {
            let at = |which: usize| pixels.data()[(2 * i + which) * size..][..size].to_vec();
            let class = i32::from_le_bytes(word(class.data(), i));
            let known = usize::try_from(class).ok().map(|class| classes.get(class).cloned());
            crops.push(CropPair {
                pixels: [at(0), at(1)],
                class: known.map(|class| class.ok_or("class without a name")).transpose()?,
                centre: [0, 1].map(|k| f32::from_le_bytes(word(centre.data(), 2 * i + k))),
                group: u32::from_le_bytes(word(group.data(), i)),
            });
        }
        Ok(Some(Self { side: side as u32, channels, groups, crops }))
    }
}

fn damaged(path: &Path, found: String) -> PoolError {
    PoolError::Damaged { path: path.to_owned(), found }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn pool() -> Pool {
        let mut pool = Pool::new(2, false);
        let crop = |class: Option<&str>, value| CropPair {
            pixels: [vec![value; 4], vec![value + 1; 4]],
            class: class.map(str::to_owned),
            centre: [0.25, 0.75],
            group: 0,
        };
        pool.extend(vec![crop(Some("open"), 3), crop(None, 9)], "fine");
        pool.extend(vec![crop(Some("copper"), 7)], "coarse");
        pool
    }

    #[test]
    fn a_pool_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("crops.safetensors");
        pool().write(&path, "seed 1").unwrap();
        assert_eq!(Pool::read(&path, "seed 1").unwrap(), Some(pool()));
        assert_eq!(Pool::read(&path, "seed 2").unwrap(), None);
    }

    #[test]
    fn a_cut_pool_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("crops.safetensors");
        pool().write(&path, "seed 1").unwrap();
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let error = Pool::read(&path, "seed 1").unwrap_err();
            assert!(error.to_string().contains("crops.safetensors"), "{error}");
        }
    }
}

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::safetensors::load_buffer;
use candle_core::{Device, Tensor};
use pairspec::files;
use safetensors::{SafeTensors, serialize};

/// Embeddings of the images, kept in the output folder.
const FILE: &str = "images.safetensors";
/// So many new rows are written at once, and an eighth of what is there in large sets: the file is
/// written whole each time.
const ROWS: usize = 256;
const SHARE: usize = 8;

/// Unit embeddings by what they are of, in a file that a kill leaves whole.
pub(super) struct Cache {
    path: PathBuf,
    /// The image tower that made them.
    made_by: String,
    pub(super) rows: HashMap<String, Vec<f32>>,
    /// Rows that the file does not have yet.
    new: usize,
}

impl Cache {
    /// What an earlier run with the same image tower left; empty when the file is missing, damaged or
    /// another tower's: it is made again.
    pub(super) fn open(folder: &Path, made_by: &str) -> Self {
        let path = folder.join(FILE);
        let rows = read(&path, made_by).unwrap_or_default();
        Self { path, made_by: made_by.to_owned(), rows, new: 0 }
    }

    /// Adds rows, and writes the file when there are many new ones.
    pub(super) fn add(
        &mut self,
        rows: impl Iterator<Item = (String, Vec<f32>)>,
    ) -> anyhow::Result<()> {
        let before = self.rows.len();
        self.rows.extend(rows);
        self.new += self.rows.len() - before;
        if self.new >= ROWS.max(self.rows.len() / SHARE) { self.flush() } else { Ok(()) }
    }

    /// Writes the file if there is anything new.
    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        if self.new == 0 {
            return Ok(());
        }
        let mut keys: Vec<&String> = self.rows.keys().collect();
        keys.sort_unstable();
        let values: Vec<f32> = keys.iter().flat_map(|key| self.rows[*key].clone()).collect();
        let tensor = Tensor::from_vec(
            values.clone(),
            (keys.len(), values.len() / keys.len()),
            &Device::Cpu,
        )?;
        let header = HashMap::from([
            ("made_by".to_owned(), self.made_by.clone()),
            ("keys".to_owned(), keys.iter().map(|key| format!("{key}\n")).collect()),
        ]);
        files::write(&self.path, &serialize([("embeddings", tensor)], Some(header))?)?;
        self.new = 0;
        Ok(())
    }
}

fn read(path: &Path, made_by: &str) -> Option<HashMap<String, Vec<f32>>> {
    let content = std::fs::read(path).ok()?;
    let (_, header) = SafeTensors::read_metadata(&content).ok()?;
    let header = header.metadata().as_ref()?;
    if header.get("made_by")? != made_by {
        return None;
    }
    let tensors = load_buffer(&content, &Device::Cpu).ok()?;
    let rows: Vec<Vec<f32>> = tensors.get("embeddings")?.to_vec2().ok()?;
    let keys: Vec<String> = header.get("keys")?.lines().map(str::to_owned).collect();
    (keys.len() == rows.len()).then(|| keys.into_iter().zip(rows).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rows(range: std::ops::Range<usize>) -> impl Iterator<Item = (String, Vec<f32>)> {
        range.map(|index| (format!("key {index}"), vec![index as f32, 0.5]))
    }

    #[test]
    fn many_rows_are_on_the_disk_before_the_run_ends() {
        let folder = tempfile::tempdir().unwrap();
        let mut cache = Cache::open(folder.path(), "tower");
        cache.add(rows(0..ROWS - 1)).unwrap();
        assert!(Cache::open(folder.path(), "tower").rows.is_empty());
        cache.add(rows(ROWS - 2..ROWS)).unwrap();
        let kept = Cache::open(folder.path(), "tower").rows;
        assert_eq!(kept, rows(0..ROWS).collect());
        assert!(Cache::open(folder.path(), "another tower").rows.is_empty());
        std::fs::write(folder.path().join(FILE), "garbage").unwrap();
        assert!(Cache::open(folder.path(), "tower").rows.is_empty());
    }
}

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use super::{Error, WeightSource};
use crate::files;

/// The format's own bound on its header.
const MAX_HEADER_BYTES: u64 = 100_000_000;
const MAX_INDEX_BYTES: u64 = 64 << 20;
const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// The weights of a Hugging Face directory: one safetensors file, or several behind an index.
///
/// Only headers are held; tensors are read when asked for.
#[derive(Debug)]
pub struct Checkpoint {
    origin: String,
    shards: Vec<Shard>,
    /// Tensor name to shard number.
    tensors: BTreeMap<String, usize>,
    read: BTreeSet<String>,
}

#[derive(Debug)]
struct Shard {
    path: PathBuf,
    file: File,
    header: Metadata,
    /// Where the tensors begin in the file.
    start: u64,
}

impl Checkpoint {
    /// Whether a directory has weights in this form.
    pub fn is_in(directory: &Path) -> bool {
        directory.join(SINGLE).is_file() || directory.join(INDEX).is_file()
    }

    /// Opens `model.safetensors`, or every shard that `model.safetensors.index.json` names.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Safetensors`], [`Error::Syntax`] and [`Error::Tensor`] when the
    /// index and the shards disagree.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        let single = directory.join(SINGLE);
        if single.is_file() {
            let shard = Shard::open(&single)?;
            let tensors = shard.header.tensors().into_keys().map(|name| (name, 0)).collect();
            return Ok(Self::new(single.display().to_string(), vec![shard], tensors));
        }
        let path = directory.join(INDEX);
        let origin = path.display().to_string();
        let index = parse_shard_index(&files::read(&path, MAX_INDEX_BYTES)?, &origin)?;
        Self::open_shards(directory, &origin, index)
    }

    fn open_shards(
        directory: &Path,
        origin: &str,
        index: BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        let names: BTreeSet<&String> = index.values().collect();
        let mut shards = Vec::new();
        let mut numbers = BTreeMap::new();
        for name in names {
            numbers.insert(name.clone(), shards.len());
            shards.push(Shard::open(&files::join_below(directory, name)?)?);
        }
        let mut tensors = BTreeMap::new();
        for (tensor, name) in index {
            let number = numbers[&name];
            if shards[number].header.info(&tensor).is_none() {
                let reason = format!("the index places it in {name}, which does not hold it");
                return Err(Error::Tensor { origin: origin.to_owned(), tensor, reason });
            }
            tensors.insert(tensor, number);
        }
        Ok(Self::new(origin.to_owned(), shards, tensors))
    }

    fn new(origin: String, shards: Vec<Shard>, tensors: BTreeMap<String, usize>) -> Self {
        Self { origin, shards, tensors, read: BTreeSet::new() }
    }

    /// The file, or the index, for messages.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether there is a tensor of this name.
    pub fn has(&self, tensor: &str) -> bool {
        self.tensors.contains_key(tensor)
    }

    /// Whether any tensor's name starts with `prefix`.
    pub fn has_any(&self, prefix: &str) -> bool {
        self.tensors.keys().any(|name| name.starts_with(prefix))
    }

    /// The weight files, in a fixed order.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.shards.iter().map(|shard| shard.path.as_path())
    }

    /// Refuses tensors that nobody read: the configuration then describes another model.
    ///
    /// `position_ids` buffers, which old versions of transformers stored, are accepted, and so is
    /// what starts with one of `ignored`.
    ///
    /// # Errors
    /// [`Error::Tensor`] naming the first.
    pub fn refuse_unread(&self, ignored: &[&str]) -> Result<(), Error> {
        let extra = self.tensors.keys().find(|name| {
            !self.read.contains(*name)
                && !name.ends_with("embeddings.position_ids")
                && !ignored.iter().any(|prefix| name.starts_with(prefix))
        });
        let Some(tensor) = extra else { return Ok(()) };
        let reason = "config.json describes a model without it".to_owned();
        Err(Error::Tensor { origin: self.origin.clone(), tensor: tensor.clone(), reason })
    }

    fn error(&self, tensor: &str, reason: String) -> Error {
        Error::Tensor { origin: self.origin.clone(), tensor: tensor.to_owned(), reason }
    }
}

impl WeightSource for Checkpoint {
    fn read(&mut self, tensor: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        let Some(&number) = self.tensors.get(tensor) else {
            return Err(self.error(tensor, format!("missing, expected shape {shape:?}")));
        };
        let shard = &mut self.shards[number];
        let Some(info) = shard.header.info(tensor).cloned() else {
            return Err(self.error(tensor, format!("missing, expected shape {shape:?}")));
        };
        // A scalar may be stored as [] or as [1].
        let scalar = shape.is_empty() && info.shape == [1];
        if info.shape != shape && !scalar {
            let reason = format!("shape {:?}, config.json asks for {shape:?}", info.shape);
            return Err(self.error(tensor, reason));
        }
        let values = shard.values(&info).map_err(|error| match error {
            Unreadable::File(error) => error,
            Unreadable::Type(found) => {
                self.error(tensor, format!("type {found:?}, expected F32, F16 or BF16"))
            }
        })?;
        if let Some((index, value)) = values.iter().enumerate().find(|(_, v)| !v.is_finite()) {
            return Err(self.error(tensor, format!("value {index} is {value}, not finite")));
        }
        self.read.insert(tensor.to_owned());
        Ok(values)
    }
}

enum Unreadable {
    File(Error),
    Type(Dtype),
}

impl Shard {
    fn open(path: &Path) -> Result<Self, Error> {
        let origin = path.display().to_string();
        let io = |action| files::Error::io(path, action);
        let mut file = files::open(path)?;
        let bytes = file.metadata().map_err(io("read"))?.len();
        let mut length = [0; 8];
        if bytes < 8 {
            let reason = format!("{bytes} bytes, expected at least 8");
            return Err(Error::Safetensors { origin, reason });
        }
        file.read_exact(&mut length).map_err(io("read"))?;
        let length = u64::from_le_bytes(length);
        if length > MAX_HEADER_BYTES || length > bytes - 8 {
            let reason = format!("a header of {length} bytes in a file of {bytes}");
            return Err(Error::Safetensors { origin, reason });
        }
        let mut header = vec![0; length as usize];
        file.read_exact(&mut header).map_err(io("read"))?;
        let header = parse_safetensors_header(&header, bytes - 8 - length, &origin)?;
        Ok(Self { path: path.to_owned(), file, header, start: 8 + length })
    }

    fn values(&mut self, info: &TensorInfo) -> Result<Vec<f32>, Unreadable> {
        let (from, to) = info.data_offsets;
        let bytes = self.bytes(from, to - from).map_err(Unreadable::File)?;
        match info.dtype {
            Dtype::F32 => Ok(widen(&bytes, f32::from_le_bytes)),
            Dtype::F16 => Ok(widen(&bytes, |pair| f16::from_le_bytes(pair).to_f32())),
            Dtype::BF16 => Ok(widen(&bytes, |pair| bf16::from_le_bytes(pair).to_f32())),
            other => Err(Unreadable::Type(other)),
        }
    }

    /// The header's offsets were checked against the file's length when it was opened.
    fn bytes(&mut self, from: usize, length: usize) -> Result<Vec<u8>, Error> {
        let io = |action| files::Error::io(&self.path, action);
        let mut bytes = vec![0; length];
        self.file.seek(SeekFrom::Start(self.start + from as u64)).map_err(io("seek"))?;
        self.file.read_exact(&mut bytes).map_err(io("read"))?;
        Ok(bytes)
    }
}

fn widen<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (items, _) = bytes.as_chunks::<N>();
    items.iter().map(|item| value(*item)).collect()
}

/// Parses the JSON header of a safetensors file whose tensors take `data_bytes` bytes.
///
/// # Errors
/// [`Error::Safetensors`] when shapes, types and offsets disagree with one another or with the
/// file's length; nothing is allocated for the tensors.
pub fn parse_safetensors_header(
    header: &[u8],
    data_bytes: u64,
    origin: &str,
) -> Result<Metadata, Error> {
    let refuse = |reason: String| Error::Safetensors { origin: origin.to_owned(), reason };
    let header: Metadata =
        serde_json::from_slice(header).map_err(|error| refuse(error.to_string()))?;
    let end = header.tensors().values().map(|info| info.data_offsets.1 as u64).max().unwrap_or(0);
    if end == data_bytes {
        return Ok(header);
    }
    Err(refuse(format!("{data_bytes} bytes of tensors, its header describes {end}")))
}

#[derive(serde::Deserialize)]
struct ShardIndex {
    weight_map: BTreeMap<String, String>,
}

/// Parses a `model.safetensors.index.json`: tensor name to shard file name.
///
/// # Errors
/// [`Error::Syntax`].
pub fn parse_shard_index(bytes: &[u8], origin: &str) -> Result<BTreeMap<String, String>, Error> {
    let index: ShardIndex = serde_json::from_slice(bytes)
        .map_err(|error| Error::Syntax { origin: origin.to_owned(), reason: error.to_string() })?;
    Ok(index.weight_map)
}

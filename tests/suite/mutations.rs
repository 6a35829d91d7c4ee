//! 2,000 seeded mutations of valid input for every reader; `cargo bench --bench soak -- mutations`
//! tries as many as wanted.

use std::time::Duration;

use crate::shared::readers::{self, Reader};

const MUTATIONS: u64 = 2_000;
/// Twenty times what the slowest takes on a busy machine; a reader that loops takes for ever.
const SLOWEST: Duration = Duration::from_secs(10);
/// A 64 megapixel frame of 16-bit RGBA, and as much again.
const MOST_MIB: u64 = 1024;

/// Batters the readers that `is_wanted` chooses by name, and fails with every broken promise.
fn batter(is_wanted: impl Fn(&str) -> bool) {
    let folder = tempfile::tempdir().unwrap();
    let readers: Vec<Reader> =
        readers::all(folder.path()).into_iter().filter(|reader| is_wanted(reader.name)).collect();
    assert!(!readers.is_empty());
    let mut broken = Vec::new();
    for reader in &readers {
        let tally = readers::batter(reader, 0..MUTATIONS);
        let slow = tally.slowest > SLOWEST;
        broken.extend(slow.then(|| {
            format!("{}: seed {} takes {:?}", reader.name, tally.slowest_seed, tally.slowest)
        }));
        broken.extend(tally.broken);
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    if let Some([held, _]) = readers::peak_mib() {
        assert!(held < MOST_MIB, "{held} MiB were held at once");
    }
}

fn is_image(name: &str) -> bool {
    ["PNG", "JPEG"].contains(&name)
}

fn is_model(name: &str) -> bool {
    ["ONNX", "onnx", "safetensors", ".json", ".txt"].iter().any(|part| name.contains(part))
}

#[test]
fn damaged_frames_never_panic() {
    batter(is_image);
}

#[test]
fn damaged_model_files_never_panic() {
    batter(is_model);
}

#[test]
fn damaged_texts_and_tables_never_panic() {
    batter(|name| !is_image(name) && !is_model(name));
}

//! What is usual at this station, kept from one start to the next.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::judge::Identity;
use super::threads::Shared;
use super::view::View;
use crate::drift::{Drift, DriftConfig, Saved};
use crate::files;

/// From one look to the next, in which a power cut loses what was learned since.
const EVERY: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(200);
const MAX_BYTES: u64 = 1 << 20;
/// So much of a recipe's hash stands in the file's name.
const DIGITS: usize = 16;

/// Where charts of a recipe are kept.
fn path_of(folder: &Path, identity: &Identity) -> PathBuf {
    let sum = identity.recipe_sha256.get(..DIGITS).unwrap_or("recipe");
    folder.join(format!("drift-{sum}.json"))
}

/// The charts of a recipe as they were; new ones where nothing of use was kept.
pub(super) fn recall(folder: &Path, identity: &Identity, config: DriftConfig) -> Drift {
    let path = path_of(folder, identity);
    if !path.exists() {
        return Drift::new(config);
    }
    let kept = files::read_text(&path, MAX_BYTES)
        .map_err(|error| error.to_string())
        .and_then(|text| serde_json::from_str::<Saved>(&text).map_err(|error| error.to_string()))
        .and_then(|saved| Drift::resume(config.clone(), saved).map_err(|error| error.to_string()));
    kept.unwrap_or_else(|reason| {
        log::warn!("{}: {reason}; what is usual is learned anew", path.display());
        Drift::new(config)
    })
}

/// Writes the charts each minute where they changed, and at the end.
pub(super) fn remember(folder: &Path, view: &Arc<View>, shared: &Shared) {
    let (mut written, mut since) = (None, Instant::now());
    loop {
        let is_over = shared.is_stopping();
        if is_over || since.elapsed() >= EVERY {
            since = Instant::now();
            written = write(folder, view, written);
        }
        if is_over {
            return;
        }
        std::thread::sleep(LOOK);
    }
}

/// Writes what is not `written` yet; what is then.
fn write(folder: &Path, view: &View, written: Option<Saved>) -> Option<Saved> {
    let Some(saved) = view.drift().map(|drift| drift.saved()) else { return written };
    if Some(&saved) == written.as_ref() {
        return written;
    }
    let path = path_of(folder, &view.status().recipe);
    let text = match serde_json::to_vec(&saved) {
        Ok(text) => text,
        Err(error) => {
            log::warn!("{}: {error}", path.display());
            return written;
        }
    };
    match files::write(&path, &text) {
        Ok(()) => Some(saved),
        Err(error) => {
            log::warn!("{error}; what is usual is not kept");
            written
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::drift::{Figure, RawDrift, Sample};

    fn identity() -> Identity {
        Identity { recipe_sha256: "0123456789abcdef00".to_owned(), ..Identity::default() }
    }

    #[test]
    fn charts_outlive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let config = RawDrift::default().validate().unwrap();
        let mut drift = recall(folder.path(), &identity(), config.clone());
        for level in 0..10 {
            drift.add(&Sample::default().with(Figure::Exposure, 100.0 + f64::from(level)));
        }
        let view = View::nothing_yet("a");
        view.set_drift(Some(&drift));
        let mut status = view.status();
        status.recipe = identity();
        view.set_status(status);
        let saved = write(folder.path(), &view, None).unwrap();
        assert_eq!(recall(folder.path(), &identity(), config).saved(), saved);
    }

    #[test]
    fn charts_that_are_damaged_are_learned_anew() {
        let folder = tempfile::tempdir().unwrap();
        let config = RawDrift::default().validate().unwrap();
        let empty = Drift::new(config.clone()).saved();
        for text in ["", "{}", "[1, 2", "{\"format\": 9}"] {
            std::fs::write(path_of(folder.path(), &identity()), text).unwrap();
            assert_eq!(recall(folder.path(), &identity(), config.clone()).saved(), empty, "{text}");
        }
    }
}

use std::fs;
use std::path::{Path, PathBuf};

use super::controls;
use super::identity::{open_checked, opener, request_error, video_nodes};
use super::kernel::KernelNode;
use super::node::Node;
use crate::capture::{Error, FourCc, Source};

/// A camera of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraNode {
    /// Such as `/dev/video0`.
    pub path: PathBuf,
    /// Names that stay the same after a restart: links to it in `/dev/v4l/by-path` and `by-id`.
    pub stable: Vec<PathBuf>,
    /// The product.
    pub card: String,
    /// Where it is plugged in: what `bus_info` of a camera's configuration takes.
    pub bus_info: String,
    /// Its pixel formats, each with its sizes in words.
    pub formats: Vec<(FourCc, Vec<String>)>,
}

/// A control of a camera, as `[controls]` of its configuration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceControl {
    /// Its usual name.
    pub name: String,
    /// The least value.
    pub minimum: i64,
    /// The greatest.
    pub maximum: i64,
    /// From one value to the next, at least 1.
    pub step: u64,
    /// What it is set to; `None` for buttons and what cannot be read.
    pub value: Option<i64>,
}

/// The controls of a camera, in its order.
///
/// # Errors
/// Those of opening it.
pub fn device_controls(source: &Source) -> Result<Vec<DeviceControl>, Error> {
    let mut node = open(source)?;
    let found = node
        .controls()
        .map_err(|error| request_error(&source.to_string(), "VIDIOC_QUERY_EXT_CTRL", &error))?;
    let state = |control: super::node::Control| DeviceControl {
        value: node.control(&control).ok(),
        name: control.name,
        minimum: control.minimum,
        maximum: control.maximum,
        step: control.step,
    };
    Ok(found.into_iter().map(state).collect())
}

/// Sets one control of a camera and reads it back; whoever streams from it goes on.
///
/// # Errors
/// Those of opening it, and [`Error::Control`].
pub fn set_device_control(source: &Source, name: &str, value: i64) -> Result<(), Error> {
    let mut node = open(source)?;
    controls::set_one(&mut node, (name, value), &source.to_string())
}

fn open(source: &Source) -> Result<KernelNode, Error> {
    opener(source)?(None)
}

/// The device nodes that capture video, by number, each with the reason where it cannot be opened.
///
/// Nodes of other kinds, such as those for metadata, are left out.
pub fn cameras() -> Vec<(PathBuf, Result<CameraNode, Error>)> {
    let describe = |path: PathBuf| match describe(&path) {
        Err(Error::Unsuited { .. } | Error::Disconnected { .. }) => None,
        result => Some((path, result)),
    };
    video_nodes().into_iter().filter_map(describe).collect()
}

fn describe(path: &Path) -> Result<CameraNode, Error> {
    let (mut node, identity) = open_checked(path)?;
    let offered = node.formats().unwrap_or_default();
    let formats = offered.into_iter().map(|format| (format, node.sizes(format))).collect();
    Ok(CameraNode {
        path: path.to_owned(),
        stable: links_to(path, &["/dev/v4l/by-path", "/dev/v4l/by-id"]),
        card: identity.card,
        bus_info: identity.bus_info,
        formats,
    })
}

/// The links in these folders that lead to a file, by name.
fn links_to(path: &Path, folders: &[&str]) -> Vec<PathBuf> {
    let Ok(target) = fs::canonicalize(path) else { return Vec::new() };
    let entries = folders.iter().flat_map(fs::read_dir).flatten().flatten();
    let links = entries.map(|entry| entry.path());
    let mut found: Vec<PathBuf> =
        links.filter(|link| fs::canonicalize(link).is_ok_and(|it| it == target)).collect();
    found.sort();
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_found_whatever_they_are_called() {
        let folder = tempfile::tempdir().unwrap();
        let [node, other] = ["video0", "video1"].map(|name| folder.path().join(name));
        fs::write(&node, "").unwrap();
        fs::write(&other, "").unwrap();
        let links = folder.path().join("by-path");
        fs::create_dir(&links).unwrap();
        symlink("../video0", links.join("b")).unwrap();
        symlink("../video1", links.join("a")).unwrap();
        symlink("../gone", links.join("c")).unwrap();
        let found = links_to(&node, &[links.to_str().unwrap(), "/absent"]);
        assert_eq!(found, [links.join("b")]);
    }
}

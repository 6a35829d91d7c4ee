use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use v4l::v4l_sys::{V4L2_CAP_STREAMING, V4L2_CAP_VIDEO_CAPTURE, V4L2_CAP_VIDEO_CAPTURE_MPLANE};

use super::kernel::KernelNode;
use super::node::{Identity, Node};
use crate::capture::{Error, Source};

/// Opens a camera; told, when it was open before, who it was then.
pub(super) type Opener<N> = Box<dyn FnMut(Option<&Identity>) -> Result<N, Error> + Send>;

/// What opens the camera of a configuration.
pub(super) fn opener(source: &Source) -> Result<Opener<KernelNode>, Error> {
    match source.clone() {
        Source::Device(path) => Ok(Box::new(move |before| open_path(&path, before))),
        Source::Bus(bus_info) => Ok(Box::new(move |_| open_bus(&bus_info))),
        other => Err(unsuited(&other.to_string(), "no camera; files are replayed instead")),
    }
}

/// The camera at a path, or wherever the same one is now.
///
/// A path such as `/dev/video0` goes to whichever camera comes first after a replug.
fn open_path(path: &Path, before: Option<&Identity>) -> Result<KernelNode, Error> {
    let opened = open_checked(path);
    let Some(before) = before else { return opened.map(|(node, _)| node) };
    match opened {
        Ok((node, now)) if now.bus_info == before.bus_info => Ok(node),
        Ok((_, now)) => open_bus(&before.bus_info).map_err(|_| Error::Disconnected {
            origin: path.display().to_string(),
            reason: format!("there is {} at {} now", now.card, now.bus_info),
        }),
        Err(Error::Disconnected { origin, reason }) => {
            open_bus(&before.bus_info).map_err(|_| Error::Disconnected { origin, reason })
        }
        Err(error) => Err(error),
    }
}

/// The first node that captures of the camera that is plugged in there.
fn open_bus(bus_info: &str) -> Result<KernelNode, Error> {
    let mut problem = None;
    for path in video_nodes() {
        match open_checked(&path) {
            Ok((node, identity)) if identity.bus_info == bus_info => return Ok(node),
            Ok(_) | Err(Error::Unsuited { .. } | Error::Disconnected { .. }) => {}
            // It might have been the one.
            Err(error) => problem = Some(error),
        }
    }
    let reason = "no capture device is plugged in there".to_owned();
    Err(problem.unwrap_or(Error::Disconnected { origin: bus_info.to_owned(), reason }))
}

/// Every `/dev/videoN`, by number.
pub(super) fn video_nodes() -> Vec<PathBuf> {
    let number = |path: &Path| -> Option<u32> {
        path.file_name()?.to_str()?.strip_prefix("video")?.parse().ok()
    };
    let entries = fs::read_dir("/dev").into_iter().flatten().flatten();
    let mut nodes: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| number(&entry.path()).map(|number| (number, entry.path())))
        .collect();
    nodes.sort();
    nodes.into_iter().map(|(_, path)| path).collect()
}

/// A node that is a camera whose frames come through mapped buffers.
pub(super) fn open_checked(path: &Path) -> Result<(KernelNode, Identity), Error> {
    let origin = path.display().to_string();
    let mut node = KernelNode::open(path).map_err(|error| open_error(path, &error))?;
    let identity = node.identity().map_err(|error| match error.raw_os_error() {
        Some(libc::ENOTTY | libc::EINVAL) => unsuited(&origin, "no V4L2 device"),
        _ => request_error(&origin, "VIDIOC_QUERYCAP", &error),
    })?;
    check_capabilities(&origin, identity.capabilities)?;
    Ok((node, identity))
}

pub(super) fn check_capabilities(origin: &str, capabilities: u32) -> Result<(), Error> {
    if capabilities & V4L2_CAP_VIDEO_CAPTURE == 0 {
        let is_planar = capabilities & V4L2_CAP_VIDEO_CAPTURE_MPLANE != 0;
        let reason = match is_planar {
            true => "has the multi-planar interface only; bring its frames in by a V4L2 bridge",
            false => "captures no video; a camera may have several nodes: take another of them",
        };
        return Err(unsuited(origin, reason));
    }
    if capabilities & V4L2_CAP_STREAMING == 0 {
        return Err(unsuited(origin, "cannot stream (V4L2_CAP_STREAMING is not set)"));
    }
    Ok(())
}

fn open_error(path: &Path, error: &io::Error) -> Error {
    let origin = path.display().to_string();
    match error.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) => Error::Denied { origin, group: group_of(path) },
        Some(libc::EBUSY) => Error::Busy { origin },
        Some(libc::ENOENT | libc::ENODEV | libc::ENXIO) => {
            Error::Disconnected { origin, reason: error.to_string() }
        }
        _ => Error::Request { origin, request: "open", reason: error.to_string() },
    }
}

/// The error of a refused request; a device that is gone is [`Error::Disconnected`].
pub(super) fn request_error(origin: &str, request: &'static str, error: &io::Error) -> Error {
    let origin = origin.to_owned();
    match error.raw_os_error() {
        Some(libc::ENODEV | libc::ENXIO) => {
            Error::Disconnected { origin, reason: error.to_string() }
        }
        Some(libc::EBUSY) => Error::Busy { origin },
        _ => Error::Request { origin, request, reason: error.to_string() },
    }
}

fn unsuited(origin: &str, reason: &str) -> Error {
    Error::Unsuited { origin: origin.to_owned(), reason: reason.to_owned() }
}

/// The name of the group of a file, or its number, or `video`, which it nearly always is.
fn group_of(path: &Path) -> String {
    let Ok(metadata) = fs::metadata(path) else { return "video".to_owned() };
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    group_name(&groups, metadata.gid()).unwrap_or_else(|| metadata.gid().to_string())
}

/// Of lines `name:password:number:members`.
fn group_name(groups: &str, number: u32) -> Option<String> {
    let number = number.to_string();
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then(|| name.to_owned())
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_device_is_disconnected_and_a_file_is_none() {
        let error = open_checked(Path::new("/dev/absent-video")).err().unwrap();
        assert!(error.needs_reopen());
        assert!(error.to_string().starts_with("/dev/absent-video: disconnected (No such file"));
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = open_checked(file.path()).err().unwrap().to_string();
        assert!(error.ends_with(": no V4L2 device"), "{error}");
    }

    #[test]
    fn a_node_that_does_not_capture_says_what_it_lacks() {
        let message = |bits| check_capabilities("cam", bits).unwrap_err().to_string();
        let streams = V4L2_CAP_STREAMING;
        assert!(message(streams).contains("captures no video"));
        assert!(message(streams | V4L2_CAP_VIDEO_CAPTURE_MPLANE).contains("multi-planar"));
        assert!(message(V4L2_CAP_VIDEO_CAPTURE).contains("cannot stream"));
        check_capabilities("cam", streams | V4L2_CAP_VIDEO_CAPTURE).unwrap();
    }

    #[test]
    fn errors_of_the_system_say_what_to_do() {
        let error = |code| open_error(Path::new("/dev/null"), &io::Error::from_raw_os_error(code));
        let denied = error(libc::EACCES).to_string();
        assert!(denied.starts_with("/dev/null: permission denied; its group is root"), "{denied}");
        assert!(matches!(error(libc::EBUSY), Error::Busy { .. }));
        assert!(matches!(error(libc::ENXIO), Error::Disconnected { .. }));
        assert!(error(libc::EMFILE).to_string().starts_with("/dev/null: open: Too many open"));
    }

    #[test]
    fn groups_are_found_by_number() {
        let groups = "root:x:0:\nvideo:x:44:pairspec\nbroken\n:x:7:\n";
        assert_eq!(group_name(groups, 44).unwrap(), "video");
        assert_eq!(group_name(groups, 45), None);
        assert_eq!(group_name("", 0), None);
    }

    #[test]
    fn a_place_where_nothing_is_plugged_in_is_disconnected() {
        let error = open_bus("usb-none").err().unwrap();
        assert!(matches!(error, Error::Disconnected { .. }), "{error}");
    }
}

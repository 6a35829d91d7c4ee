use super::{FrameSource, Playlist, Replay};
use crate::capture::{CameraConfig, Clock, Error, MonotonicClock, Source, V4l2};

/// Opens what a camera's configuration names: a device, or files played at its rate from `first_ns`
/// (CLOCK_MONOTONIC) on.
///
/// Cameras that are to run together get the same `first_ns`, so that the files of a manifest stay
/// in pairs. Files start again at their end.
///
/// # Errors
/// Those of [`V4l2::open`] and of [`Playlist`].
pub fn open_source(config: &CameraConfig, first_ns: i64) -> Result<Box<dyn FrameSource>, Error> {
    let list = match &config.source {
        Source::Device(_) | Source::Bus(_) => return Ok(Box::new(V4l2::open(config)?)),
        Source::Folder(path) => Playlist::folder(path)?,
        Source::TestFrames(path) => {
            let [_, tests] = Playlist::pairs(path)?;
            tests
        }
        Source::ReferenceFrames(path) => {
            let [references, _] = Playlist::pairs(path)?;
            references
        }
    };
    Ok(Box::new(replay(list.repeated(), config.period_ns, first_ns)))
}

fn replay(list: Playlist, period_ns: i64, first_ns: i64) -> Replay<impl Clock + use<>> {
    Replay::new(list, MonotonicClock, (first_ns, period_ns))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::capture::{Controls, FourCc, Timestamps};

    fn camera(source: Source) -> CameraConfig {
        CameraConfig {
            source,
            width: 2,
            height: 2,
            period_ns: 60_000_000_000,
            formats: vec![FourCc::new(*b"GREY")],
            sample_bits: None,
            timestamps: Timestamps::Driver,
            controls: Controls::default(),
        }
    }

    fn first_level(source: Source) -> u8 {
        let mut source = open_source(&camera(source), MonotonicClock.now_ns()).unwrap();
        let captured = source.next_frame(Duration::from_secs(5)).unwrap();
        captured.content.unwrap().luma().get_pixel(0, 0).0[0]
    }

    fn write(folder: &Path) {
        for (name, level) in [("r.png", 10), ("t.png", 20)] {
            let image = image::GrayImage::from_pixel(2, 2, image::Luma([level]));
            image.save(folder.join(name)).unwrap();
        }
        let text = "pair_id,ref_path,test_path\n1,r.png,t.png\n";
        fs::write(folder.join("m.csv"), text).unwrap();
    }

    #[test]
    fn a_manifest_gives_each_camera_its_own_frames() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path());
        let manifest = folder.path().join("m.csv");
        assert_eq!(first_level(Source::ReferenceFrames(manifest.clone())), 10);
        assert_eq!(first_level(Source::TestFrames(manifest)), 20);
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        let absent = Path::new("/absent").to_owned();
        for source in [
            Source::Device(absent.clone()),
            Source::Bus("usb-none".to_owned()),
            Source::Folder(absent.clone()),
            Source::TestFrames(absent),
        ] {
            assert!(open_source(&camera(source.clone()), 0).is_err(), "{source}");
        }
    }
}

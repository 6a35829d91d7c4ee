use super::{
    Error, FRAMES, Mode, PixelFormat, RawCamera, RawCapture, Source, Timestamps, format_list,
};

/// As much as `frame` decodes.
const MAX_PIXELS: u64 = 64 << 20;

impl RawCapture {
    pub(super) fn check_times(&self) -> Result<(), Error> {
        in_range("capture.delay_ms", self.delay_ms, (0.0, 60_000.0))?;
        if let Some(delay_ms) = self.reference_delay_ms {
            in_range("capture.reference_delay_ms", delay_ms, (0.0, 60_000.0))?;
        }
        in_range("capture.window_ms", self.window_ms, (0.1, 10_000.0))?;
        in_range("capture.trigger_latency_ms", self.trigger_latency_ms, (0.0, 10_000.0))?;
        in_range("capture.frame_latency_ms", self.frame_latency_ms, (0.0, 10_000.0))?;
        in_range("capture.timeout_ms", self.timeout_ms, (10.0, 60_000.0))
    }

    pub(super) fn check_mode(&self) -> Result<(), Error> {
        let (reference, delay) = (self.reference.is_some(), self.reference_delay_ms.is_some());
        let wrong = match self.mode {
            Mode::TwoCameras if !reference => "two-cameras needs a [capture.reference] camera",
            Mode::Golden | Mode::Twice if reference => {
                "only two-cameras has a [capture.reference] camera"
            }
            Mode::Golden if delay => "golden has no reference_delay_ms",
            Mode::Twice if !delay => "twice needs reference_delay_ms",
            _ => return Ok(()),
        };
        Err(bad("capture.mode", mode_name(self.mode), wrong))
    }

    pub(super) fn check_devices_differ(&self) -> Result<(), Error> {
        match &self.reference {
            Some(reference)
                if self.test.device.is_some() && self.test.device == reference.device =>
            {
                let found = shown(reference.device.as_ref());
                Err(bad("capture.reference.device", found, "another device than the test's"))
            }
            Some(RawCamera { bus_info: Some(found), .. })
                if self.test.bus_info.as_ref() == Some(found) =>
            {
                Err(bad("capture.reference.bus_info", found, "another device than the test's"))
            }
            _ => Ok(()),
        }
    }

    /// A frame that lies in both windows of its part is neither the reference nor the test.
    pub(super) fn check_views_apart(&self) -> Result<(), Error> {
        let Some(delay_ms) = self.reference_delay_ms else { return Ok(()) };
        if self.mode != Mode::Twice || (delay_ms - self.delay_ms).abs() > self.window_ms {
            return Ok(());
        }
        let expected =
            format!("more than window_ms = {} from delay_ms = {}", self.window_ms, self.delay_ms);
        Err(bad("capture.reference_delay_ms", delay_ms, expected))
    }

    /// Frames are held from the first window of a part to the end of its last.
    pub(super) fn check_held_frames(&self) -> Result<(), Error> {
        let apart_ms = (self.reference_delay_ms.unwrap_or(self.delay_ms) - self.delay_ms).abs();
        let held_ms = apart_ms + self.window_ms + self.frame_latency_ms + self.trigger_latency_ms;
        let cameras = [("test", Some(&self.test)), ("reference", self.reference.as_ref())];
        for (name, camera) in cameras {
            let Some(camera) = camera else { continue };
            let frames = held_ms / 1_000.0 * camera.rate_hz + 1.0;
            if frames > FRAMES as f64 {
                let most = (FRAMES - 1) as f64 * 1_000.0 / held_ms;
                let key = format!("capture.{name}.rate_hz");
                let expected = format!(
                    "at most {most:.1}, so that {FRAMES} frames hold the {held_ms} ms of \
                     delays, window_ms, frame_latency_ms and trigger_latency_ms"
                );
                return Err(bad(&key, camera.rate_hz, expected));
            }
        }
        Ok(())
    }
}

impl RawCamera {
    pub(super) fn check_source(&self, section: &str) -> Result<Source, Error> {
        let refused = |expected: &str| {
            let device = self.device.as_ref();
            Err(bad(&format!("{section}.device"), shown(device), expected))
        };
        let device = self.device.clone().map(Source::Device);
        let bus = self.bus_info.clone().map(Source::Bus);
        let folder = self.folder.clone().map(Source::Folder);
        let is_test = section.ends_with("test");
        let frames = if is_test { Source::TestFrames } else { Source::ReferenceFrames };
        let manifest = self.manifest.clone().map(frames);
        let mut sources = [device, bus, folder, manifest].into_iter().flatten();
        match (sources.next(), sources.next()) {
            (Some(Source::Device(path)), None) if !path.is_absolute() => {
                refused("an absolute path, such as /dev/v4l/by-path/...")
            }
            (Some(Source::Bus(text)), None) if text.is_empty() => {
                Err(bad(&format!("{section}.bus_info"), "\"\"", "as `board check` lists it"))
            }
            (Some(source), None) => Ok(source),
            (None, _) => refused("a device, or else bus_info, folder or manifest"),
            (Some(_), Some(_)) => refused("only one of device, bus_info, folder and manifest"),
        }
    }

    pub(super) fn check_size(&self, section: &str) -> Result<(), Error> {
        in_range(&format!("{section}.width"), self.width.into(), (2.0, 16_384.0))?;
        in_range(&format!("{section}.height"), self.height.into(), (2.0, 16_384.0))?;
        if u64::from(self.width) * u64::from(self.height) <= MAX_PIXELS {
            return Ok(());
        }
        let found = format!("{} (height = {})", self.width, self.height);
        let expected = format!("at most {MAX_PIXELS} pixels in all");
        Err(bad(&format!("{section}.width"), found, expected))
    }

    pub(super) fn check_numbers(&self, section: &str) -> Result<(), Error> {
        let check = |name, found, range| in_range(&format!("{section}.{name}"), found, range);
        check("rate_hz", self.rate_hz, (0.1, 1_000.0))?;
        check("frame_offset_ms", self.frame_offset_ms, (-1_000.0, 1_000.0))?;
        check("frame_ms", self.frame_ms, (0.0, 1_000.0))?;
        check("sample_bits", self.sample_bits.unwrap_or(16).into(), (8.0, 16.0))
    }

    pub(super) fn check_timestamps(&self, section: &str, source: &Source) -> Result<(), Error> {
        let is_device = matches!(source, Source::Device(_) | Source::Bus(_));
        if is_device || self.timestamps == Timestamps::Driver {
            return Ok(());
        }
        Err(bad(&format!("{section}.timestamps"), "arrival", "only devices have it"))
    }

    pub(super) fn check_formats(&self, section: &str) -> Result<(), Error> {
        let key = format!("{section}.formats");
        let found = || format_list(self.formats.iter().copied());
        if self.formats.is_empty() {
            return Err(bad(&key, found(), "at least one FourCC"));
        }
        for (place, name) in self.formats.iter().enumerate() {
            if let Err(error) = PixelFormat::of(*name) {
                return Err(bad(&key, found(), error.to_string()));
            }
            if self.formats[..place].contains(name) {
                return Err(bad(&key, found(), format!("{name} once")));
            }
        }
        Ok(())
    }
}

pub(super) fn in_range(key: &str, found: f64, (least, most): (f64, f64)) -> Result<(), Error> {
    // False for what is no number, too.
    if (least..=most).contains(&found) {
        return Ok(());
    }
    Err(bad(key, found, format!("from {least} to {most}")))
}

pub(super) fn bad(key: &str, found: impl ToString, expected: impl Into<String>) -> Error {
    let (key, found, expected) = (key.to_owned(), found.to_string(), expected.into());
    Error::BadConfig { key, found, expected }
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::TwoCameras => "two-cameras",
        Mode::Golden => "golden",
        Mode::Twice => "twice",
    }
}

fn shown(path: Option<&std::path::PathBuf>) -> String {
    path.map_or("nothing".to_owned(), |path| path.display().to_string())
}

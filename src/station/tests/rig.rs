//! The doubles, and what must hold after any run.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use image::{GrayImage, Luma};

use crate::align::{AlignMode, Registration};
use crate::capture::{
    Captured, Clock, Controls, Error as CaptureError, FaultPlan, Faulty, FrameSource,
    MonotonicClock, Stamp,
};
use crate::drift::{DriftConfig, RawDrift};
use crate::frame::{Frame, Pixels};
use crate::journal::{Filter, Outcome, Part, Reader, Record};
use crate::signal::{self, DryRun, Output, Outputs, Recorded};
use crate::station::{
    Error, Findings, Identity, Judge, Judgement, Pair, Setup, Station, StationConfig, Status,
};

const BITS: u32 = 16;
/// From frame to frame, and from trigger to trigger.
pub(super) const PERIOD_MS: u64 = 40;
/// Far beyond what any wait here takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// What goes wrong, from any thread.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) is_camera_gone: AtomicBool,
    /// The camera delivers nothing and does not say why.
    pub(super) camera_hangs: AtomicBool,
    /// Opening it again is what it needs.
    pub(super) reopening_helps: AtomicBool,
    pub(super) reopened: AtomicUsize,
    /// The next frame makes the camera's thread panic.
    pub(super) camera_panics: AtomicBool,
    pub(super) judge_panics: AtomicBool,
    /// Which threshold file there is.
    pub(super) limits: AtomicU64,
    pub(super) judge_hangs: AtomicBool,
    pub(super) judge_ms: AtomicU64,
    pub(super) is_challenge_failing: AtomicBool,
    /// How long the goldens take.
    pub(super) challenge_ms: AtomicU64,
    /// The judge tells how the frames lie, and has that watched.
    pub(super) watches_drift: AtomicBool,
    /// By how much the part is beside its place.
    pub(super) shift_px: AtomicU64,
    pub(super) outputs_fail: AtomicBool,
    pub(super) outputs_panic: AtomicBool,
    pub(super) opened_judges: AtomicUsize,
    /// Part, number that its test frame shows, number that its reference shows.
    pub(super) judged: Mutex<Vec<(u64, u64, Option<u64>)>>,
}

/// A station in a folder of its own.
pub(super) struct Rig {
    pub(super) folder: tempfile::TempDir,
    pub(super) script: Arc<Script>,
    pub(super) recorded: Recorded,
    pub(super) plan: FaultPlan,
    pub(super) parts: Option<u64>,
    /// What each camera is set to, and the one that takes nothing.
    pub(super) settings: Arc<Mutex<[Controls; 2]>>,
    pub(super) stubborn: Arc<AtomicUsize>,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            script: Arc::default(),
            recorded: Recorded::default(),
            plan: FaultPlan::default(),
            parts: None,
            settings: Arc::default(),
            stubborn: Arc::new(AtomicUsize::new(usize::MAX)),
        }
    }

    /// Two cameras and a trigger every 40 ms; `more` are further lines at the top of the file.
    pub(super) fn config(&self, more: &str) -> StationConfig {
        let text = format!(
            "name = 'test'\nrecipe = 'a.toml'\n{more}\n[capture]\nmode = 'two-cameras'\n\
             delay_ms = 5\nwindow_ms = 20\nframes_in_window = 'first'\ntrigger_latency_ms = 150\n\
             frame_latency_ms = 150\ntimeout_ms = 100\n\
             [capture.test]\nfolder = 'x'\nwidth = 32\nheight = 2\nrate_hz = 25\n\
             [capture.reference]\nfolder = 'x'\nwidth = 32\nheight = 2\nrate_hz = 25\n\
             [trigger]\nkind = 'interval'\nrate_hz = 25\n[journal]\nfolder = 'journal'\n\
             conforming_one_in = 5\n[control]\nsocket = 'socket'\n"
        );
        StationConfig::parse(&text, &self.folder.path().join("station.toml")).unwrap()
    }

    pub(super) fn setup(&self) -> Setup {
        let (script, plan) = (self.script.clone(), self.plan);
        let (judging, outputs) = (self.script.clone(), self.script.clone());
        let recorded = self.recorded.clone();
        let (settings, stubborn) = (self.settings.clone(), self.stubborn.clone());
        Setup {
            open_judge: Arc::new(move |path: &Path| {
                judging.opened_judges.fetch_add(1, Ordering::SeqCst);
                Reader16::open(path, judging.clone())
            }),
            open_source: Arc::new(move |camera, config, first_ns| {
                let since_ns = (MonotonicClock.now_ns() - first_ns).max(0);
                settings.lock().unwrap()[camera] = config.controls.clone();
                let source = Numbered {
                    first_ns,
                    period_ns: config.period_ns,
                    // What was exposed before nobody sees.
                    next: (since_ns as u64).div_ceil(config.period_ns as u64),
                    is_open: true,
                    camera,
                    settings: settings.clone(),
                    stubborn: stubborn.clone(),
                    // Faults are those of the test's camera.
                    script: if camera == 0 { script.clone() } else { Arc::default() },
                };
                let plan = if camera == 0 { plan } else { FaultPlan::default() };
                Ok(Box::new(Faulty::new(source, MonotonicClock, plan)))
            }),
            open_outputs: Arc::new(move || {
                let inner = DryRun::recording(recorded.clone());
                Ok(Box::new(Brittle { inner, script: outputs.clone() }))
            }),
            parts: self.parts,
        }
    }

    pub(super) fn start(&self, more: &str) -> Station {
        self.start_with(self.config(more))
    }

    pub(super) fn start_with(&self, config: StationConfig) -> Station {
        Station::start(config, self.setup()).unwrap()
    }

    pub(super) fn passes(&self) -> u64 {
        self.recorded.pulses(Output::Pass) as u64
    }

    /// The parts of the journal; each number has exactly one outcome and the chain holds.
    pub(super) fn parts(&self) -> BTreeMap<u64, Part> {
        let reader = Reader::open(&self.folder.path().join("journal")).unwrap();
        assert_eq!(reader.verify(None, true).unwrap().broken, None);
        let mut parts = BTreeMap::new();
        let visit = |row: crate::journal::Row| {
            if let Record::Part(part) = row.entry.record {
                assert!(parts.insert(part.number, part).is_none(), "two outcomes");
            }
            ControlFlow::Continue(())
        };
        reader.each(&Filter::default(), visit).unwrap();
        assert!(parts.keys().copied().eq(1..=parts.len() as u64), "a number without an outcome");
        parts
    }

    /// What must hold after any run, and the parts.
    pub(super) fn check(&self, status: &Status) -> BTreeMap<u64, Part> {
        let (counters, parts) = (status.counters, self.parts());
        assert_eq!(status.in_flight, 0);
        assert_eq!(counters.triggers, counters.finished);
        assert_eq!(counters.finished, parts.len() as u64);
        let conforming: BTreeSet<u64> = parts
            .values()
            .filter(|part| part.outcome == Outcome::Conforming)
            .map(|part| part.number)
            .collect();
        assert_eq!(counters.conforming, conforming.len() as u64);
        assert_eq!(self.passes(), counters.conforming, "a pulse for each pass and no other");
        let judged = self.script.judged.lock().unwrap();
        for (part, test, reference) in judged.iter() {
            // Part 1 shows number 0.
            assert_eq!(
                (*test, *reference),
                (part - 1, Some(part - 1)),
                "judged under another's number"
            );
        }
        for number in &conforming {
            assert!(is_good(number - 1), "part {number} is bad and was passed");
            assert!(judged.iter().any(|(part, ..)| part == number), "{number} was not judged");
        }
        for output in [Output::Pass, Output::Reject, Output::Busy] {
            assert!(!self.recorded.is_active(output), "{output:?} after the end");
        }
        parts
    }
}

/// Every third part is bad.
pub(super) fn is_good(shown: u64) -> bool {
    shown % 3 != 2
}

/// Waits for something that comes about.
pub(super) fn wait_for(station: &Station, what: &str, is_so: impl Fn(&Status) -> bool) {
    let start = Instant::now();
    while !is_so(&station.status()) {
        assert!(start.elapsed() < PATIENCE, "{what}: {:#?}", station.status());
        assert!(station.is_running(), "{what}: the line ended");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// How many parts have a given stage.
pub(super) fn stage(parts: &BTreeMap<u64, Part>, wanted: &str) -> usize {
    let is_it = |part: &&Part| matches!(&part.outcome, Outcome::NotInspected { stage, .. } if stage == wanted);
    parts.values().filter(is_it).count()
}

/// A camera whose frame `k` is exposed at `first + k * period` and shows `k`.
struct Numbered {
    first_ns: i64,
    period_ns: i64,
    next: u64,
    is_open: bool,
    camera: usize,
    settings: Arc<Mutex<[Controls; 2]>>,
    stubborn: Arc<AtomicUsize>,
    script: Arc<Script>,
}

impl Numbered {
    fn gone() -> CaptureError {
        let (origin, reason) = ("numbered".to_owned(), "unplugged".to_owned());
        CaptureError::Disconnected { origin, reason }
    }

    fn due_ns(&self) -> i64 {
        self.first_ns + self.period_ns * self.next as i64
    }
}

impl FrameSource for Numbered {
    fn name(&self) -> &str {
        "numbered"
    }

    fn next_frame(&mut self, timeout: Duration) -> Result<Captured, CaptureError> {
        assert!(!self.script.camera_panics.swap(false, Ordering::SeqCst), "camera on purpose");
        if self.script.is_camera_gone.load(Ordering::SeqCst) {
            self.is_open = false;
        }
        if !self.is_open {
            return Err(Self::gone());
        }
        if self.script.camera_hangs.load(Ordering::SeqCst) {
            std::thread::sleep(timeout);
            return Err(CaptureError::Timeout { origin: "numbered".to_owned(), waited_ms: 0 });
        }
        // A real camera does not repeat what nobody fetched.
        while self.due_ns() + 4 * self.period_ns < MonotonicClock.now_ns() {
            self.next += 1;
        }
        let latest_ns = MonotonicClock.now_ns() + timeout.as_nanos() as i64;
        MonotonicClock.sleep_until(self.due_ns().min(latest_ns));
        if self.due_ns() > latest_ns {
            return Err(CaptureError::Timeout { origin: "numbered".to_owned(), waited_ms: 0 });
        }
        let (sequence, stamp) = (self.next as u32, Stamp::start_of_exposure(self.due_ns()));
        let content = Ok(numbered(self.next));
        self.next += 1;
        Ok(Captured { sequence, stamp, content })
    }

    fn reopen(&mut self) -> Result<(), CaptureError> {
        if self.script.is_camera_gone.load(Ordering::SeqCst) {
            return Err(Self::gone());
        }
        while self.due_ns() < MonotonicClock.now_ns() {
            self.next += 1;
        }
        self.is_open = true;
        self.script.reopened.fetch_add(1, Ordering::SeqCst);
        if self.script.reopening_helps.load(Ordering::SeqCst) {
            self.script.camera_hangs.store(false, Ordering::SeqCst);
        }
        Ok(())
    }

    fn set_controls(&mut self, controls: &Controls) -> Result<(), CaptureError> {
        if self.stubborn.load(Ordering::SeqCst) == self.camera && controls.gain == Some(7) {
            let (control, reason) = ("gain".to_owned(), "1 is read back".to_owned());
            return Err(CaptureError::Control { origin: "numbered".to_owned(), control, reason });
        }
        if !self.is_open {
            return Err(Self::gone());
        }
        self.settings.lock().unwrap()[self.camera] = controls.clone();
        Ok(())
    }
}

/// Bit `n` is columns `2n` and `2n + 1`.
fn numbered(number: u64) -> Frame {
    let level = |x: u32| if number >> (x / 2) & 1 == 1 { 230 } else { 20 };
    let image = GrayImage::from_fn(2 * BITS, 2, |x, _| Luma([level(x)]));
    Frame::new(Pixels::Gray(image), 8, "numbered").unwrap()
}

fn shown(frame: &Frame) -> u64 {
    let luma = frame.luma();
    (0..BITS).map(|bit| u64::from(luma.get_pixel(2 * bit, 0).0[0] > 127) << bit).sum()
}

/// Reads the number and finds every third part bad; the recipe `b.toml` finds all of them bad.
struct Reader16 {
    identity: Identity,
    script: Arc<Script>,
}

impl Reader16 {
    fn open(path: &Path, script: Arc<Script>) -> Result<Box<dyn Judge>, Error> {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if name == "broken" {
            let reason = "stale".to_owned();
            return Err(Error::Recipe { path: path.to_owned(), reason });
        }
        let (recipe_sha256, model_sha256) = (format!("sha-{name}"), "model".to_owned());
        let thresholds_sha256 = format!("limits-{}", script.limits.load(Ordering::SeqCst));
        let identity = Identity { name, recipe_sha256, model_sha256, thresholds_sha256 };
        Ok(Box::new(Self { identity, script }))
    }
}

impl Judge for Reader16 {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn judge(&mut self, pair: &Pair) -> Judgement {
        assert!(!self.script.judge_panics.swap(false, Ordering::SeqCst), "judge on purpose");
        if self.script.judge_hangs.swap(false, Ordering::SeqCst) {
            std::thread::sleep(Duration::from_secs(4));
        }
        std::thread::sleep(Duration::from_millis(self.script.judge_ms.load(Ordering::SeqCst)));
        let test = shown(&pair.test);
        let reference = pair.reference.as_deref().map(shown);
        self.script.judged.lock().unwrap().push((pair.number, test, reference));
        let is_conforming = is_good(test) && self.identity.name != "b";
        let outcome = if is_conforming { Outcome::Conforming } else { Outcome::Mismatch };
        let mut judgement = Judgement::from(outcome);
        if self.script.watches_drift.load(Ordering::SeqCst) {
            let shift_px = self.script.shift_px.load(Ordering::SeqCst) as f32;
            let registration = Some(lying(shift_px + (pair.number % 3) as f32 * 0.1));
            judgement.details.findings =
                Some(Box::new(Findings { registration, ..Findings::default() }));
        }
        judgement
    }

    /// The recipe `gain.toml` sets one, and the other camera's exposure.
    fn controls(&self) -> [Controls; 2] {
        if self.identity.name != "gain" {
            return Default::default();
        }
        let test = Controls { exposure_us: Some(4_000.0), ..Controls::default() };
        [test, Controls { gain: Some(7), ..Controls::default() }]
    }

    fn drift(&self) -> Option<DriftConfig> {
        let raw = RawDrift { baseline_parts: Some(30), ..RawDrift::default() };
        self.script.watches_drift.load(Ordering::SeqCst).then(|| raw.validate().unwrap())
    }

    fn challenge(&mut self) -> Result<usize, String> {
        std::thread::sleep(Duration::from_millis(self.script.challenge_ms.load(Ordering::SeqCst)));
        if self.script.is_challenge_failing.load(Ordering::SeqCst) {
            return Err("golden \"bad-1\": judged conforming".to_owned());
        }
        Ok(2)
    }
}

/// Outputs that fail or panic once when told to.
struct Brittle {
    inner: DryRun,
    script: Arc<Script>,
}

impl Outputs for Brittle {
    fn set(&mut self, output: Output, is_active: bool) -> Result<(), signal::Error> {
        if output == Output::Pass && is_active {
            assert!(!self.script.outputs_panic.swap(false, Ordering::SeqCst), "outputs on purpose");
            if self.script.outputs_fail.swap(false, Ordering::SeqCst) {
                let line = "gpiochip0: line 4".to_owned();
                let reason = "gone".to_owned();
                return Err(signal::Error::Io { line, action: "set", reason });
            }
        }
        self.inner.set(output, is_active)
    }

    fn release(&mut self) -> Result<(), signal::Error> {
        self.inner.release()
    }
}

fn lying(shift_px: f32) -> Registration {
    Registration {
        mode: AlignMode::Translation,
        shift_px: [shift_px, 0.0],
        rotation_deg: 0.0,
        scale: 1.0,
        local: None,
        residual: None,
        repeats_at_px: None,
        resampled: false,
    }
}

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::budget::{Budget, MOST_SAVED, SHARE};
use super::display::Display;
use super::mailbox::{Mailbox, Taken};
use super::{Error, Panel, Scene};

/// How often the thread looks around when nothing comes: a lost display is noticed by then.
const IDLE: Duration = Duration::from_secs(2);
/// After the first failure to open a display; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest wait: so long a display that is back stays dark.
const MOST_WAIT: Duration = Duration::from_secs(5);

/// How often the whole screen is drawn anew: what others wrote over it, as the kernel's console does,
/// is gone by then.
const ANEW: Duration = Duration::from_secs(60);

/// The thread that draws scenes on a display.
///
/// [`PanelThread::show`] never waits: the newest scene wins. A display that is missing or lost is opened
/// again with growing waits. Dropping it ends the thread.
#[derive(Debug)]
pub struct PanelThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What happened to scenes and to the display.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PanelCounts {
    /// Scenes that were drawn.
    pub drawn: u64,
    /// Scenes that a newer one replaced before they were drawn.
    pub skipped: u64,
    /// Times that the display could not be opened or was lost.
    pub display_failures: u64,
    /// Texts that did not fit.
    pub cut_texts: u64,
    /// Characters that the faces do not have.
    pub unknown_glyphs: u64,
    /// Processor time of the thread, in milliseconds.
    pub processor_ms: u64,
    /// Why nothing is shown now.
    pub fault: Option<String>,
}

#[derive(Debug)]
struct Shared {
    mailbox: Mailbox<Box<Scene>>,
    drawn: AtomicU64,
    failures: AtomicU64,
    cut: AtomicU64,
    unknown: AtomicU64,
    processor_ms: AtomicU64,
    fault: Mutex<Option<String>>,
}

impl Shared {
    fn new() -> Self {
        Self {
            mailbox: Mailbox::new(),
            drawn: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            cut: AtomicU64::new(0),
            unknown: AtomicU64::new(0),
            processor_ms: AtomicU64::new(0),
            fault: Mutex::new(None),
        }
    }
}

impl PanelThread {
    /// Starts the thread; `open` is called for the display at first and whenever it was lost.
    ///
    /// # Errors
    /// [`Error::Failed`] when the system has no thread left. A display that cannot be opened is none:
    /// it is tried again and counted.
    pub fn start<F>(open: F) -> Result<Self, Error>
    where
        F: FnMut() -> Result<Box<dyn Display>, Error> + Send + 'static,
    {
        let shared = Arc::new(Shared::new());
        let inside = shared.clone();
        let spawned = std::thread::Builder::new()
            .name("panel".to_owned())
            .spawn(move || Runner::new(inside, open).run());
        let thread = spawned.map_err(|error| Error::Failed {
            subject: "panel thread".to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Shows a scene as soon as the thread comes to it; a scene that waits there is replaced.
    pub fn show(&self, scene: Scene) {
        self.shared.mailbox.put(Box::new(scene));
    }

    /// What happened until now.
    pub fn counts(&self) -> PanelCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let shared = &self.shared;
        PanelCounts {
            drawn: read(&shared.drawn),
            skipped: shared.mailbox.replaced(),
            display_failures: read(&shared.failures),
            cut_texts: read(&shared.cut),
            unknown_glyphs: read(&shared.unknown),
            processor_ms: read(&shared.processor_ms),
            fault: shared.fault.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

impl Drop for PanelThread {
    fn drop(&mut self) {
        self.shared.mailbox.close();
        if let Some(thread) = self.thread.take() {
            // It catches its panics; a thread that panicked nevertheless has ended too.
            let _ = thread.join();
        }
    }
}

struct Runner<F> {
    shared: Arc<Shared>,
    open: F,
    panel: Panel,
    display: Option<Box<dyn Display>>,
    /// What is or should be on the screen: it is drawn again on a display that is back.
    latest: Option<Box<Scene>>,
    wait: Duration,
    started: Instant,
    /// When the whole screen was drawn last.
    whole: Instant,
}

impl<F: FnMut() -> Result<Box<dyn Display>, Error>> Runner<F> {
    fn new(shared: Arc<Shared>, open: F) -> Self {
        let (panel, started) = (Panel::new(), Instant::now());
        let (display, latest, wait, whole) = (None, None, FIRST_WAIT, started);
        Self { shared, open, panel, display, latest, wait, started, whole }
    }

    fn run(mut self) {
        let mut budget = Budget::new(SHARE, MOST_SAVED, Duration::ZERO);
        loop {
            let pause = budget.wait(self.started.elapsed());
            if !pause.is_zero() && self.shared.mailbox.wait_closed(pause) {
                return;
            }
            // A display that is missing has been waited for already.
            let idle = if self.display.is_some() { IDLE } else { Duration::ZERO };
            match self.shared.mailbox.take(idle) {
                Taken::Closed => return,
                Taken::New(scene) => self.latest = Some(scene),
                Taken::Nothing => {}
            }
            let before = processor_time();
            let result = self.turn();
            let now = processor_time();
            budget.spend(now.saturating_sub(before), self.started.elapsed());
            let processor_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
            self.shared.processor_ms.store(processor_ms, Ordering::Relaxed);
            if let Err(error) = result
                && self.lost(&error)
            {
                return;
            }
        }
    }

    /// Opens the display if it is not open, and draws what is new.
    fn turn(&mut self) -> Result<(), Error> {
        if self.display.is_none() {
            self.panel.forget();
            self.display = Some(guarded(&mut self.open)?);
            log::info!("panel: the display is open");
        }
        let (Some(display), Some(scene)) = (self.display.as_mut(), self.latest.as_ref()) else {
            return Ok(());
        };
        let panel = &mut self.panel;
        if self.whole.elapsed() >= ANEW {
            self.whole = Instant::now();
            panel.forget();
        }
        let drawn = guarded(|| panel.show(scene, display.as_mut()))?;
        self.wait = FIRST_WAIT;
        if drawn.areas > 0 {
            self.shared.drawn.fetch_add(1, Ordering::Relaxed);
            add(&self.shared.cut, drawn.cut_texts, "a text does not fit and is cut");
            add(
                &self.shared.unknown,
                drawn.unknown_glyphs,
                "a text has characters without a glyph",
            );
        }
        *self.shared.fault.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    /// Notes a lost display and waits; whether the panel was closed meanwhile.
    fn lost(&mut self, error: &Error) -> bool {
        self.display = None;
        self.panel = Panel::new();
        self.shared.failures.fetch_add(1, Ordering::Relaxed);
        let text = error.to_string();
        let mut fault = self.shared.fault.lock().unwrap_or_else(PoisonError::into_inner);
        // Each reason once: a display that stays away would fill the log.
        if fault.as_ref() != Some(&text) {
            log::warn!("panel: {text}; it is tried again");
            *fault = Some(text);
        }
        drop(fault);
        let wait = self.wait;
        self.wait = (wait * 2).min(MOST_WAIT);
        self.shared.mailbox.wait_closed(wait)
    }
}

/// Counts what is not shown as it was meant; the first is told.
fn add(count: &AtomicU64, more: u64, what: &str) {
    if more > 0 && count.fetch_add(more, Ordering::Relaxed) == 0 {
        log::warn!("panel: {what}; further ones are counted in the status");
    }
}

/// A panic of a driver or of the drawing is an error like any other: the line goes on.
fn guarded<T>(action: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(action)).unwrap_or_else(|_| {
        let reason = "a panic; its message stands before this one".to_owned();
        Err(Error::Failed { subject: "panel".to_owned(), reason })
    })
}

/// Processor time of this thread.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    // Less than a second.
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use embedded_graphics::geometry::Size;
    use embedded_graphics::pixelcolor::Rgb888;
    use embedded_graphics::primitives::Rectangle;

    use super::*;
    use crate::panel::{Language, demo};

    /// Counts the pixels that it is given.
    struct Counting(Arc<AtomicU64>);

    impl Display for Counting {
        fn size(&self) -> Size {
            Size::new(320, 240)
        }

        fn write(&mut self, _: &Rectangle, pixels: &[Rgb888]) -> Result<(), Error> {
            self.0.fetch_add(pixels.len() as u64, Ordering::Relaxed);
            Ok(())
        }

        fn flush(&mut self) -> Result<(), Error> {
            Ok(())
        }
    }

    #[test]
    fn what_others_wrote_over_the_screen_is_gone_after_a_minute() {
        let pixels = Arc::<AtomicU64>::default();
        let inside = pixels.clone();
        let open = move || Ok(Box::new(Counting(inside.clone())) as Box<dyn Display>);
        let mut runner = Runner::new(Arc::new(Shared::new()), open);
        runner.latest = Some(Box::new(demo::scenes(Language::En, None).swap_remove(0).1));
        let mut turn = |since: Duration| {
            runner.whole = Instant::now().checked_sub(since).unwrap();
            pixels.store(0, Ordering::Relaxed);
            runner.turn().unwrap();
            pixels.load(Ordering::Relaxed)
        };
        assert!(turn(Duration::ZERO) >= 320 * 240, "the first scene");
        assert_eq!(turn(Duration::ZERO), 0, "nothing is new");
        assert!(turn(ANEW) >= 320 * 240);
    }
}

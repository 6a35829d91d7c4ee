//! The thread with displays that are slow, lost, absent or broken.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use embedded_graphics::geometry::Size;
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::primitives::Rectangle;
use image::RgbImage;

use super::frames;
use crate::panel::{Display, Error, Language, Memory, PanelThread, Scene, demo};

/// A display whose picture can be seen from outside, and that does as it is told.
struct Watched {
    memory: Memory,
    seen: Arc<Mutex<RgbImage>>,
    flushes: Arc<AtomicUsize>,
    /// Fails at this flush.
    fails_at: usize,
    delay: Duration,
}

impl Display for Watched {
    fn size(&self) -> Size {
        Display::size(&self.memory)
    }

    fn write(&mut self, area: &Rectangle, pixels: &[Rgb888]) -> Result<(), Error> {
        self.memory.write(area, pixels)
    }

    fn flush(&mut self) -> Result<(), Error> {
        std::thread::sleep(self.delay);
        if self.flushes.fetch_add(1, Ordering::SeqCst) + 1 == self.fails_at {
            return Err(unplugged());
        }
        *self.seen.lock().unwrap() = self.memory.image().clone();
        Ok(())
    }
}

fn unplugged() -> Error {
    Error::Failed { subject: "/dev/fb0".to_owned(), reason: "unplugged".to_owned() }
}

fn scenes() -> Vec<Scene> {
    demo::scenes(Language::En, Some(&frames())).into_iter().map(|(_, scene)| scene).collect()
}

/// Starts a thread whose displays fail at the flush given, each opened `absent` times in vain.
fn started(
    (absent, fails_at): (usize, usize),
    delay: Duration,
) -> (PanelThread, Arc<Mutex<RgbImage>>) {
    let seen = Arc::new(Mutex::new(RgbImage::new(1, 1)));
    let (flushes, opened) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
    let inside = seen.clone();
    let thread = PanelThread::start(move || {
        if opened.fetch_add(1, Ordering::SeqCst) < absent {
            return Err(unplugged());
        }
        let memory = Memory::new(Size::new(320, 240))?;
        let (seen, flushes) = (inside.clone(), flushes.clone());
        Ok(Box::new(Watched { memory, seen, flushes, fails_at, delay }))
    });
    (thread.unwrap(), seen)
}

fn wait_until(condition: impl Fn() -> bool) {
    let since = Instant::now();
    while !condition() {
        assert!(since.elapsed() < Duration::from_secs(30), "it never came");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn picture_of(scene: &Scene) -> RgbImage {
    let mut memory = Memory::new(Size::new(320, 240)).unwrap();
    crate::panel::Panel::new().draw(scene, &mut memory).unwrap();
    memory.image().clone()
}

#[test]
fn a_display_that_comes_later_shows_the_newest_scene() {
    let (thread, seen) = started((2, usize::MAX), Duration::ZERO);
    let scenes = scenes();
    thread.show(scenes[0].clone());
    thread.show(scenes[5].clone());
    let expected = picture_of(&scenes[5]);
    wait_until(|| *seen.lock().unwrap() == expected);
    wait_until(|| thread.counts().fault.is_none());
    assert_eq!(thread.counts().display_failures, 2);
}

#[test]
fn a_display_that_is_lost_is_opened_again_and_drawn_whole() {
    let (thread, seen) = started((0, 1), Duration::ZERO);
    let scene = scenes().swap_remove(3);
    thread.show(scene.clone());
    let expected = picture_of(&scene);
    wait_until(|| *seen.lock().unwrap() == expected);
    // It is counted after it was shown.
    wait_until(|| thread.counts().drawn == 1);
    assert_eq!(thread.counts().display_failures, 1);
}

#[test]
fn a_slow_display_makes_nobody_wait_and_skips_what_is_old() {
    let (thread, seen) = started((0, usize::MAX), Duration::from_millis(40));
    let scenes = scenes();
    let since = Instant::now();
    for scene in scenes.iter().cycle().take(200) {
        thread.show(scene.clone());
    }
    let took = since.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    let expected = picture_of(&scenes[(200 - 1) % scenes.len()]);
    wait_until(|| *seen.lock().unwrap() == expected);
    let counts = thread.counts();
    assert!(counts.drawn < 100 && counts.skipped > 100, "{counts:?}");
}

#[test]
fn a_panic_of_a_driver_is_an_error_that_is_counted() {
    let calls = Arc::new(AtomicU64::new(0));
    let inside = calls.clone();
    let thread = PanelThread::start(move || {
        assert!(inside.fetch_add(1, Ordering::SeqCst) > 0, "a driver's bug");
        Ok(Box::new(Memory::new(Size::new(320, 240))?))
    })
    .unwrap();
    thread.show(scenes().swap_remove(0));
    wait_until(|| thread.counts().drawn == 1);
    assert_eq!(thread.counts().display_failures, 1);
}

#[test]
fn a_thread_without_any_display_ends_when_it_is_dropped() {
    let (thread, _) = started((usize::MAX, 0), Duration::ZERO);
    wait_until(|| thread.counts().display_failures > 0);
    assert!(thread.counts().fault.is_some_and(|text| text.contains("unplugged")));
    let since = Instant::now();
    drop(thread);
    assert!(since.elapsed() < Duration::from_secs(2));
}

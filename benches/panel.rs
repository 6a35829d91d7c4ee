//! What the panel costs: `cargo bench --bench panel`.
//!
//! A screen of 800x480 shows a new part each second of line time, with pairs of 1280x1280 and every second one
//! a mismatch. Prints the processor time of a scene, and the share of one core that one part a
//! second comes to; fails above the limit of 3 %.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use embedded_graphics::geometry::Size;
use image::{GrayImage, Luma};
use pairspec::frame::{Frame, Pixels, Rect};
use pairspec::panel::{DemoFrames, Language, Memory, Outcome, Panel, Screen, demo_scenes};
use rustix::time::{ClockId, clock_gettime};

const PARTS: u32 = 200;
const SIDE: u32 = 1_280;
const MOST_PERCENT: f64 = 3.0;

fn main() {
    let frames = DemoFrames {
        mismatch: [frame(1), frame(2)],
        fault: Rect::new(900, 300, 120, 90),
        conforming: [frame(3), frame(4)],
    };
    for language in [Language::En, Language::Ja] {
        let mut display = Memory::new(Size::new(800, 480)).unwrap();
        let mut panel = Panel::new();
        let scenes = demo_scenes(language, Some(&frames));
        let mut pixels = 0;
        let mut slowest = Duration::ZERO;
        let before = processor_time();
        for part in 0..PARTS {
            let (_, mut scene) = scenes[part as usize % 2].clone();
            scene.counters.parts += u64::from(part);
            if let Screen::Running(Some(shown)) = &mut scene.screen {
                shown.number += u64::from(part);
                // New frames: nothing of the pictures is shown already.
                shown.test = shown.test.as_ref().map(|test| Arc::new(Frame::clone(test)));
                assert_eq!(shown.outcome == Outcome::Mismatch, part % 2 == 0);
            }
            let start = processor_time();
            pixels += panel.draw(&scene, &mut display).unwrap().pixels;
            slowest = slowest.max(processor_time() - start);
        }
        let each = (processor_time() - before) / PARTS;
        // One part a second: milliseconds of a second.
        let percent = each.as_secs_f64() * 100.0;
        let share = f64::from(u32::try_from(pixels / u64::from(PARTS)).unwrap()) / 3_840.0;
        println!(
            "{language:?}: {each:.2?} a part, slowest {slowest:.2?}, {share:.0} % of the pixels, {percent:.2} % of one core at 1 part/s"
        );
        assert!(percent <= MOST_PERCENT, "{percent:.2} %");
    }
}

fn frame(seed: u32) -> Arc<Frame> {
    let image = GrayImage::from_fn(SIDE, SIDE, |x, y| Luma([((x * seed) ^ y) as u8]));
    Arc::new(Frame::new(Pixels::Gray(image), 8, "bench").unwrap())
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

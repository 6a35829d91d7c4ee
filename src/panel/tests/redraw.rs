use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Size};
use embedded_graphics::pixelcolor::{PixelColor, Rgb565, Rgb888, RgbColor};
use embedded_graphics::primitives::Rectangle;

use super::frames;
use crate::panel::{Drawn, Language, Panel, Scene, Screen, demo};

/// A target that counts what is written to it, and fails at a call when it is told to.
struct Counting<C> {
    size: Size,
    pixels: Vec<C>,
    written: u64,
    calls: usize,
    fails_at: Option<usize>,
}

impl<C: PixelColor + From<Rgb888>> Counting<C> {
    fn new(width: u32, height: u32) -> Self {
        let pixels = vec![C::from(Rgb888::MAGENTA); (width * height) as usize];
        Self { size: Size::new(width, height), pixels, written: 0, calls: 0, fails_at: None }
    }

    fn draw(&mut self, panel: &mut Panel, scene: &Scene) -> (Drawn, u64) {
        self.written = 0;
        let drawn = panel.draw(scene, self).unwrap();
        (drawn, self.written)
    }
}

impl<C> OriginDimensions for Counting<C> {
    fn size(&self) -> Size {
        self.size
    }
}

impl<C: PixelColor + From<Rgb888>> DrawTarget for Counting<C> {
    type Color = C;
    type Error = &'static str;

    fn draw_iter<I: IntoIterator<Item = Pixel<C>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Self::Error> {
        for Pixel(at, color) in pixels {
            let index = at.y as usize * self.size.width as usize + at.x as usize;
            self.pixels[index] = color;
            self.written += 1;
        }
        Ok(())
    }

    fn fill_contiguous<I: IntoIterator<Item = C>>(
        &mut self,
        area: &Rectangle,
        colors: I,
    ) -> Result<(), Self::Error> {
        use embedded_graphics::prelude::PointsIter;
        self.calls += 1;
        if self.fails_at == Some(self.calls) {
            return Err("unplugged");
        }
        self.draw_iter(area.points().zip(colors).map(|(at, color)| Pixel(at, color)))
    }
}

fn scenes() -> Vec<(&'static str, Scene)> {
    demo::scenes(Language::En, Some(&frames()))
}

#[test]
fn a_scene_that_is_shown_already_writes_no_pixel() {
    let scenes = scenes();
    for (name, scene) in &scenes {
        let (mut panel, mut target) = (Panel::new(), Counting::<Rgb888>::new(800, 480));
        let (_, written) = target.draw(&mut panel, scene);
        assert!(written >= 800 * 480, "{name}");
        let (drawn, written) = target.draw(&mut panel, &scene.clone());
        assert_eq!((drawn.areas, drawn.pixels, written), (0, 0, 0), "{name}");
    }
}

#[test]
fn only_the_areas_that_changed_are_written() {
    let mut scene = scenes().swap_remove(0).1;
    let (mut panel, mut target) = (Panel::new(), Counting::<Rgb565>::new(800, 480));
    target.draw(&mut panel, &scene);
    scene.counters.conforming += 1;
    scene.counters.parts += 1;
    let (drawn, written) = target.draw(&mut panel, &scene);
    // Three cells: parts, conforming ones, and the yield's last digit if it turned.
    assert!((2..=3).contains(&drawn.areas), "{drawn:?}");
    assert_eq!(drawn.pixels, written);
    assert!(written < 800 * 480 / 20, "{written}");
}

#[test]
fn going_from_any_screen_to_any_other_leaves_nothing_behind() {
    let scenes = scenes();
    for (width, height) in [(320, 240), (480, 320)] {
        let fresh: Vec<Vec<Rgb888>> = scenes
            .iter()
            .map(|(_, scene)| {
                let mut target = Counting::new(width, height);
                target.draw(&mut Panel::new(), scene);
                target.pixels
            })
            .collect();
        let (mut panel, mut target) = (Panel::new(), Counting::<Rgb888>::new(width, height));
        for from in 0..scenes.len() {
            for to in 0..scenes.len() {
                target.draw(&mut panel, &scenes[from].1);
                target.draw(&mut panel, &scenes[to].1);
                assert!(target.pixels == fresh[to], "{} to {}", scenes[from].0, scenes[to].0);
            }
        }
    }
}

#[test]
fn after_a_failure_at_any_call_the_next_scene_is_drawn_whole() {
    let scene = scenes().swap_remove(0).1;
    let mut whole = Counting::<Rgb888>::new(480, 320);
    whole.draw(&mut Panel::new(), &scene);
    for call in 1..=whole.calls {
        let (mut panel, mut target) = (Panel::new(), Counting::<Rgb888>::new(480, 320));
        target.fails_at = Some(call);
        assert!(panel.draw(&scene, &mut target).is_err());
        target.draw(&mut panel, &scene);
        assert!(target.pixels == whole.pixels, "call {call}");
    }
}

#[test]
fn sixteen_bits_show_the_same_screen() {
    for (name, scene) in scenes() {
        let mut fine = Counting::<Rgb888>::new(320, 240);
        let mut coarse = Counting::<Rgb565>::new(320, 240);
        fine.draw(&mut Panel::new(), &scene);
        coarse.draw(&mut Panel::new(), &scene);
        let expected: Vec<Rgb565> = fine.pixels.iter().map(|&color| color.into()).collect();
        assert!(coarse.pixels == expected, "{name}");
    }
}

#[test]
fn every_size_and_orientation_is_drawn_without_a_hole() {
    for (width, height) in
        [(320, 240), (240, 320), (480, 320), (480, 800), (1024, 600), (1280, 800), (800, 1280)]
    {
        for (name, scene) in scenes() {
            let mut target = Counting::<Rgb888>::new(width, height);
            target.draw(&mut Panel::new(), &scene);
            let is_untouched = |color: &Rgb888| *color == Rgb888::MAGENTA;
            assert!(!target.pixels.iter().any(is_untouched), "{name} {width}x{height}");
        }
    }
}

#[test]
fn wild_text_and_numbers_are_drawn_and_counted() {
    let mut scene = scenes().swap_remove(0).1;
    let Screen::Running(Some(part)) = &mut scene.screen else { panic!("not the running screen") };
    let finding = part.finding.as_mut().unwrap();
    finding.sentence = "\u{1f600} there is a bridge of copper \u{0}\u{7}\u{202e}".repeat(40);
    finding.label = "\u{9577}".repeat(500);
    (finding.score, finding.threshold) = (f32::NAN, f32::INFINITY);
    part.boxes[0].label = finding.label.clone();
    scene.station = "x".repeat(10_000);
    scene.recipe = String::new();
    scene.counters.parts = u64::MAX;
    scene.counters.per_minute = f64::NAN;
    for (width, height) in [(320, 240), (800, 480), (480, 800)] {
        let mut target = Counting::<Rgb888>::new(width, height);
        let (drawn, _) = target.draw(&mut Panel::new(), &scene);
        assert!(drawn.cut_texts > 0, "{drawn:?}");
        assert!(width < 480 || drawn.unknown_glyphs > 0, "{drawn:?}");
    }
}

#![allow(clippy::unwrap_used)]

use super::LabelFault;
use super::design::{Design, Element};
use crate::dice::Dice;
use crate::synth::{Config, Kind, RenderedPair, Renderer, Style};

fn renderer(style: Style, benign: f32) -> Renderer {
    let config = Config {
        size: 320,
        kinds: vec![Kind::Label],
        styles: vec![style],
        conforming_share: 0.0,
        benign,
        ..Config::default()
    };
    Renderer::new(21, config).unwrap()
}

/// Pixels that differ clearly: those inside some box and those outside all.
fn changes(pair: &RenderedPair) -> (usize, usize) {
    let (before, after) = (pair.reference.luma(), pair.test.luma());
    let mut counts = (0, 0);
    for (x, y, level) in before.enumerate_pixels() {
        if level.0[0].abs_diff(after.get_pixel(x, y).0[0]) > 3 {
            let at = (x as f32, y as f32);
            let boxed = pair.boxes.iter().any(|found| found.rect.contains(at));
            *if boxed { &mut counts.0 } else { &mut counts.1 } += 1;
        }
    }
    counts
}

#[test]
fn without_benign_differences_all_changes_lie_in_the_boxes() {
    for style in [Style::Binary, Style::Grey, Style::Colour] {
        for index in 0..6 {
            let pair = renderer(style, 0.0).pair(index);
            let (boxed, outside) = changes(&pair);
            assert_eq!(outside, 0, "{style:?} {index} {:?}", pair.boxes);
            assert!(pair.boxes.is_empty() || boxed > 20, "{style:?} {index} {:?}", pair.boxes);
        }
    }
}

#[test]
fn every_kind_of_fault_is_drawn() {
    let renderer = renderer(Style::Grey, 1.0);
    let classes: Vec<String> =
        (0..60).flat_map(|index| renderer.pair(index).boxes).map(|found| found.class).collect();
    for fault in LabelFault::ALL {
        assert!(classes.iter().any(|class| class == fault.class()), "{fault:?}");
    }
}

#[test]
fn another_print_has_the_same_place_and_is_another() {
    let mut dice = Dice::new(3, 0);
    let elements: Vec<Element> =
        (0..20).flat_map(|_| Design::random(&mut dice, 680.0).elements).collect();
    for element in elements {
        let other = element.print.other(&mut dice);
        assert_ne!(other, element.print);
        assert_eq!(other.is_code(), element.print.is_code());
    }
}

#![allow(clippy::unwrap_used)]

use pairspec::frame::Rect;

use super::BoardFault;
use super::site::Topology;
use crate::synth::raster::Mask;
use crate::synth::{Config, RenderedPair, Renderer, Style};

/// Exactly one fault of one kind in each pair, and nothing else that differs.
fn only(fault: BoardFault, style: Style) -> Renderer {
    let config = Config {
        size: 320,
        styles: vec![style],
        conforming_share: 0.0,
        faults: (1, 1),
        board_faults: vec![fault],
        shared_faults: 0.0,
        benign: 0.0,
        box_margin: 12,
        ..Config::default()
    };
    Renderer::new(11, config).unwrap()
}

fn copper(frame: &pairspec::frame::Frame) -> Mask {
    let luma = frame.luma();
    Mask::new(luma.width() as usize, luma.as_raw().iter().map(|level| *level < 128).collect())
}

fn inside(mask: &Mask, rect: Rect) -> Mask {
    let start = (rect.x as i32, rect.y as i32);
    mask.window(start, (rect.right() as i32, rect.bottom() as i32))
}

/// Pixels that were gained and lost.
fn changes(before: &Mask, after: &Mask) -> (usize, usize) {
    let pairs = || before.bits().iter().zip(after.bits());
    (pairs().filter(|(a, b)| !**a && **b).count(), pairs().filter(|(a, b)| **a && !**b).count())
}

/// Each faulty region of some pairs, before and after.
fn regions(fault: BoardFault) -> Vec<(Mask, Mask)> {
    let renderer = only(fault, Style::Binary);
    let pairs: Vec<RenderedPair> = (0..12).map(|index| renderer.pair(index)).collect();
    let regions: Vec<(Mask, Mask)> = pairs
        .iter()
        .flat_map(|pair| {
            let (before, after) = (copper(&pair.reference), copper(&pair.test));
            pair.boxes
                .iter()
                .map(|found| (inside(&before, found.rect), inside(&after, found.rect)))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(regions.len() >= 8, "{fault:?}: {} of 12 boards had room", regions.len());
    regions
}

#[test]
fn an_open_divides_a_net() {
    for (before, after) in regions(BoardFault::Open) {
        assert!(Topology::of(&after).nets > Topology::of(&before).nets);
        assert_eq!(changes(&before, &after).0, 0, "an open adds no copper");
    }
}

#[test]
fn a_short_joins_two_nets() {
    for (before, after) in regions(BoardFault::Short) {
        assert!(Topology::of(&after).nets < Topology::of(&before).nets);
        assert_eq!(changes(&before, &after).1, 0, "a short takes no copper");
    }
}

#[test]
fn a_mousebite_takes_from_the_contour_only() {
    for (before, after) in regions(BoardFault::Mousebite) {
        assert_eq!(Topology::of(&after), Topology::of(&before));
        let (gained, lost) = changes(&before, &after);
        assert!(gained == 0 && lost >= 18);
    }
}

#[test]
fn a_spur_adds_to_the_contour_only() {
    for (before, after) in regions(BoardFault::Spur) {
        assert_eq!(Topology::of(&after), Topology::of(&before));
        let (gained, lost) = changes(&before, &after);
        assert!(gained >= 18 && lost == 0);
    }
}

#[test]
fn spurious_copper_is_a_net_of_its_own() {
    for (before, after) in regions(BoardFault::Copper) {
        let (old, new) = (Topology::of(&before), Topology::of(&after));
        assert_eq!((new.nets, new.bare), (old.nets + 1, old.bare));
    }
}

#[test]
fn a_pin_hole_is_surrounded_by_copper() {
    for (before, after) in regions(BoardFault::PinHole) {
        let (old, new) = (Topology::of(&before), Topology::of(&after));
        assert_eq!((new.nets, new.bare), (old.nets, old.bare + 1));
    }
}

#[test]
fn without_benign_differences_all_changes_lie_in_the_boxes() {
    for fault in BoardFault::ALL {
        for style in [Style::Binary, Style::Grey, Style::Colour] {
            let pair = only(fault, style).pair(3);
            let (before, after) = (pair.reference.luma(), pair.test.luma());
            for (x, y, level) in before.enumerate_pixels() {
                let differs = level.0[0].abs_diff(after.get_pixel(x, y).0[0]) > 2;
                let at = (x as f32, y as f32);
                let boxed = pair.boxes.iter().any(|found| found.rect.contains(at));
                assert!(!differs || boxed, "{fault:?} {style:?} {x} {y}");
            }
        }
    }
}

#[test]
fn sound_boards_differ_only_near_their_contours() {
    let config = Config { size: 320, conforming_share: 1.0, ..Config::default() };
    let renderer = Renderer::new(5, config).unwrap();
    for index in 0..6 {
        let pair = renderer.pair(index);
        assert!(pair.boxes.is_empty() && pair.captions[1].ends_with("without faults"));
        let (before, after) = (copper(&pair.reference), copper(&pair.test));
        let far = |x: i32, y: i32| {
            let value = after.at(x, y);
            let reach = -9..=9;
            reach.clone().all(|dy| reach.clone().all(|dx| before.at(x + dx, y + dy) != value))
        };
        let lonely = (0..320 * 320).filter(|place| far(place % 320, place / 320)).count();
        assert!(lonely <= 12, "pair {index}: {lonely} pixels");
        assert_ne!(changes(&before, &after), (0, 0), "two exposures never agree entirely");
    }
}

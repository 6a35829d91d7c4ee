//! Scenes: kinds of boards, drawn at random within the design rules of each.
//!
//! Owns what boards look like at 48 px/mm: footprints, bundles of traces, traces that find their
//! way between pads, planes with channels and apertures, wide bars.
//!
//! It draws sound copper only; faults and cameras come later.

mod bars;
mod footprint;
mod plane;
mod route;
mod style;

use super::layout::Layout;
use crate::dice::Dice;
pub(crate) use style::Style;

/// Draws a board of one kind on a square of so many pixels.
type Scene = fn(&mut Dice, usize) -> Layout;

/// The kinds of boards and how often each is drawn.
const SCENES: [(&str, f32, Scene); 6] = [
    ("fine", 0.24, fine),
    ("dense", 0.22, dense),
    ("drilled", 0.2, drilled),
    ("mounted", 0.12, mounted),
    ("plane", 0.14, plane::plane),
    ("bars", 0.08, bars::bars),
];

/// Draws a board of any kind on a square of `extent` pixels; also gives the kind's name.
pub(crate) fn draw(dice: &mut Dice, extent: usize) -> (&'static str, Layout) {
    let chosen = dice.weighted(&SCENES.map(|scene| scene.1));
    let (name, _, scene) = SCENES[chosen];
    (name, scene(dice, extent))
}

/// Thin traces far apart, vias, small pads.
fn fine(dice: &mut Dice, extent: usize) -> Layout {
    let mut layout = Layout::new(dice, extent, false);
    let style = Style::fine(dice);
    layout.note("fine traces");
    for _ in 0..dice.whole(1, 4) {
        footprint::any(dice, &mut layout, &style);
    }
    for _ in 0..dice.whole(0, 3) {
        let lines = dice.whole(2, 10);
        route::bundle(dice, &mut layout, &style, lines);
    }
    if dice.chance(0.3) {
        route::serpentine(dice, &mut layout, &style);
    }
    let pads = dice.whole(2, 14);
    footprint::scattered(dice, &mut layout, &style, pads);
    let traces = dice.whole(20, 120);
    route::wander(dice, &mut layout, &style, traces);
    layout
}

/// Many traces close together.
fn dense(dice: &mut Dice, extent: usize) -> Layout {
    let mut layout = Layout::new(dice, extent, false);
    let style = Style::dense(dice);
    layout.note("dense parallel traces");
    if dice.chance(0.5) {
        footprint::any(dice, &mut layout, &style);
    }
    for _ in 0..dice.whole(2, 5) {
        let lines = dice.whole(5, 18);
        route::bundle(dice, &mut layout, &style, lines);
    }
    for _ in 0..dice.whole(0, 3) {
        footprint::block(dice, &mut layout, &style);
    }
    for _ in 0..dice.whole(0, 3) {
        footprint::any(dice, &mut layout, &style);
    }
    let pads = dice.whole(0, 20);
    footprint::scattered(dice, &mut layout, &style, pads);
    let traces = dice.whole(60, 260);
    route::wander(dice, &mut layout, &style, traces);
    layout
}

/// Wide traces between large drilled pads.
fn drilled(dice: &mut Dice, extent: usize) -> Layout {
    let mut layout = Layout::new(dice, extent, false);
    let style = Style::drilled(dice);
    layout.note("wide traces");
    for _ in 0..dice.whole(0, 3) {
        footprint::block(dice, &mut layout, &style);
    }
    if dice.chance(0.4) {
        let lines = dice.whole(3, 12);
        let close = Style::dense(dice);
        route::bundle(dice, &mut layout, &close, lines);
    }
    for _ in 0..dice.whole(0, 2) {
        footprint::any(dice, &mut layout, &style);
    }
    let pads = dice.whole(2, 12);
    footprint::scattered(dice, &mut layout, &style, pads);
    let traces = dice.whole(20, 140);
    route::wander(dice, &mut layout, &style, traces);
    if dice.chance(0.5) {
        let thin = Style { trace: dice.between(7.0, 12.0), pad: style.pad * 0.6, ..style };
        let traces = dice.whole(10, 60);
        route::wander(dice, &mut layout, &thin, traces);
    }
    layout
}

/// Pads with round corners for mounted parts, chamfered areas, traces of middle width.
fn mounted(dice: &mut Dice, extent: usize) -> Layout {
    let mut layout = Layout::new(dice, extent, false);
    let style = Style::mounted(dice);
    layout.note("pads with round corners");
    for _ in 0..dice.whole(1, 6) {
        footprint::block(dice, &mut layout, &style);
    }
    for _ in 0..dice.whole(1, 4) {
        footprint::any(dice, &mut layout, &style);
    }
    let pads = dice.whole(2, 9);
    footprint::scattered(dice, &mut layout, &style, pads);
    let traces = dice.whole(20, 160);
    route::wander(dice, &mut layout, &style, traces);
    layout
}

use std::f32::consts::{FRAC_PI_2, FRAC_PI_4};

use super::super::layout::Layout;
use super::{Style, route};
use crate::dice::Dice;
use crate::synth::raster::{Point, Shape};

/// Copper nearly everywhere, divided by channels and large apertures.
pub(crate) fn plane(dice: &mut Dice, extent: usize) -> Layout {
    let mut layout = Layout::new(dice, extent, true);
    layout.note("copper planes");
    if dice.chance(0.5) {
        straight_channels(dice, &mut layout);
        for _ in 0..dice.whole(2, 6) {
            meander(dice, &mut layout);
        }
    } else {
        for _ in 0..dice.whole(1, 3) {
            large_aperture(dice, &mut layout);
        }
        for _ in 0..dice.whole(1, 4) {
            slanted_channel(dice, &mut layout);
        }
        for _ in 0..dice.whole(0, 3) {
            window(dice, &mut layout);
        }
    }
    for _ in 0..dice.whole(0, 3) {
        let place = anywhere(dice, &layout);
        layout.drill(place, dice.between(4.0, 30.0));
    }
    layout
}

/// Straight channels of various widths from side to side.
fn straight_channels(dice: &mut Dice, layout: &mut Layout) {
    let extent = layout.extent();
    for _ in 0..dice.whole(1, 5) {
        let y = dice.between(0.0, extent);
        let width = dice.log_between(8.0, 50.0);
        channel(layout, &[Point::new(-20.0, y), Point::new(extent + 20.0, y)], width);
        if width > 34.0 && dice.chance(0.5) {
            let inner = Shape::line(
                (Point::new(-20.0, y), Point::new(extent + 20.0, y)),
                width - dice.between(18.0, 26.0),
                0.0,
                0.0,
            );
            layout.add(&inner);
        }
    }
}

/// A channel that goes up and down, narrower in some pieces.
fn meander(dice: &mut Dice, layout: &mut Layout) {
    let extent = layout.extent();
    let width = dice.between(8.0, 18.0);
    let (step, height) = (dice.between(60.0, 140.0), dice.between(40.0, 110.0));
    let mut here = Point::new(dice.between(-100.0, 0.5 * extent), dice.between(0.0, extent));
    let mut up = dice.sign();
    for _ in 0..dice.whole(2, 12) {
        let corner = here.along(Point::new(1.0, 0.0), step);
        channel(layout, &[here, corner], width);
        let next = corner.along(Point::new(0.0, up), height);
        let narrow = if dice.chance(0.4) { width * dice.between(0.4, 0.8) } else { width };
        channel(layout, &[corner, next], narrow);
        up = if dice.chance(0.85) { -up } else { up };
        here = next;
    }
    channel(layout, &[here, here.along(Point::new(1.0, 0.0), extent)], width);
}

/// An area without copper bounded by a large arc.
fn large_aperture(dice: &mut Dice, layout: &mut Layout) {
    let extent = layout.extent();
    let radius = dice.log_between(60.0, 1200.0);
    let heading = Point::towards(dice.between(0.0, 4.0 * FRAC_PI_2));
    let edge = Point::new(dice.between(0.1, 0.9) * extent, dice.between(0.1, 0.9) * extent);
    layout.cut(&Shape::disc(edge.along(heading, radius), radius));
    if radius > 150.0 && dice.chance(0.5) {
        let inner = radius - dice.log_between(20.0, 140.0);
        layout.add(&Shape::disc(edge.along(heading, radius), inner));
    }
}

/// A channel from side to side, level or slanted, with one bend.
fn slanted_channel(dice: &mut Dice, layout: &mut Layout) {
    let extent = layout.extent();
    let bend = anywhere(dice, layout);
    let heading = dice.below(8) as f32 * FRAC_PI_4;
    let turn = if dice.chance(0.5) { dice.sign() * FRAC_PI_4 } else { 0.0 };
    let from = bend.along(Point::towards(heading), -1.5 * extent);
    let to = bend.along(Point::towards(heading + turn), 1.5 * extent);
    channel(layout, &[from, bend, to], dice.log_between(9.0, 45.0));
}

/// A rectangular area without copper, with copper details inside.
fn window(dice: &mut Dice, layout: &mut Layout) {
    let centre = anywhere(dice, layout);
    let size = (dice.between(80.0, 260.0), dice.between(80.0, 260.0));
    layout.cut(&Shape::rectangle(centre, size, 0.0, dice.between(1.0, 35.0)));
    match dice.below(3) {
        0 => {
            let tongue = (dice.between(14.0, 50.0), dice.between(20.0, 0.6 * size.1));
            let root = Point::new(centre.x, centre.y - size.1 / 2.0 + tongue.1 / 2.0 - 4.0);
            layout.add(&Shape::rectangle(root, (tongue.0, tongue.1 + 8.0), 0.0, 1.0));
        }
        1 => layout.add(&Shape::disc(centre, dice.between(10.0, 34.0))),
        _ => {
            let style = Style::fine(dice);
            let from = centre.along(Point::new(-1.0, 0.0), size.0 * 0.3);
            let to = centre.along(Point::new(1.0, 0.0), size.0 * 0.3);
            layout.add(&Shape::capsule(from, to, style.trace));
            for end in [from, to] {
                layout.add(&Shape::disc(end, style.pad / 2.0));
            }
            route::wander(dice, layout, &style, 1);
        }
    }
}

fn channel(layout: &mut Layout, points: &[Point], width: f32) {
    for ends in points.windows(2) {
        layout.cut(&Shape::line((ends[0], ends[1]), width, width / 2.0, width * 0.3));
    }
}

fn anywhere(dice: &mut Dice, layout: &Layout) -> Point {
    let extent = layout.extent();
    Point::new(dice.between(0.0, extent), dice.between(0.0, extent))
}

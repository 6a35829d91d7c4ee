use super::super::layout::Layout;
use super::Style;
use crate::dice::Dice;
use crate::synth::raster::{Point, Shape};

/// The pads of one part of any kind, where there is room.
pub(crate) fn any(dice: &mut Dice, layout: &mut Layout, style: &Style) {
    match dice.below(4) {
        0 => connector(dice, layout, style),
        1 => comb(dice, layout, style),
        2 => pairs(dice, layout, style),
        _ => rings(dice, layout, style),
    }
}

/// Single pads, vias and short bars.
pub(crate) fn scattered(dice: &mut Dice, layout: &mut Layout, style: &Style, count: usize) {
    for _ in 0..count {
        let centre = anywhere(dice, layout);
        let size = style.pad * dice.between(0.5, 1.2);
        let shape = if dice.chance(style.round) {
            Shape::disc(centre, size / 2.0)
        } else {
            let angle = if dice.chance(style.tilted) { dice.between(-0.6, 0.6) } else { 0.0 };
            Shape::rectangle(centre, (size, size * dice.between(0.5, 1.6)), angle, style.corner)
        };
        if !layout.is_free(&shape, style.gap) {
            continue;
        }
        layout.put(&shape);
        if matches!(shape, Shape::Disc { .. }) && size > 18.0 && dice.chance(style.drilled) {
            layout.drill(centre, size * dice.between(0.13, 0.3));
            layout.note("drill holes");
        }
    }
}

/// A large area with chamfered or round corners, perhaps with an aperture.
pub(crate) fn block(dice: &mut Dice, layout: &mut Layout, style: &Style) {
    let centre = anywhere(dice, layout);
    let size = (dice.between(70.0, 260.0), dice.between(60.0, 220.0));
    let shape = if dice.chance(0.5) {
        let chamfer = size.0.min(size.1) * dice.between(0.12, 0.4);
        let (x, y) = (size.0 / 2.0, size.1 / 2.0);
        let corners = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)];
        let mut points = Vec::new();
        for (index, (sx, sy)) in corners.into_iter().enumerate() {
            let near_x = Point::new(centre.x + sx * (x - chamfer), centre.y + sy * y);
            let near_y = Point::new(centre.x + sx * x, centre.y + sy * (y - chamfer));
            if dice.chance(0.3) {
                points.push(Point::new(centre.x + sx * x, centre.y + sy * y));
            } else if index % 2 == 0 {
                points.extend([near_y, near_x]);
            } else {
                points.extend([near_x, near_y]);
            }
        }
        Shape::polygon(&points)
    } else {
        Shape::rectangle(centre, size, 0.0, style.corner * 1.5)
    };
    if !layout.is_free(&shape, style.gap) {
        return;
    }
    layout.put(&shape);
    layout.note("copper areas");
    if dice.chance(0.25) {
        let slot = (size.0 * dice.between(0.2, 0.5), size.1 * dice.between(0.1, 0.3));
        layout.cut(&Shape::rectangle(centre, slot, 0.0, slot.1 / 2.0));
    }
    if dice.chance(0.3) {
        layout.drill(centre.along(Point::new(size.0 * 0.3, 0.0), 1.0), dice.between(4.0, 14.0));
    }
}

/// A grid of equal round pads.
fn connector(dice: &mut Dice, layout: &mut Layout, style: &Style) {
    let radius = style.pad * dice.between(0.4, 0.6);
    let pitch = 2.0 * radius + style.gap + style.trace * dice.between(1.0, 3.5);
    let (columns, rows) = (dice.whole(2, 7), dice.whole(1, 3));
    let corner = anywhere(dice, layout);
    let hole = dice.chance(style.drilled).then(|| radius * dice.between(0.3, 0.65));
    for index in 0..columns * rows {
        let step = ((index % columns) as f32 * pitch, (index / columns) as f32 * pitch);
        let centre = Point::new(corner.x + step.0, corner.y + step.1);
        let pad = Shape::disc(centre, radius);
        if !layout.is_free(&pad, style.gap) {
            continue;
        }
        layout.put(&pad);
        layout.note("round pads");
        if let Some(hole) = hole {
            layout.drill(centre, hole);
            layout.note("drill holes");
        }
        lead(dice, layout, style, centre);
    }
}

/// One or two rows of narrow pads.
fn comb(dice: &mut Dice, layout: &mut Layout, style: &Style) {
    let width = (style.trace * dice.between(1.0, 1.8)).max(8.0);
    let pitch = width + style.gap * dice.between(1.0, 1.6);
    let (length, count) = (dice.between(35.0, 90.0), dice.whole(4, 14));
    let rows = dice.whole(1, 2);
    let corner = anywhere(dice, layout);
    let round = if dice.chance(0.5) { width / 2.0 } else { style.corner.min(width / 3.0) };
    for row in 0..rows {
        let y = corner.y + row as f32 * (length * dice.between(2.0, 4.0));
        for column in 0..count {
            let centre = Point::new(corner.x + column as f32 * pitch, y);
            let pad = Shape::rectangle(centre, (width, length), 0.0, round);
            if layout.is_free(&pad, style.gap * 0.6) {
                layout.put(&pad);
                layout.note("narrow pads");
                if dice.chance(0.5) {
                    let down = if row == 0 { 1.0 } else { -1.0 };
                    let inner = centre.along(Point::new(0.0, down), length / 2.0);
                    let to = inner.along(Point::new(0.0, down), dice.between(10.0, 60.0));
                    join(layout, style, (inner, to));
                }
            }
        }
    }
}

/// Pairs of equal pads, each for a part with two ends, some joined by a trace.
fn pairs(dice: &mut Dice, layout: &mut Layout, style: &Style) {
    let size = (style.pad * dice.between(0.6, 1.1), style.pad * dice.between(0.7, 1.3));
    let apart = size.0 + dice.between(14.0, 50.0);
    let angle = if dice.chance(style.tilted) { dice.between(-0.6, 0.6) } else { 0.0 };
    for _ in 0..dice.whole(1, 6) {
        let centre = anywhere(dice, layout);
        let axis = Point::towards(angle);
        let pads = [-0.5, 0.5].map(|side| {
            Shape::rectangle(centre.along(axis, side * apart), size, angle, style.corner)
        });
        if pads.iter().any(|pad| !layout.is_free(pad, style.gap)) {
            continue;
        }
        pads.iter().for_each(|pad| layout.put(pad));
        layout.note("square pads");
        for side in [-0.5, 0.5] {
            lead(dice, layout, style, centre.along(axis, side * apart));
        }
    }
}

/// Pads whose holes are almost as large as they are, and not quite in the middle.
fn rings(dice: &mut Dice, layout: &mut Layout, style: &Style) {
    let radius = style.pad * dice.between(0.5, 0.9);
    let pitch = 2.0 * radius + style.gap + style.trace * dice.between(1.0, 4.0);
    let hole = radius * dice.between(0.5, 0.85);
    let off = Point::towards(dice.between(0.0, 6.3));
    let off = off.along(off, radius * dice.between(-1.0, -0.6));
    let corner = anywhere(dice, layout);
    for index in 0..dice.whole(1, 10) {
        let step = ((index % 5) as f32 * pitch, (index / 5) as f32 * pitch);
        let centre = Point::new(corner.x + step.0, corner.y + step.1);
        let pad = Shape::disc(centre, radius);
        if layout.is_free(&pad, style.gap) {
            layout.put(&pad);
            layout.drill(centre.along(off, 1.0), hole);
            layout.note("rings");
            lead(dice, layout, style, centre);
        }
    }
}

/// A trace that leaves a pad, if there is room after the pad itself.
fn lead(dice: &mut Dice, layout: &mut Layout, style: &Style, centre: Point) {
    if dice.chance(0.35) {
        return;
    }
    let heading = Point::towards(dice.below(8) as f32 * std::f32::consts::FRAC_PI_4);
    let clear = style.pad * 0.8 + style.gap + 4.0;
    let reach = clear + dice.log_between(15.0, 250.0);
    let free =
        Shape::capsule(centre.along(heading, clear), centre.along(heading, reach), style.trace);
    if layout.is_free(&free, style.gap) {
        join(layout, style, (centre, centre.along(heading, reach)));
        let bend = heading.turned(dice.sign() * std::f32::consts::FRAC_PI_4);
        let from = centre.along(heading, reach);
        let to = from.along(bend, dice.log_between(30.0, 300.0));
        let after = from.along(bend, style.gap + 2.0 * style.trace);
        if layout.is_free(&Shape::capsule(after, to, style.trace), style.gap) {
            join(layout, style, (from, to));
        }
    }
}

fn join(layout: &mut Layout, style: &Style, ends: (Point, Point)) {
    for piece in style.trace_along(&[ends.0, ends.1], style.trace) {
        layout.put(&piece);
    }
}

fn anywhere(dice: &mut Dice, layout: &Layout) -> Point {
    let extent = layout.extent();
    Point::new(dice.between(0.0, extent), dice.between(0.0, extent))
}

use std::f32::consts::FRAC_PI_4;

use super::super::layout::Layout;
use super::Style;
use crate::dice::Dice;
use crate::synth::raster::{Point, Shape};

/// Parallel traces that turn together.
pub(crate) fn bundle(dice: &mut Dice, layout: &mut Layout, style: &Style, lines: usize) {
    let extent = layout.extent();
    let path = crossing(dice, extent);
    let pitch = style.trace + style.gap * dice.between(0.85, 1.3);
    let uneven = dice.chance(0.25);
    let mut offset = -(lines as f32) * pitch / 2.0;
    for _ in 0..lines {
        let width = if uneven && dice.chance(0.2) { style.wide } else { style.trace };
        offset += (width - style.trace) / 2.0;
        let mut points = shifted(&path, offset);
        offset += pitch + (width - style.trace) / 2.0;
        if dice.chance(0.12) {
            points.truncate(points.len() - 1);
        }
        let pieces = style.trace_along(&points, width);
        if pieces.iter().all(|piece| layout.is_free(piece, style.gap * 0.5)) {
            pieces.iter().for_each(|piece| layout.put(piece));
            layout.note("parallel traces");
        }
    }
}

/// A trace folded back and forth to make it longer.
pub(crate) fn serpentine(dice: &mut Dice, layout: &mut Layout, style: &Style) {
    let extent = layout.extent();
    let (height, pitch) = (dice.between(25.0, 70.0), style.trace + style.gap);
    let folds = dice.whole(3, 8);
    let start = Point::new(dice.between(0.1, 0.6) * extent, dice.between(0.1, 0.8) * extent);
    let mut points = vec![Point::new(start.x - dice.between(40.0, 200.0), start.y)];
    for fold in 0..folds {
        let x = start.x + fold as f32 * pitch;
        let ends = [Point::new(x, start.y), Point::new(x, start.y + height)];
        let turned = fold % 2 == 1;
        points.extend(if turned { [ends[1], ends[0]] } else { ends });
    }
    let pieces: Vec<Shape> =
        points.windows(2).map(|ends| Shape::capsule(ends[0], ends[1], style.trace)).collect();
    if pieces.iter().all(|piece| layout.is_free(piece, style.gap)) {
        pieces.iter().for_each(|piece| layout.put(piece));
        layout.note("a folded trace");
    }
}

/// Traces that start anywhere free and go on in straight pieces while there is room.
pub(crate) fn wander(dice: &mut Dice, layout: &mut Layout, style: &Style, count: usize) {
    let extent = layout.extent();
    for _ in 0..count {
        let wide = dice.chance(0.15);
        let width = if wide { style.wide } else { style.trace * dice.between(0.9, 1.1) };
        let start = Point::new(dice.between(0.0, extent), dice.between(0.0, extent));
        let end = terminal(dice, style, start, width);
        if !layout.is_free(&end, style.gap) {
            continue;
        }
        let points = walk(dice, layout, (start, width), style);
        if points.len() > 1 {
            finish(dice, layout, style, &points, width);
        }
    }
}

/// Draws what a walk found, with a terminal at one or both ends.
fn finish(dice: &mut Dice, layout: &mut Layout, style: &Style, points: &[Point], width: f32) {
    let ends = [points[0], points[points.len() - 1]];
    for piece in style.trace_along(points, width) {
        layout.put(&piece);
    }
    for (place, share) in ends.into_iter().zip([0.9, 0.6]) {
        let end = terminal(dice, style, place, width);
        if !dice.chance(share) || !layout.is_free(&end.grown(-width), 0.0) && dice.chance(0.0) {
            continue;
        }
        layout.put(&end);
        if let Shape::Disc { radius, .. } = end {
            layout.note("round pads");
            if dice.chance(0.3) {
                teardrop(layout, points, place, (radius, width));
            }
            if dice.chance(style.drilled) && radius > 8.0 {
                layout.drill(place, radius * dice.between(0.3, 0.55));
                layout.note("drill holes");
            }
        }
    }
}

/// Widens a trace towards the pad at its end.
fn teardrop(layout: &mut Layout, points: &[Point], place: Point, (radius, width): (f32, f32)) {
    let next = if points[0] == place { points[1] } else { points[points.len() - 2] };
    let axis = place.to(next).unit();
    let reach = (radius * 2.2).min(place.to(next).length());
    if reach <= radius || width >= radius * 1.6 {
        return;
    }
    let (side, tip) = (axis.normal(), place.along(axis, reach));
    layout.put(&Shape::polygon(&[
        place.along(side, radius * 0.95),
        tip.along(side, width / 2.0),
        tip.along(side, -width / 2.0),
        place.along(side, -radius * 0.95),
    ]));
}

fn terminal(dice: &mut Dice, style: &Style, place: Point, width: f32) -> Shape {
    let size = (style.pad * dice.between(0.7, 1.1)).max(width * 1.2);
    if dice.chance(style.round) {
        return Shape::disc(place, size / 2.0);
    }
    let sides = (size, size * dice.between(0.6, 1.0));
    let angle = if dice.chance(style.tilted) { dice.between(-0.5, 0.5) } else { 0.0 };
    Shape::rectangle(place, sides, angle, style.corner)
}

/// A path in eight directions through free room, from `start` until it is stuck or outside.
fn walk(
    dice: &mut Dice,
    layout: &Layout,
    (start, width): (Point, f32),
    style: &Style,
) -> Vec<Point> {
    let mut points = vec![start];
    let mut heading = dice.below(8) as f32 * FRAC_PI_4;
    if dice.chance(0.7) {
        heading = dice.below(4) as f32 * 2.0 * FRAC_PI_4;
    }
    let outside = |point: Point| {
        point.x.min(point.y) < -width || point.x.max(point.y) > layout.extent() + width
    };
    for _ in 0..dice.whole(1, 7) {
        let here = points[points.len() - 1];
        let turns = if dice.chance(0.5) { [1.0, -1.0, 0.0] } else { [-1.0, 1.0, 0.0] };
        let next = turns.into_iter().find_map(|turn| {
            let angle = if points.len() == 1 { heading } else { heading + turn * FRAC_PI_4 };
            let length = dice.log_between(25.0, 280.0);
            let to = here.along(Point::towards(angle), length);
            layout.is_free(&Shape::capsule(here, to, width), style.gap).then_some((to, angle))
        });
        let Some((to, angle)) = next else { break };
        points.push(to);
        heading = angle;
        if outside(to) {
            break;
        }
    }
    points
}

/// A path across the whole square with turns by 45 degrees.
fn crossing(dice: &mut Dice, extent: f32) -> Vec<Point> {
    let mut here = Point::new(-120.0, dice.between(-0.1, 1.1) * extent);
    let mut points = vec![here];
    let mut turn = 0.0;
    if dice.chance(0.35) {
        turn = dice.sign();
    }
    while here.x < extent + 120.0 && here.y.abs() < 2.0 * extent && points.len() < 12 {
        let length = dice.log_between(60.0, 500.0);
        here = here.along(Point::towards(turn * FRAC_PI_4), length);
        points.push(here);
        turn = match turn {
            0.0 => dice.sign(),
            turn if dice.chance(0.2) => 2.0 * turn.signum(),
            _ => 0.0,
        };
        if turn.abs() == 2.0 {
            here = here.along(Point::towards(turn * FRAC_PI_4), dice.between(60.0, 300.0));
            points.push(here);
            turn = turn.signum();
        }
    }
    points
}

/// The path at a distance to one side, its corners moved along their bisectors.
fn shifted(path: &[Point], offset: f32) -> Vec<Point> {
    let normal = |ends: &[Point]| ends[0].to(ends[1]).unit().normal();
    let last = path.len() - 1;
    (0..=last)
        .map(|index| {
            let before = normal(&path[index.saturating_sub(1)..][..2]);
            let after = normal(&path[index.min(last - 1)..][..2]);
            let sum = before.along(after, 1.0);
            path[index].along(sum, offset / (1.0 + before.dot(after)).max(0.2))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifted_paths_keep_their_distance() {
        let path = [Point::new(0.0, 0.0), Point::new(100.0, 0.0), Point::new(200.0, 100.0)];
        let moved = shifted(&path, 10.0);
        let line = Shape::line((path[1], path[2]), 0.0, 50.0, 0.0);
        assert!((moved[0].y - 10.0).abs() < 1e-3);
        assert!((line.depth(moved[1]) + 10.0).abs() < 1e-2, "{moved:?}");
    }
}

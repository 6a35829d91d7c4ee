use std::f32::consts::{PI, TAU};

use super::fault::BoardFault;
use super::site::Site;
use crate::dice::Dice;
use crate::synth::raster::Point;
use crate::synth::stroke::Stroke;

/// How many places are tried before a board is given up for a fault.
const TRIES: usize = 90;
/// The longest break or bridge, pixels.
const WIDEST: f32 = 85.0;
/// Half the angle that still looks as going straight across, radians.
const STRAIGHT: f32 = 0.2;

/// Finds a place for a fault and the stroke that makes it; none where the board has no such place.
pub(crate) fn find(dice: &mut Dice, site: &Site, fault: BoardFault) -> Option<Stroke> {
    // Gaps are bridged where they are narrow; traces break at any width.
    let narrow = if fault == BoardFault::Short { 16.0 } else { 22.0 };
    let usual = [narrow, 42.0, WIDEST][dice.weighted(&[0.75, 0.17, 0.08])];
    (0..TRIES).find_map(|attempt| {
        let widest = if attempt < TRIES / 2 { usual } else { WIDEST };
        let stroke = match fault {
            BoardFault::Open => across(dice, site, true, widest),
            BoardFault::Short => across(dice, site, false, widest),
            BoardFault::Mousebite => at_edge(dice, site, true),
            BoardFault::Spur => at_edge(dice, site, false),
            BoardFault::Copper => apart(dice, site, false),
            BoardFault::PinHole => apart(dice, site, true),
        }?;
        let stroke = finish(dice, stroke);
        site.accepts(&stroke, fault).then_some(stroke)
    })
}

/// The tip that painted it: soft, dry or coarse.
fn finish(dice: &mut Dice, stroke: Stroke) -> Stroke {
    match dice.weighted(&[0.62, 0.2, 0.18]) {
        0 => stroke,
        1 => stroke.ragged(dice),
        _ => {
            let every = dice.whole(1, 2);
            stroke.stamped(every)
        }
    }
}

/// From one side of copper to the other, or across bare board from copper to copper; none where
/// that is more than `widest` pixels.
fn across(dice: &mut Dice, site: &Site, copper: bool, widest: f32) -> Option<Stroke> {
    let spot = site.spot(dice)?;
    let slant =
        if dice.chance(0.6) { dice.between(-STRAIGHT, STRAIGHT) } else { dice.between(-1.0, 1.0) };
    let straight = spot.outward.turned(if copper { PI } else { 0.0 });
    let direction = straight.turned(slant);
    // Bare board begins one pixel after the last of copper.
    let start = spot.place.along(direction, if copper { 0.0 } else { 1.0 });
    let length = site.run(start, direction, copper, widest)?;
    let over = (dice.between(1.0, 4.0), dice.between(1.0, 4.0));
    let ends = (start.along(direction, -over.0), start.along(direction, length + over.1));
    Some(band(dice, ends, length))
}

/// One thick stroke, some thin ones side by side, or a filled area between two ends.
fn band(dice: &mut Dice, (from, to): (Point, Point), length: f32) -> Stroke {
    let side = from.to(to).unit().normal();
    match dice.weighted(&[0.62, 0.24, 0.14]) {
        0 => {
            let radius = dice.between(1.7, 4.2);
            let stray = if dice.chance(0.5) { 0.3 } else { 0.05 * length + 0.8 };
            let second = (radius * dice.between(0.6, 1.3)).max(1.2);
            Stroke::line(dice, (from, to), (radius, second), stray)
        }
        1 => {
            let count = dice.whole(2, 4);
            let spread = dice.between(2.0, 5.0);
            (0..count).fold(Stroke::default(), |stroke, index| {
                let off = (index as f32 - count as f32 / 2.0) * spread;
                let ends = (
                    from.along(side, off + dice.normal(1.5)),
                    to.along(side, off + dice.normal(1.5)),
                );
                let radius = dice.between(1.0, 1.8);
                stroke.and(Stroke::line(dice, ends, (radius, radius), 1.5))
            })
        }
        _ => {
            let width = dice.between(4.0, 14.0);
            let radius = dice.between(2.0, 3.5);
            let count = (2.0 * width / radius).ceil() as usize;
            (0..count).fold(Stroke::default(), |stroke, index| {
                let off = (index as f32 / count as f32 - 0.5) * width;
                let ends = (from.along(side, off), to.along(side, off));
                stroke.and(Stroke::line(dice, ends, (radius, radius), 0.5))
            })
        }
    }
}

/// A notch or a bump: from just beyond the contour into copper, or out of it.
fn at_edge(dice: &mut Dice, site: &Site, copper: bool) -> Option<Stroke> {
    let spot = site.spot(dice)?;
    let straight = spot.outward.turned(if copper { PI } else { 0.0 });
    let room = site.run(
        spot.place.along(straight, if copper { 0.0 } else { 1.0 }),
        straight,
        copper,
        60.0,
    );
    let room = room.unwrap_or(60.0);
    let deepest = (room * dice.between(0.35, 0.8)).min(if dice.chance(0.72) { 13.0 } else { 30.0 });
    if deepest < 3.0 {
        return None;
    }
    let depth = dice.between(3.5, deepest.max(4.0)).max(deepest * 0.55);
    match dice.weighted(&[0.6, 0.2, 0.2]) {
        0 => {
            let radius = dice.between(1.8, 5.5).min(depth * 0.6);
            let slant = if dice.chance(0.5) { 0.25 } else { 1.0 };
            let direction = straight.turned(dice.between(-slant, slant));
            let from = spot.place.along(direction, -dice.between(0.0, 4.0));
            let reach = (depth - radius) / direction.dot(straight).max(0.4);
            let to = spot.place.along(direction, reach.max(1.0));
            let second = radius * dice.between(0.6, 1.4);
            let second = second.clamp(1.0, (depth * 0.7).max(1.0));
            Some(Stroke::line(dice, (from, to), (radius, second), 1.0))
        }
        1 => {
            let radius = depth * dice.between(0.6, 1.0);
            Some(Stroke::dab(spot.place.along(straight, depth - radius), radius))
        }
        _ => Some(zigzag(dice, (spot.place, straight), depth)),
    }
}

/// Back and forth along a contour.
fn zigzag(dice: &mut Dice, (place, inward): (Point, Point), depth: f32) -> Stroke {
    let side = inward.normal();
    let radius = dice.between(1.0, 2.2).min(depth * 0.5);
    let (count, pitch) = (dice.whole(3, 7), dice.between(2.0, 4.5));
    let mut stroke = Stroke::default();
    let mut last = place.along(inward, -0.5);
    for index in 1..=count {
        let far = if index % 2 == 1 { (depth - radius) * dice.between(0.6, 1.0) } else { -0.5 };
        let next = place.along(side, index as f32 * pitch).along(inward, far);
        stroke = stroke.and(Stroke::line(dice, (last, next), (radius, radius), 0.4));
        last = next;
    }
    stroke
}

/// A hole in copper, or copper on bare board, clear of every contour.
fn apart(dice: &mut Dice, site: &Site, copper: bool) -> Option<Stroke> {
    let (place, found) = site.anywhere(dice);
    if found != copper {
        return None;
    }
    let scale = if copper { 1.4 } else { 1.7 };
    let clear = dice.between(2.0, 3.9);
    let angle = dice.between(0.0, TAU);
    // Where there is little room a smaller one may still fit.
    let stroke = [1.0, 0.8, 0.6, 0.45].into_iter().find_map(|part| {
        let stroke = blot(dice, (place, angle), scale * part);
        site.is_within(&stroke, copper, clear).then_some(stroke)
    })?;
    Some(stroke)
}

/// A spot, a line, a comma, or a scribble.
fn blot(dice: &mut Dice, start: (Point, f32), scale: f32) -> Stroke {
    match dice.weighted(&[0.16, 0.54, 0.18, 0.12]) {
        0 => Stroke::dab(start.0, scale * dice.between(3.0, 7.0)),
        1 => {
            let radius = (scale * dice.log_between(1.5, 5.0), scale * dice.log_between(1.5, 5.0));
            let length = scale * dice.log_between(3.0, 24.0);
            Stroke::scribble(dice, start, length, radius)
        }
        2 => {
            let radius = scale * dice.log_between(1.8, 4.5);
            let end = start.0.along(Point::towards(start.1), scale * dice.between(4.0, 20.0));
            let second = radius * dice.between(0.5, 1.6);
            Stroke::line(dice, (start.0, end), (radius, second), 1.0)
        }
        _ => {
            let radius = dice.between(1.0, 1.7);
            let length = scale * dice.between(25.0, 60.0);
            let first = Stroke::scribble(dice, start, length * 0.5, (radius, radius));
            let back = start.1 + dice.between(1.5, 4.5);
            first.and(Stroke::scribble(dice, (start.0, back), length * 0.5, (radius, radius)))
        }
    }
}

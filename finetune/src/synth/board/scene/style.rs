use crate::dice::Dice;
use crate::synth::raster::{Point, Shape};

/// The design rules of one board; all lengths in pixels of 1/48 mm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// Width of an ordinary trace.
    pub(crate) trace: f32,
    /// Width of a supply trace.
    pub(crate) wide: f32,
    /// Least distance between nets.
    pub(crate) gap: f32,
    /// Side or diameter of an ordinary pad.
    pub(crate) pad: f32,
    /// Share of round pads that are drilled.
    pub(crate) drilled: f32,
    /// Share of pads that are round.
    pub(crate) round: f32,
    /// Radius of the corners of pads and areas.
    pub(crate) corner: f32,
    /// Whether bends are drawn with corners rather than round.
    pub(crate) mitred: bool,
    /// Share of pads that stand at an odd angle.
    pub(crate) tilted: f32,
}

impl Style {
    /// Thin traces, small pads.
    pub(crate) fn fine(dice: &mut Dice) -> Self {
        let trace = dice.between(6.0, 11.0);
        Self {
            trace,
            wide: trace * dice.between(1.5, 3.0),
            gap: dice.between(11.0, 20.0),
            pad: dice.between(16.0, 36.0),
            drilled: if dice.chance(0.3) { 0.6 } else { 0.05 },
            round: dice.between(0.5, 1.0),
            corner: dice.between(1.0, 7.0),
            mitred: dice.chance(0.4),
            tilted: 0.0,
        }
    }

    /// Traces and gaps of about the same width, both narrow.
    pub(crate) fn dense(dice: &mut Dice) -> Self {
        let trace = dice.between(8.0, 22.0);
        Self {
            trace,
            wide: trace * dice.between(1.3, 2.5),
            gap: dice.between(7.0, 15.0),
            pad: dice.between(26.0, 60.0),
            drilled: 0.6,
            round: dice.between(0.2, 0.9),
            corner: dice.between(0.5, 5.0),
            mitred: dice.chance(0.8),
            tilted: 0.0,
        }
    }

    /// Wide traces, large pads with holes.
    pub(crate) fn drilled(dice: &mut Dice) -> Self {
        let trace = dice.between(14.0, 46.0);
        Self {
            trace,
            wide: trace * dice.between(1.2, 2.0),
            gap: dice.between(12.0, 30.0),
            pad: dice.between(40.0, 84.0),
            drilled: 0.9,
            round: dice.between(0.5, 1.0),
            corner: dice.between(0.5, 8.0),
            mitred: dice.chance(0.6),
            tilted: 0.05,
        }
    }

    /// Middle widths, round corners.
    pub(crate) fn mounted(dice: &mut Dice) -> Self {
        let trace = dice.between(12.0, 30.0);
        Self {
            trace,
            wide: trace * dice.between(1.2, 2.2),
            gap: dice.between(14.0, 36.0),
            pad: dice.between(36.0, 70.0),
            drilled: 0.2,
            round: 0.15,
            corner: dice.between(6.0, 14.0),
            mitred: dice.chance(0.5),
            tilted: 0.35,
        }
    }

    /// The straight pieces of a trace along `points`.
    pub(crate) fn trace_along(&self, points: &[Point], width: f32) -> Vec<Shape> {
        let piece = |ends: &[Point]| {
            if self.mitred {
                // Two lines that meet at 45 degrees have their outer corners in common when both go on
                // for half the width times tan(22.5 degrees).
                Shape::line((ends[0], ends[1]), width, 0.2071 * width, 1.0)
            } else {
                Shape::capsule(ends[0], ends[1], width)
            }
        };
        points.windows(2).map(piece).collect()
    }
}

use std::f32::consts::TAU;

use pairspec::manifest::LabelledBox;

use super::design::{Design, Part, Pose};
use super::fault::CapFault;
use crate::dice::Dice;
use crate::synth::camera::MARGIN;
use crate::synth::caption::caption;
use crate::synth::photo::Colour;
use crate::synth::raster::{Point, Shape};
use crate::synth::stage::{Area, Sheet, Stage};
use crate::synth::stroke::Stroke;
use crate::synth::{Config, Drawn, Style};

/// Most scratches and foreign bodies on one part.
const MOST_MARKS: usize = 3;

/// Draws a pair of closures; the test has up to `faults` faults.
pub(crate) fn render(dice: &mut Dice, config: &Config, style: Style, faults: usize) -> Drawn {
    let extent = (config.size + 2 * MARGIN) as f32;
    let design = Design::random(dice, extent);
    let look = Look::random(dice, style);
    let stage = Stage::new(dice, config, style, look.ground);
    let exposure = stage.expose(dice, false);
    let sound = look.sheets(config.size, &design, Some(Pose::LEVEL));
    let reference = stage.take(&mut dice.fork(), &exposure, &sound);
    let exposure = stage.expose(dice, true);
    let spoilt = spoil(dice, (config.size, &look), &design, faults);
    let test = stage.take(&mut dice.fork(), &exposure, &spoilt.sheets);
    let kinds: Vec<CapFault> = spoilt.found.iter().map(|one| one.0).collect();
    let margin = config.box_margin as f32;
    let (group, product) = match design.part {
        Part::Cap { .. } => ("screw", "a round cap on a housing"),
        Part::Gasket { .. } => ("gasket", "a gasket on a housing"),
    };
    let features: &[&str] = if design.bolts.2 > 0 { &["bolts around it"] } else { &[] };
    Drawn {
        group,
        reference,
        test,
        boxes: spoilt
            .found
            .iter()
            .filter_map(|(fault, area)| {
                let rect = stage.bounds(&exposure, *area, (margin, 2))?;
                Some(LabelledBox { rect, class: fault.class().to_owned() })
            })
            .collect(),
        captions: [
            caption(style, product, features, &[]),
            caption(style, product, features, &phrases(&kinds)),
        ],
    }
}

/// A closure with faults, and where they are.
struct Spoilt {
    sheets: Vec<Sheet>,
    found: Vec<(CapFault, Area)>,
}

/// A part is missing, or crooked, or has marks.
fn spoil(dice: &mut Dice, (size, look): (usize, &Look), design: &Design, faults: usize) -> Spoilt {
    let sound = design.area(&Pose::LEVEL).grown(0.05 * design.radius);
    if faults == 0 {
        return Spoilt { sheets: look.sheets(size, design, Some(Pose::LEVEL)), found: Vec::new() };
    }
    match dice.weighted(&[1.0, 1.0, 2.0]) {
        0 => Spoilt {
            sheets: look.sheets(size, design, None),
            found: vec![(CapFault::Missing, sound)],
        },
        1 => {
            let pose = Pose::crooked(dice, design.radius);
            let area = sound.union(design.area(&pose).grown(0.05 * design.radius));
            Spoilt {
                sheets: look.sheets(size, design, Some(pose)),
                found: vec![(CapFault::Crooked, area)],
            }
        }
        _ => {
            let mut sheets = look.sheets(size, design, Some(Pose::LEVEL));
            let mut found: Vec<(CapFault, Area)> = Vec::new();
            for _ in 0..dice.whole(1, faults.min(MOST_MARKS)) {
                let fault = *dice.pick(&[CapFault::Scratch, CapFault::ForeignBody]);
                let place = design.somewhere(dice);
                let stroke = mark(dice, fault, place, design.radius);
                let area = painted(&stroke);
                if found.iter().all(|other| !other.1.touches(area)) {
                    sheets.push(look.mark(dice, size, (fault, &stroke)));
                    found.push((fault, area));
                }
            }
            Spoilt { sheets, found }
        }
    }
}

/// A fine line, or a fibre, a chip or a drop.
fn mark(dice: &mut Dice, fault: CapFault, place: Point, radius: f32) -> Stroke {
    let angle = dice.between(0.0, TAU);
    if fault == CapFault::Scratch {
        let to = place.along(Point::towards(angle), radius * dice.between(0.25, 0.9));
        let width = (dice.between(1.0, 2.2), dice.between(0.9, 1.4));
        return Stroke::line(dice, (place, to), width, radius * 0.02);
    }
    match dice.below(3) {
        0 => {
            let width = dice.between(1.0, 2.4);
            let length = radius * dice.between(0.4, 1.2);
            Stroke::scribble(dice, (place, angle), length, (width, width))
        }
        1 => {
            let to = place.along(Point::towards(angle), dice.between(4.0, 16.0));
            let width = (dice.between(3.0, 9.0), dice.between(2.0, 6.0));
            Stroke::line(dice, (place, to), width, 2.0)
        }
        _ => Stroke::dab(place, dice.between(4.0, 14.0)),
    }
}

fn painted(stroke: &Stroke) -> Area {
    let (left, top, right, bottom) = stroke.corners();
    let at = |x: i32, y: i32| Point::new(x as f32, y as f32);
    Area { from: at(left, top), to: at(right, bottom) }
}

/// Colours of housing, seat, opening, part, and of the raised lines on it.
struct Look {
    ground: Colour,
    seat: Colour,
    opening: Colour,
    body: Colour,
    top: Colour,
    relief: Colour,
}

impl Look {
    fn random(dice: &mut Dice, style: Style) -> Self {
        let mut tone = |low: f32, high: f32| {
            let level = dice.between(low, high);
            if style == Style::Colour {
                [(); 3].map(|()| (level + dice.between(-40.0, 40.0)).clamp(5.0, 245.0))
            } else {
                [level; 3]
            }
        };
        // Bright enough and dark enough for a binary camera to tell them apart.
        let (ground, seat) = (tone(85.0, 112.0), tone(150.0, 190.0));
        let (opening, body) = (tone(12.0, 50.0), tone(30.0, 100.0));
        let relief = tone(150.0, 235.0);
        let top = body.map(|value| value + 18.0);
        Self { ground, seat, opening, body, top, relief }
    }

    /// The housing with the part in a pose, or without it.
    fn sheets(&self, size: usize, design: &Design, pose: Option<Pose>) -> Vec<Sheet> {
        let mut sheets = vec![
            Sheet::new(size, self.seat, &design.seat()),
            Sheet::new(size, self.opening, &design.opening()),
        ];
        let Some(pose) = pose else { return sheets };
        let mut body = Sheet::new(size, self.body, &design.body(&pose));
        let inside = design.inside(&pose);
        if let Part::Gasket { .. } = design.part {
            inside.iter().for_each(|shape| body.field.cut(shape));
            sheets.push(body);
        } else {
            sheets.push(body);
            sheets.push(Sheet::new(size, self.top, &inside));
        }
        sheets.push(Sheet::new(size, self.relief, &design.relief(&pose)));
        sheets
    }

    fn mark(&self, dice: &mut Dice, size: usize, (fault, stroke): (CapFault, &Stroke)) -> Sheet {
        // Scratches and bodies on a dark part are bright; a binary camera needs them so.
        let bright = dice.between(170.0, 240.0);
        let colour = match fault {
            CapFault::ForeignBody => [bright, bright * dice.between(0.75, 1.0), bright * 0.85],
            _ => [bright; 3],
        };
        let mut sheet = Sheet::new(size, colour, &[] as &[Shape]);
        stroke.paint_into(&mut sheet.field, true);
        sheet
    }
}

/// What a caption says of the faults, each kind once.
fn phrases(kinds: &[CapFault]) -> Vec<&'static str> {
    CapFault::ALL.iter().filter(|kind| kinds.contains(kind)).map(|kind| kind.phrase()).collect()
}

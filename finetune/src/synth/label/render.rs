use std::f32::consts::TAU;

use pairspec::manifest::LabelledBox;

use super::design::{Design, Element, Print};
use super::fault::LabelFault;
use crate::dice::Dice;
use crate::synth::camera::{Exposure, MARGIN};
use crate::synth::caption::caption;
use crate::synth::photo::Colour;
use crate::synth::raster::{Point, Shape};
use crate::synth::stage::{Area, Sheet, Stage};
use crate::synth::{Config, Drawn, Style};

/// What captions call it.
const PRODUCT: &str = "a printed label";
/// Most prints of one label that go wrong.
const MOST_FAULTS: usize = 3;
/// Copies of a wiped print, each a little further.
const WIPES: usize = 14;

/// Draws a pair of labels; in the test up to `faults` prints are wrong.
pub(crate) fn render(dice: &mut Dice, config: &Config, style: Style, faults: usize) -> Drawn {
    let extent = (config.size + 2 * MARGIN) as f32;
    let design = Design::random(dice, extent);
    let inks = Inks::random(dice, style);
    let stage = Stage::new(dice, config, style, inks.ground);
    let exposure = stage.expose(dice, false);
    let sound = Printed::sound(&design);
    let reference =
        stage.take(&mut dice.fork(), &exposure, &inks.sheets(config.size, &design, &sound));
    let exposure = stage.expose(dice, true);
    let count = dice.whole(faults.min(1), faults.min(MOST_FAULTS));
    let (printed, found) = spoil(dice, &design, count);
    let test =
        stage.take(&mut dice.fork(), &exposure, &inks.sheets(config.size, &design, &printed));
    let kinds: Vec<LabelFault> = found.iter().map(|one| one.0).collect();
    Drawn {
        group: "print",
        reference,
        test,
        boxes: boxes((&stage, &exposure), &found, config.box_margin as f32),
        captions: [
            caption(style, PRODUCT, &features(&design), &[]),
            caption(style, PRODUCT, &features(&design), &phrases(&kinds)),
        ],
    }
}

/// Ink as it came to lie: dark, and half dry where it was wiped.
struct Printed {
    ink: Vec<Shape>,
    wiped: Vec<Shape>,
}

impl Printed {
    fn sound(design: &Design) -> Self {
        let ink = design.elements.iter().flat_map(Element::shapes).collect();
        Self { ink, wiped: Vec::new() }
    }
}

/// Prints a design with up to `count` faults, each on an element of its own.
fn spoil(dice: &mut Dice, design: &Design, count: usize) -> (Printed, Vec<(LabelFault, Area)>) {
    let mut out = Printed { ink: Vec::new(), wiped: Vec::new() };
    let mut found = Vec::new();
    let mut order: Vec<usize> = (0..design.elements.len()).collect();
    for last in (1..order.len()).rev() {
        order.swap(last, dice.below(last + 1));
    }
    for (rank, index) in order.into_iter().enumerate() {
        let element = &design.elements[index];
        if rank < count {
            let fault = choose(dice, element);
            let area = spoil_one(dice, design, element, (fault, &mut out));
            found.push((fault, area));
        } else {
            out.ink.extend(element.shapes());
        }
    }
    (out, found)
}

fn choose(dice: &mut Dice, element: &Element) -> LabelFault {
    let fits = |fault: &LabelFault| match fault {
        LabelFault::WrongCode => element.print.is_code(),
        LabelFault::Wrong => !element.print.is_code(),
        _ => true,
    };
    let fitting: Vec<LabelFault> = LabelFault::ALL.into_iter().filter(fits).collect();
    *dice.pick(&fitting)
}

/// Prints one element wrongly; gives the area in which it differs.
fn spoil_one(
    dice: &mut Dice,
    design: &Design,
    element: &Element,
    (fault, out): (LabelFault, &mut Printed),
) -> Area {
    match fault {
        LabelFault::Missing => element.area,
        LabelFault::Smeared => {
            let length = dice.between(12.0, 40.0);
            let way = Point::towards(dice.between(0.0, TAU));
            let shapes = element.shapes();
            for step in 1..=WIPES {
                let far = length * step as f32 / WIPES as f32;
                let by = Point::new(0.0, 0.0).along(way, far);
                out.wiped.extend(shapes.iter().map(|shape| shape.moved(by)));
            }
            out.ink.extend(shapes);
            element.area.union(element.area.moved(Point::new(0.0, 0.0).along(way, length)))
        }
        LabelFault::Wrong | LabelFault::WrongCode => {
            let other = Element { print: element.print.other(dice), area: element.area };
            out.ink.extend(other.shapes());
            element.area
        }
        LabelFault::Shifted => {
            let by = shift(dice, design, element);
            out.ink.extend(element.shapes().iter().map(|shape| shape.moved(by)));
            element.area.union(element.area.moved(by))
        }
    }
}

/// A movement by more than any tolerance, onto the paper if there is a way.
fn shift(dice: &mut Dice, design: &Design, element: &Element) -> Point {
    let mut by = Point::new(0.0, 0.0);
    for _ in 0..12 {
        by = by
            .along(by, -1.0)
            .along(Point::towards(dice.between(0.0, TAU)), dice.between(12.0, 34.0));
        let moved = element.area.moved(by);
        let paper = design.paper;
        let on_paper = paper.union(moved) == paper;
        let apart = design
            .elements
            .iter()
            .all(|other| other.area == element.area || !other.area.touches(moved));
        if on_paper && apart {
            break;
        }
    }
    by
}

fn boxes(
    (stage, exposure): (&Stage, &Exposure),
    found: &[(LabelFault, Area)],
    margin: f32,
) -> Vec<LabelledBox> {
    found
        .iter()
        .filter_map(|(fault, area)| {
            let rect = stage.bounds(exposure, *area, (margin, 2))?;
            Some(LabelledBox { rect, class: fault.class().to_owned() })
        })
        .collect()
}

/// Colours of what the label sticks on, of its paper, and of fresh and wiped ink.
struct Inks {
    ground: Colour,
    paper: Colour,
    ink: Colour,
    wiped: Colour,
}

impl Inks {
    fn random(dice: &mut Dice, style: Style) -> Self {
        let light = dice.between(180.0, 235.0);
        let mut tone = |style: Style, level: f32, spread: f32| {
            let even = level + dice.between(-1.0, 1.0) * spread;
            if style == Style::Colour {
                [(); 3].map(|()| even + dice.between(-1.0, 1.0) * spread)
            } else {
                [even; 3]
            }
        };
        let paper = tone(style, light, 18.0);
        let ground = tone(style, 75.0, 42.0);
        let ink = tone(style, 34.0, 26.0);
        // A binary camera must see wiped ink as well.
        let part = if style == Style::Binary { 0.8 } else { 0.5 };
        let wiped =
            [0, 1, 2].map(|channel: usize| paper[channel] + (ink[channel] - paper[channel]) * part);
        Self { ground, paper, ink, wiped }
    }

    fn sheets(&self, size: usize, design: &Design, printed: &Printed) -> Vec<Sheet> {
        let (width, height) = design.paper.size();
        let paper = Shape::rectangle(design.paper.centre(), (width, height), 0.0, design.corner);
        let mut sheets = vec![Sheet::new(size, self.paper, &[paper])];
        if !printed.wiped.is_empty() {
            sheets.push(Sheet::new(size, self.wiped, &printed.wiped));
        }
        sheets.push(Sheet::new(size, self.ink, &printed.ink));
        sheets
    }
}

/// What captions call the prints, each kind once.
fn features(design: &Design) -> Vec<&'static str> {
    let mut named: Vec<&str> = Vec::new();
    for element in &design.elements {
        let name = match element.print {
            Print::Text { .. } => "lines of text",
            Print::Bars { .. } => "a bar code",
            Print::Matrix { .. } => "a matrix code",
            Print::Mark(_) => "a mark",
        };
        if !named.contains(&name) {
            named.push(name);
        }
    }
    named
}

/// What a caption says of the faults, each kind once.
fn phrases(kinds: &[LabelFault]) -> Vec<&'static str> {
    LabelFault::ALL.iter().filter(|kind| kinds.contains(kind)).map(|kind| kind.phrase()).collect()
}

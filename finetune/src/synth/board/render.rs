use pairspec::frame::Pixels;
use pairspec::manifest::LabelledBox;

use super::fault::BoardFault;
use super::layout::Layout;
use super::site::Site;
use super::{look, place, scene};
use crate::dice::Dice;
use crate::synth::camera::{Exposure, MARGIN, Tolerance};
use crate::synth::caption::caption;
use crate::synth::photo::{self, Colour, Layer, Photo, Subject};
use crate::synth::raster::{DepthField, SmoothField};
use crate::synth::stroke::Stroke;
use crate::synth::{Config, Drawn, Style};

/// What captions call it.
const PRODUCT: &str = "a copper board";
/// How often a fault of a binary frame is painted into its pixels rather than into the board.
const PAINTED: f32 = 0.7;
/// Most faults that reference and test share.
const SHARED: usize = 3;

/// Draws a pair of boards, with `faults` faults in the test where there is room for them.
pub(crate) fn render(dice: &mut Dice, config: &Config, style: Style, faults: usize) -> Drawn {
    let size = config.size;
    let (group, mut layout) = scene::draw(dice, size + 2 * MARGIN);
    etch(dice, &mut layout, config.benign);
    if dice.chance(config.shared_faults) {
        share_faults(dice, &mut layout);
    }
    let bench = Bench::new(dice, config, style);
    let seen = |dice: &mut Dice, moved: bool| {
        let exposure = Exposure::new(dice, size, &bench.tolerance, moved);
        let contours = drill(&exposure, &layout);
        (exposure, contours)
    };
    let (exposure, contours) = seen(dice, false);
    let reference = bench.frame(&mut dice.fork(), &exposure, contours, &[]);
    let (exposure, contours) = seen(dice, true);
    let mut site = Site::new(contours);
    let painted = add_faults(dice, &mut site, (style, config), faults);
    let crisp: Vec<(Stroke, BoardFault)> = painted
        .iter()
        .filter(|fault| !fault.softly)
        .map(|fault| (fault.stroke.clone(), fault.kind))
        .collect();
    let test = bench.frame(&mut dice.fork(), &exposure, site.into_depth(), &crisp);
    let kinds: Vec<BoardFault> = painted.iter().map(|fault| fault.kind).collect();
    let margin = config.box_margin as i32;
    Drawn {
        group,
        reference,
        test,
        boxes: painted
            .iter()
            .map(|fault| LabelledBox {
                rect: fault.stroke.bounds(margin, size),
                class: fault.kind.class().to_owned(),
            })
            .collect(),
        captions: [
            caption(style, PRODUCT, layout.features(), &[]),
            caption(style, PRODUCT, layout.features(), &phrases(&kinds)),
        ],
    }
}

/// What a caption says of the faults, each kind once.
fn phrases(kinds: &[BoardFault]) -> Vec<&'static str> {
    BoardFault::ALL.iter().filter(|kind| kinds.contains(kind)).map(|kind| kind.phrase()).collect()
}

struct Painted {
    stroke: Stroke,
    kind: BoardFault,
    softly: bool,
}

/// All that both frames of a pair have in common apart from the board itself.
struct Bench {
    style: Style,
    size: usize,
    strength: f32,
    tolerance: Tolerance,
    materials: (Colour, Colour),
    texture: SmoothField,
    specks: f32,
}

impl Bench {
    fn new(dice: &mut Dice, config: &Config, style: Style) -> Self {
        let strength = config.benign;
        let specks = if dice.chance(0.25) { dice.between(0.3, 3.0) } else { 0.0 };
        Self {
            style,
            size: config.size,
            strength,
            tolerance: Tolerance::random(dice, strength),
            materials: look::materials(dice, style),
            texture: {
                let step = dice.log_between(3.0, 40.0);
                let deviation = strength * dice.between(0.0, 5.0);
                SmoothField::new(dice, config.size, step, deviation)
            },
            specks: strength * specks,
        }
    }

    /// One frame; `crisp` is painted into the pixels of a binary frame.
    fn frame(
        &self,
        dice: &mut Dice,
        exposure: &Exposure,
        mut contours: DepthField,
        crisp: &[(Stroke, BoardFault)],
    ) -> Pixels {
        exposure.roughen(dice, &mut contours);
        if self.style != Style::Binary {
            let (ground, colour) = self.materials;
            let layers = vec![Layer { contours: &contours, colour }];
            let subject = Subject { ground, layers, texture: &self.texture };
            return Photo::random(dice, self.size, self.strength).take(dice, &subject, self.style);
        }
        let mut mask = contours.mask();
        for _ in 0..dice.between(0.0, 2.0 * self.specks).round() as usize {
            let (x, y) = (dice.below(self.size) as i32, dice.below(self.size) as i32);
            let copper = !mask.at(x, y);
            mask.set(x, y, copper);
            if dice.chance(0.3) {
                mask.set(x + 1, y, copper);
            }
        }
        crisp.iter().for_each(|(stroke, fault)| stroke.paint_on(&mut mask, fault.adds()));
        let levels = mask.bits().iter().map(|copper| if *copper { 0 } else { 255 }).collect();
        photo::pixels(levels, (self.size, self.size), self.style)
    }
}

/// What the etching bath does to contours: the same in both frames, since it is the same design.
fn etch(dice: &mut Dice, layout: &mut Layout, strength: f32) {
    let extent = layout.copper().width();
    let (step, deviation) = (dice.log_between(8.0, 45.0), strength * dice.between(0.0, 0.55));
    let wobble = SmoothField::new(dice, extent, step, deviation);
    let field = layout.copper_mut();
    for y in 0..extent {
        for (x, depth) in field.row_mut(y).iter_mut().enumerate() {
            if depth.abs() < 3.0 {
                *depth += wobble.at(x as f32, y as f32);
            }
        }
    }
}

/// The contours one exposure shows, with the holes where the drill went.
fn drill(exposure: &Exposure, layout: &Layout) -> DepthField {
    if layout.holes().is_empty() {
        return exposure.contours(layout.copper());
    }
    let mut board = layout.copper().clone();
    for hole in layout.holes() {
        board.cut(&hole.moved(exposure.drill_shift()));
    }
    exposure.contours(&board)
}

/// Faults of the layout itself: in both frames, and therefore no difference.
fn share_faults(dice: &mut Dice, layout: &mut Layout) {
    let mut site = Site::new(layout.copper().clone());
    for _ in 0..dice.whole(1, SHARED) {
        let kind = *dice.pick(&BoardFault::ALL);
        if let Some(stroke) = place::find(dice, &site, kind) {
            site.paint(&stroke, kind, true);
        }
    }
    *layout.copper_mut() = site.into_depth();
}

fn add_faults(
    dice: &mut Dice,
    site: &mut Site,
    (style, config): (Style, &Config),
    count: usize,
) -> Vec<Painted> {
    let mut painted = Vec::new();
    // A board may have no room for one kind; another is tried then.
    for _ in 0..3 * count {
        if painted.len() == count {
            break;
        }
        let kind = *dice.pick(&config.board_faults);
        let softly = style != Style::Binary || !dice.chance(PAINTED);
        if let Some(stroke) = place::find(dice, site, kind) {
            site.paint(&stroke, kind, softly);
            painted.push(Painted { stroke, kind, softly });
        }
    }
    painted
}

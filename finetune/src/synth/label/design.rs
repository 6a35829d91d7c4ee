use super::font;
use crate::dice::Dice;
use crate::synth::raster::{Point, Shape};
use crate::synth::stage::Area;

/// Something printed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Print {
    /// A line of characters, their height and the weight of their lines.
    Text { characters: Vec<char>, height: f32, weight: f32 },
    /// Bars of one or more modules and the spaces between, in turn; and the width of a module.
    Bars { runs: Vec<u8>, module: f32 },
    /// Square modules row by row; and their side.
    Matrix { columns: usize, dark: Vec<bool>, module: f32 },
    /// One of the marks.
    Mark(usize),
}

/// How many marks there are.
pub(crate) const MARKS: usize = 4;

/// A print and the area it fills.
#[derive(Debug, Clone)]
pub(crate) struct Element {
    pub(crate) print: Print,
    pub(crate) area: Area,
}

/// A label and what is printed on it.
#[derive(Debug, Clone)]
pub(crate) struct Design {
    /// The label itself.
    pub(crate) paper: Area,
    /// Radius of its corners.
    pub(crate) corner: f32,
    /// Apart from each other, inside the paper.
    pub(crate) elements: Vec<Element>,
}

impl Design {
    /// A label that fills most of a square of `extent` pixels.
    pub(crate) fn random(dice: &mut Dice, extent: f32) -> Self {
        let size = (extent * dice.between(0.6, 0.86), extent * dice.between(0.5, 0.84));
        let centre = Point::new(
            extent / 2.0 + dice.between(-0.03, 0.03) * extent,
            extent / 2.0 + dice.between(-0.03, 0.03) * extent,
        );
        let paper = Area::around(centre, size.0, size.1);
        let mut design = Self { paper, corner: dice.between(0.0, 24.0), elements: Vec::new() };
        let inset = dice.between(18.0, 40.0);
        let mut y = paper.from.y + inset;
        while y < paper.to.y - inset {
            let height = dice.log_between(0.03, 0.14) * extent;
            design.row(dice, (y, height.max(16.0)), inset);
            y += height.max(16.0) + dice.between(12.0, 34.0);
        }
        design
    }

    /// Puts prints side by side from `y` on.
    fn row(&mut self, dice: &mut Dice, (y, height): (f32, f32), inset: f32) {
        let right = self.paper.to.x - inset;
        let mut x = self.paper.from.x + inset;
        while right - x > 40.0 {
            let print = Print::random(dice, height);
            let (width, tall) = print.size(height);
            if x + width > right || y + tall > self.paper.to.y - inset {
                return;
            }
            let from = Point::new(x, y);
            let area = Area { from, to: Point::new(x + width, y + tall) };
            if !self.elements.iter().any(|other| other.area.touches(area.grown(6.0))) {
                self.elements.push(Element { print, area });
            }
            x += width + dice.between(24.0, 60.0);
        }
    }
}

impl Element {
    /// The shapes of ink.
    pub(crate) fn shapes(&self) -> Vec<Shape> {
        let (from, (_, height)) = (self.area.from, self.area.size());
        match &self.print {
            Print::Text { characters, height, weight } => {
                let step = font::advance(*height, *weight);
                let place = |index: usize| from.along(Point::new(1.0, 0.0), index as f32 * step);
                characters
                    .iter()
                    .enumerate()
                    .flat_map(|(index, one)| font::glyph(*one, place(index), *height, *weight))
                    .collect()
            }
            Print::Bars { runs, module } => {
                let mut x = from.x;
                let mut bars = Vec::new();
                for (index, run) in runs.iter().enumerate() {
                    let width = f32::from(*run) * module;
                    let centre = Point::new(x + width / 2.0, from.y + height / 2.0);
                    if index % 2 == 0 {
                        bars.push(Shape::rectangle(centre, (width, height), 0.0, 0.0));
                    }
                    x += width;
                }
                bars
            }
            Print::Matrix { columns, dark, module } => dark
                .iter()
                .enumerate()
                .filter(|cell| *cell.1)
                .map(|(index, _)| {
                    let column = (index % columns) as f32 + 0.5;
                    let row = (index / columns) as f32 + 0.5;
                    let centre = Point::new(from.x + column * module, from.y + row * module);
                    // Neighbours overlap, so that no light line stays between them.
                    Shape::rectangle(centre, (module + 0.6, module + 0.6), 0.0, 0.0)
                })
                .collect(),
            Print::Mark(index) => mark(*index, self.area.centre(), height),
        }
    }
}

impl Print {
    fn random(dice: &mut Dice, height: f32) -> Self {
        match dice.weighted(&[0.66, 0.14, 0.08, 0.12]) {
            0 => {
                let weight = height * dice.between(0.09, 0.2);
                let count = dice.whole(3, 14);
                Self::Text { characters: word(dice, count), height, weight }
            }
            1 => {
                let module = dice.between(1.8, 4.0);
                let count = dice.whole(21, 61);
                Self::Bars { runs: bars(dice, count), module }
            }
            2 => {
                let columns = dice.whole(10, 18);
                Self::Matrix { columns, dark: cells(dice, columns), module: dice.between(3.0, 7.0) }
            }
            _ => Self::Mark(dice.below(MARKS)),
        }
    }

    /// Width and height where a line has this height.
    fn size(&self, line: f32) -> (f32, f32) {
        match self {
            Self::Text { characters, height, weight } => {
                (characters.len() as f32 * font::advance(*height, *weight), *height)
            }
            Self::Bars { runs, module } => {
                let modules: u32 = runs.iter().map(|run| u32::from(*run)).sum();
                (modules as f32 * module, (line * 1.5).max(40.0))
            }
            Self::Matrix { columns, module, .. } => {
                (*columns as f32 * module, *columns as f32 * module)
            }
            Self::Mark(_) => (line.max(34.0), line.max(34.0)),
        }
    }

    /// Another print of the same kind and size.
    pub(crate) fn other(&self, dice: &mut Dice) -> Self {
        match self {
            Self::Text { characters, height, weight } => {
                let mut characters = characters.clone();
                for _ in 0..dice.whole(1, characters.len()) {
                    let place = dice.below(characters.len());
                    characters[place] = another(dice, characters[place]);
                }
                Self::Text { characters, height: *height, weight: *weight }
            }
            Self::Bars { runs, module } => {
                // Bars end where they did, so that the code keeps its width.
                let mut runs = runs.clone();
                for _ in 0..4 {
                    let from = 1 + dice.below(runs.len() / 2);
                    let until = (from + runs.len() / 3).min(runs.len() - 1);
                    runs[from..until].reverse();
                }
                if runs == *self.runs() {
                    runs.swap(0, 2);
                }
                Self::Bars { runs, module: *module }
            }
            Self::Matrix { columns, dark, module } => {
                let mut dark = dark.clone();
                for (index, cell) in dark.iter_mut().enumerate() {
                    let is_border = index % columns == 0 || index / columns == columns - 1;
                    if !is_border && dice.chance(0.5) {
                        *cell = !*cell;
                    }
                }
                Self::Matrix { columns: *columns, dark, module: *module }
            }
            Self::Mark(index) => Self::Mark((index + 1 + dice.below(MARKS - 1)) % MARKS),
        }
    }

    fn runs(&self) -> &[u8] {
        if let Self::Bars { runs, .. } = self { runs } else { &[] }
    }

    /// Whether it is a code for machines.
    pub(crate) fn is_code(&self) -> bool {
        matches!(self, Self::Bars { .. } | Self::Matrix { .. })
    }
}

fn word(dice: &mut Dice, count: usize) -> Vec<char> {
    let all: Vec<char> = font::characters().collect();
    let digits = dice.chance(0.5);
    (0..count).map(|_| if digits { *dice.pick(&all[1..11]) } else { *dice.pick(&all) }).collect()
}

/// A character that does not look like `old`.
fn another(dice: &mut Dice, old: char) -> char {
    const ALIKE: [&str; 7] = ["0OQDCG", "1I", "2Z", "5S", "8B36", "UV", "PRF"];
    let all: Vec<char> = font::characters()
        .filter(|new| {
            *new != old && !ALIKE.iter().any(|set| set.contains(*new) && set.contains(old))
        })
        .collect();
    *dice.pick(&all)
}

/// An odd number of runs: they begin and end with a bar.
fn bars(dice: &mut Dice, count: usize) -> Vec<u8> {
    (0..count | 1).map(|_| 1 + dice.weighted(&[0.5, 0.25, 0.15, 0.1]) as u8).collect()
}

/// Random modules with two dark sides, as square codes have.
fn cells(dice: &mut Dice, columns: usize) -> Vec<bool> {
    (0..columns * columns)
        .map(|index| index % columns == 0 || index / columns == columns - 1 || dice.chance(0.5))
        .collect()
}

/// Simple signs: a triangle, a disc with a bar, an arrow, a frame of dots.
fn mark(index: usize, centre: Point, size: f32) -> Vec<Shape> {
    let at = |x: f32, y: f32| Point::new(centre.x + x * size / 2.0, centre.y + y * size / 2.0);
    match index {
        0 => vec![Shape::polygon(&[at(-0.95, 0.9), at(0.95, 0.9), at(0.0, -0.95)])],
        1 => vec![
            Shape::disc(at(0.0, -0.25), size * 0.34),
            Shape::rectangle(at(0.0, 0.8), (size * 0.9, size * 0.16), 0.0, 0.0),
        ],
        2 => vec![
            Shape::capsule(at(-0.85, 0.0), at(0.4, 0.0), size * 0.2),
            Shape::polygon(&[at(0.2, -0.8), at(0.95, 0.0), at(0.2, 0.8)]),
        ],
        _ => (0..4)
            .map(|corner| {
                let (x, y) = ((corner % 2) as f32 - 0.5, (corner / 2) as f32 - 0.5);
                Shape::disc(at(1.1 * x, 1.1 * y), size * 0.19)
            })
            .collect(),
    }
}

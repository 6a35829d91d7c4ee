/// The third of a crop that a point is in, from left to right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    /// The left third.
    Left,
    /// The middle third.
    Centre,
    /// The right third.
    Right,
}

/// The third of a crop that a point is in, from top to bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Row {
    /// The top third.
    Top,
    /// The middle third.
    Middle,
    /// The bottom third.
    Bottom,
}

/// The ninth of a crop that something is in; it turns with the crop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// From left to right.
    pub column: Column,
    /// From top to bottom.
    pub row: Row,
}

impl Place {
    /// Where a point is, all in pixels: `point` (x, y) from the top left corner of a crop of `size`
    /// (width, height). A point outside belongs to the nearest ninth.
    pub fn of(point: (f32, f32), size: (f32, f32)) -> Self {
        let column = match third(point.0, size.0) {
            0 => Column::Left,
            1 => Column::Centre,
            _ => Column::Right,
        };
        let row = match third(point.1, size.1) {
            0 => Row::Top,
            1 => Row::Middle,
            _ => Row::Bottom,
        };
        Self { column, row }
    }

    /// Where it is once left and right of the crop have been exchanged.
    #[must_use]
    pub fn flipped_horizontally(self) -> Self {
        let column = match self.column {
            Column::Left => Column::Right,
            Column::Centre => Column::Centre,
            Column::Right => Column::Left,
        };
        Self { column, ..self }
    }

    /// Where it is once top and bottom of the crop have been exchanged.
    #[must_use]
    pub fn flipped_vertically(self) -> Self {
        let row = match self.row {
            Row::Top => Row::Bottom,
            Row::Middle => Row::Middle,
            Row::Bottom => Row::Top,
        };
        Self { row, ..self }
    }

    /// Where it is once rows and columns of the crop have been exchanged.
    #[must_use]
    pub fn transposed(self) -> Self {
        let column = match self.row {
            Row::Top => Column::Left,
            Row::Middle => Column::Centre,
            Row::Bottom => Column::Right,
        };
        let row = match self.column {
            Column::Left => Row::Top,
            Column::Centre => Row::Middle,
            Column::Right => Row::Bottom,
        };
        Self { column, row }
    }

    /// Where it is once the crop has been turned clockwise by this many quarters.
    #[must_use]
    pub fn turned_clockwise(self, quarters: u32) -> Self {
        (0..quarters % 4).fold(self, |place, _| place.transposed().flipped_horizontally())
    }

    /// Patterns of the words for it, to stand after a sentence.
    pub(super) fn patterns(self) -> &'static [&'static str] {
        match (self.column, self.row) {
            (Column::Left, Row::Top) => {
                &["{at|near} the top left", "in the {top|upper} left{| corner}"]
            }
            (Column::Centre, Row::Top) => &[
                "{at|near} the top",
                "in the upper {part|third}",
                "{at|near} the top {centre|center}",
            ],
            (Column::Right, Row::Top) => {
                &["{at|near} the top right", "in the {top|upper} right{| corner}"]
            }
            (Column::Left, Row::Middle) => &["{on|at} the left{| side}", "on the left hand side"],
            (Column::Centre, Row::Middle) => {
                &["in the {middle|centre|center}", "{near|at} the {centre|center}"]
            }
            (Column::Right, Row::Middle) => {
                &["{on|at} the right{| side}", "on the right hand side"]
            }
            (Column::Left, Row::Bottom) => {
                &["{at|near} the bottom left", "in the {bottom|lower} left{| corner}"]
            }
            (Column::Centre, Row::Bottom) => &[
                "{at|near} the bottom",
                "in the lower {part|third}",
                "{at|near} the bottom {centre|center}",
            ],
            (Column::Right, Row::Bottom) => {
                &["{at|near} the bottom right", "in the {bottom|lower} right{| corner}"]
            }
        }
    }
}

/// 0, 1 or 2; 1 for what is not a number.
fn third(position: f32, length: f32) -> u8 {
    let part = position * 3.0 / length;
    if part < 1.0 {
        0
    } else if part >= 2.0 {
        2
    } else {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (f32, f32) = (90.0, 60.0);

    fn points() -> impl Iterator<Item = (f32, f32)> {
        (0..9).map(|index| ((index % 3) as f32 * 30.0 + 7.0, (index / 3) as f32 * 20.0 + 7.0))
    }

    #[test]
    fn places_are_ninths_and_points_outside_belong_to_the_nearest() {
        let place = |x, y| Place::of((x, y), SIZE);
        assert_eq!(place(0.0, 0.0), Place { column: Column::Left, row: Row::Top });
        assert_eq!(place(30.0, 19.9), Place { column: Column::Centre, row: Row::Top });
        assert_eq!(place(60.0, 59.0), Place { column: Column::Right, row: Row::Bottom });
        assert_eq!(place(-5.0, 99.0), Place { column: Column::Left, row: Row::Bottom });
        assert_eq!(place(f32::NAN, 30.0), Place { column: Column::Centre, row: Row::Middle });
    }

    #[test]
    fn a_place_turns_as_the_point_in_it() {
        for (x, y) in points() {
            let (width, height) = SIZE;
            let place = Place::of((x, y), SIZE);
            let mirrored = Place::of((width - x, y), SIZE);
            assert_eq!(place.flipped_horizontally(), mirrored);
            let upturned = Place::of((x, height - y), SIZE);
            assert_eq!(place.flipped_vertically(), upturned);
            let transposed = Place::of((y, x), (height, width));
            assert_eq!(place.transposed(), transposed);
            let clockwise = Place::of((height - y, x), (height, width));
            assert_eq!(place.turned_clockwise(1), clockwise);
            assert_eq!(place.turned_clockwise(3), place.turned_clockwise(2).turned_clockwise(5));
        }
    }

    #[test]
    fn words_of_two_places_are_never_the_same() {
        let mut seen = std::collections::BTreeSet::new();
        for point in points() {
            for pattern in Place::of(point, SIZE).patterns() {
                for text in super::super::grammar::expand(pattern) {
                    assert!(seen.insert(text.clone()), "{text}");
                }
            }
        }
    }
}

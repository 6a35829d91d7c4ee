use std::ops::RangeInclusive;

use super::BoardFault;

/// Sides of frames that can be rendered, pixels.
const SIZES: RangeInclusive<usize> = 64..=4096;
/// Most faults in one frame.
const MOST_FAULTS: usize = 64;

/// What a renderer was asked for and cannot do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A number outside its range.
    #[error("{name}: {found}, expected {expected}")]
    OutOfRange {
        /// The field of [`Config`].
        name: &'static str,
        /// Its value.
        found: String,
        /// The values it may have.
        expected: &'static str,
    },
    /// A list without any entry to choose from.
    #[error("{name}: empty, expected at least one to choose from")]
    Empty {
        /// The field of [`Config`].
        name: &'static str,
    },
}

/// The products that can be rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Bare boards with copper traces.
    Board,
    /// Labels with text, codes and marks.
    Label,
    /// Caps and gaskets on a housing.
    Cap,
}

impl Kind {
    /// Lower case, one word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Board => "board",
            Self::Label => "label",
            Self::Cap => "cap",
        }
    }
}

/// What the camera delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Style {
    /// Black and white; copper and print are black.
    Binary,
    /// 8-bit grey.
    Grey,
    /// 8-bit red, green and blue.
    Colour,
}

impl Style {
    /// Lower case, one word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Grey => "grey",
            Self::Colour => "colour",
        }
    }
}

/// What to render.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Side of the square frames, 64 to 4096 pixels; 48 of them are a millimetre of board.
    pub size: usize,
    /// The products, all equally often.
    pub kinds: Vec<Kind>,
    /// The cameras, all equally often.
    pub styles: Vec<Style>,
    /// Share of pairs without any fault, 0 to 1.
    pub conforming_share: f32,
    /// Fewest and most faults of a product that has any, 1 to 64; labels and caps have at most 3.
    pub faults: (usize, usize),
    /// The faults of boards, all equally often where there is room.
    pub board_faults: Vec<BoardFault>,
    /// Share of boards with faults in both frames, which are no difference; 0 to 1.
    pub shared_faults: f32,
    /// Benign differences: 0 for none at all, 1 for those of real pairs, at most 2.
    pub benign: f32,
    /// Pixels between a fault and its box.
    pub box_margin: u32,
}

impl Default for Config {
    /// Boards in black and white, as the line camera of the reference data delivers them.
    fn default() -> Self {
        Self {
            size: 640,
            kinds: vec![Kind::Board],
            styles: vec![Style::Binary],
            conforming_share: 0.2,
            faults: (1, 10),
            board_faults: BoardFault::ALL.to_vec(),
            shared_faults: 0.15,
            benign: 1.0,
            box_margin: 10,
        }
    }
}

impl Config {
    /// Checks every field.
    ///
    /// # Errors
    /// The first that is wrong, by name.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let within = |name, found: String, is_within: bool, expected| {
            is_within.then_some(()).ok_or(Error::OutOfRange { name, found, expected })
        };
        let share = |name, value: f32| {
            within(name, value.to_string(), (0.0..=1.0).contains(&value), "0 to 1")
        };
        within("size", self.size.to_string(), SIZES.contains(&self.size), "64 to 4096 pixels")?;
        share("conforming_share", self.conforming_share)?;
        share("shared_faults", self.shared_faults)?;
        let benign = (0.0..=2.0).contains(&self.benign);
        within("benign", self.benign.to_string(), benign, "0 to 2")?;
        let (fewest, most) = self.faults;
        let ordered = 1 <= fewest && fewest <= most && most <= MOST_FAULTS;
        within("faults", format!("{fewest} to {most}"), ordered, "1 to 64, the smaller first")?;
        let margin = self.box_margin as usize <= *SIZES.end();
        within("box_margin", self.box_margin.to_string(), margin, "0 to 4096 pixels")?;
        let lists = [
            ("kinds", self.kinds.is_empty()),
            ("styles", self.styles.is_empty()),
            ("board_faults", self.board_faults.is_empty()),
        ];
        match lists.into_iter().find(|list| list.1) {
            Some((name, _)) => Err(Error::Empty { name }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn wrong_fields_are_named() {
        type Change = fn(&mut Config);
        let wrong: [(&str, Change); 7] = [
            ("size", |config| config.size = 63),
            ("conforming_share", |config| config.conforming_share = f32::NAN),
            ("shared_faults", |config| config.shared_faults = -0.1),
            ("benign", |config| config.benign = 2.1),
            ("faults", |config| config.faults = (3, 2)),
            ("kinds", |config| config.kinds.clear()),
            ("board_faults", |config| config.board_faults.clear()),
        ];
        Config::default().check().unwrap();
        for (name, change) in wrong {
            let mut config = Config::default();
            change(&mut config);
            assert!(config.check().unwrap_err().to_string().starts_with(name));
        }
    }
}

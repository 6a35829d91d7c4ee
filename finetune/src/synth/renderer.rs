use pairspec::frame::{Frame, Pixels};
use pairspec::manifest::LabelledBox;

use super::{Config, Error, Kind, Style, board, cap, label};
use crate::dice::Dice;

/// A reference and a test frame, and all that is known about them.
#[derive(Debug, Clone)]
pub struct RenderedPair {
    /// Of a sound product.
    pub reference: Frame,
    /// Of the same product, with the faults in `boxes`.
    pub test: Frame,
    /// The faults, in pixels of the test frame; none when the pair conforms.
    pub boxes: Vec<LabelledBox>,
    /// What the reference and the test frame show.
    pub captions: [String; 2],
    /// The product.
    pub kind: Kind,
    /// The camera.
    pub style: Style,
    /// The sort of product within its kind, for splitting: `board-fine`.
    pub group: String,
}

/// What a product draws; the renderer puts the rest around it.
#[derive(Debug)]
pub(crate) struct Drawn {
    pub(crate) group: &'static str,
    pub(crate) reference: Pixels,
    pub(crate) test: Pixels,
    pub(crate) boxes: Vec<LabelledBox>,
    pub(crate) captions: [String; 2],
}

/// Renders pairs: any number, each by its index alone.
#[derive(Debug, Clone)]
pub struct Renderer {
    seed: u64,
    config: Config,
}

impl Renderer {
    /// A renderer; the same seed and configuration give the same pairs.
    ///
    /// # Errors
    /// The first field of `config` that is out of its range.
    pub fn new(seed: u64, config: Config) -> Result<Self, Error> {
        config.check()?;
        Ok(Self { seed, config })
    }

    /// What it renders.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The pair with this index; the same whatever was rendered before, on any thread.
    pub fn pair(&self, index: u64) -> RenderedPair {
        let config = &self.config;
        let mut dice = Dice::new(self.seed, index);
        let kind = *dice.pick(&config.kinds);
        let style = *dice.pick(&config.styles);
        let conforming = dice.chance(config.conforming_share);
        let faults = if conforming { 0 } else { dice.whole(config.faults.0, config.faults.1) };
        let drawn = match kind {
            Kind::Board => board::render(&mut dice, config, style, faults),
            Kind::Label => label::render(&mut dice, config, style, faults),
            Kind::Cap => cap::render(&mut dice, config, style, faults),
        };
        let depth = if style == Style::Binary { 1 } else { 8 };
        let frame = |pixels, role: &str| {
            Frame::new(pixels, depth, format!("rendered pair {index}, {role}"))
                .expect("sizes are at least 64 pixels")
        };
        RenderedPair {
            reference: frame(drawn.reference, "reference"),
            test: frame(drawn.test, "test"),
            boxes: drawn.boxes,
            captions: drawn.captions,
            kind,
            style,
            group: format!("{}-{}", kind.name(), drawn.group),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn renderer(seed: u64) -> Renderer {
        let styles = vec![Style::Binary, Style::Grey, Style::Colour];
        Renderer::new(seed, Config { size: 128, styles, ..Config::default() }).unwrap()
    }

    fn bytes(pair: &RenderedPair) -> [Vec<u8>; 2] {
        [&pair.reference, &pair.test].map(|frame| frame.to_rgb().as_raw().clone())
    }

    #[test]
    fn a_pair_depends_on_seed_and_index_alone() {
        let alone = renderer(1).pair(5);
        let other = std::thread::spawn(|| {
            let renderer = renderer(1);
            (0..5).for_each(|index| drop(renderer.pair(index)));
            renderer.pair(5)
        });
        let after = other.join().unwrap();
        assert_eq!(bytes(&alone), bytes(&after));
        assert_eq!(alone.boxes, after.boxes);
        assert_eq!(alone.captions, after.captions);
        assert_ne!(bytes(&alone), bytes(&renderer(2).pair(5)));
        assert_ne!(bytes(&alone), bytes(&renderer(1).pair(6)));
    }

    #[test]
    fn shares_and_counts_are_those_of_the_configuration() {
        let share = |conforming_share| {
            let config = Config { size: 128, conforming_share, ..Config::default() };
            let renderer = Renderer::new(1, config).unwrap();
            (0..20).filter(|index| renderer.pair(*index).boxes.is_empty()).count()
        };
        assert_eq!(share(1.0), 20);
        assert!(share(0.0) <= 4, "few boards have no room for any fault");
    }
}

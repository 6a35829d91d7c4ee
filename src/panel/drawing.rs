use std::cell::RefCell;

use embedded_graphics::Drawable;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Size};
use embedded_graphics::pixelcolor::{PixelColor, Rgb888};

use super::Error;
use super::display::{Display, Surface};
use super::scene::Scene;
use super::screen::arrange;
use super::theme::GROUND;
use super::widget::{Pen, Placed};

/// Draws scenes on a target, and of each what the one before it did not show already.
///
/// Works on any target of `embedded-graphics` whose colours come from RGB888, as RGB565 and RGB888
/// do. The memory it keeps is bounded whatever is drawn.
#[derive(Debug, Default)]
pub struct Panel {
    pen: RefCell<Pen>,
    shown: Vec<Placed>,
    size: Size,
}

/// What one scene took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drawn {
    /// Areas that were drawn.
    pub areas: usize,
    /// Areas the screen has.
    pub of_areas: usize,
    /// Pixels that were written.
    pub pixels: u64,
    /// Texts that did not fit at their least size, and end in an ellipsis.
    pub cut_texts: u64,
    /// Characters that the faces do not have; a box with a question mark stands for each.
    pub unknown_glyphs: u64,
}

impl Panel {
    /// A panel that has drawn nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets what the target shows: the next scene is drawn whole.
    pub fn forget(&mut self) {
        self.shown.clear();
        self.size = Size::zero();
    }

    /// Draws on a display what of a scene it does not show yet, and has the display show it.
    ///
    /// # Errors
    /// The display's; the next scene is then drawn whole.
    pub fn show(&mut self, scene: &Scene, display: &mut dyn Display) -> Result<Drawn, Error> {
        let drawn = self.draw(scene, &mut Surface::new(display))?;
        if let Err(error) = display.flush() {
            self.forget();
            return Err(error);
        }
        Ok(drawn)
    }

    /// Draws what of a scene is not shown yet.
    ///
    /// # Errors
    /// The target's; the next scene is then drawn whole, for what it shows is not known.
    pub fn draw<D>(&mut self, scene: &Scene, target: &mut D) -> Result<Drawn, D::Error>
    where
        D: DrawTarget + OriginDimensions,
        D::Color: PixelColor + From<Rgb888>,
    {
        let size = target.size();
        let wanted = arrange(scene, size);
        let shown = std::mem::take(&mut self.shown);
        let shown_size = std::mem::replace(&mut self.size, Size::zero());
        let mut drawn = Drawn { of_areas: wanted.len(), ..Drawn::default() };
        let same_areas = shown_size == size
            && shown.len() == wanted.len()
            && shown.iter().zip(&wanted).all(|(one, other)| one.area == other.area);
        if !same_areas {
            target.clear(D::Color::from(GROUND))?;
            drawn.pixels += u64::from(size.width) * u64::from(size.height);
        }
        for (index, placed) in wanted.iter().enumerate() {
            if same_areas && shown.get(index) == Some(placed) {
                continue;
            }
            placed.view(&self.pen).draw(target)?;
            drawn.areas += 1;
            drawn.pixels += u64::from(placed.area.size.width) * u64::from(placed.area.size.height);
        }
        let ink = &mut self.pen.borrow_mut().ink;
        drawn.cut_texts = std::mem::take(&mut ink.cut);
        drawn.unknown_glyphs = std::mem::take(&mut ink.unknown);
        (self.shown, self.size) = (wanted, size);
        Ok(drawn)
    }
}

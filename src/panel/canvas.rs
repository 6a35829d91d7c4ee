use std::convert::Infallible;

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::PointsIter;
use embedded_graphics::primitives::Rectangle;

use super::theme::blend;

/// The pixels of one area while it is composed; what leaves it are whole areas, each pixel once.
///
/// Coordinates are the area's own, from its top left corner; what falls outside is left out.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    size: Size,
    pixels: Vec<Rgb888>,
}

impl Canvas {
    /// Starts an area anew, all in one colour; memory is kept from area to area.
    pub(super) fn clear(&mut self, size: Size, color: Rgb888) {
        self.size = size;
        self.pixels.clear();
        self.pixels.resize(size.width as usize * size.height as usize, color);
    }

    /// Everything, row by row.
    pub(super) fn pixels(&self) -> &[Rgb888] {
        &self.pixels
    }

    /// The whole area.
    pub(super) fn area(&self) -> Rectangle {
        Rectangle::new(Point::zero(), self.size)
    }

    /// Sets one pixel.
    pub(super) fn set(&mut self, at: Point, color: Rgb888) {
        if let Some(pixel) = self.pixel(at) {
            *pixel = color;
        }
    }

    /// Lays a colour over a pixel, `coverage` of 255.
    pub(super) fn lay(&mut self, at: Point, color: Rgb888, coverage: u8) {
        if coverage == 0 {
            return;
        }
        if let Some(pixel) = self.pixel(at) {
            *pixel = blend(*pixel, color, coverage);
        }
    }

    /// Fills a rectangle.
    pub(super) fn fill(&mut self, area: Rectangle, color: Rgb888) {
        let area = area.intersection(&self.area());
        let (left, columns) = (area.top_left.x as usize, area.size.width as usize);
        for y in area.rows() {
            let start = y as usize * self.size.width as usize + left;
            if let Some(row) = self.pixels.get_mut(start..start + columns) {
                row.fill(color);
            }
        }
    }

    /// Draws the edge of a rectangle, `width` pixels to the inside.
    pub(super) fn frame(&mut self, area: Rectangle, width: u32, color: Rgb888) {
        let Size { width: columns, height: rows } = area.size;
        let Point { x, y } = area.top_left;
        let width = width.min(columns).min(rows);
        let bar = |x, y, columns, rows| Rectangle::new(Point::new(x, y), Size::new(columns, rows));
        self.fill(bar(x, y, columns, width), color);
        self.fill(bar(x, y + (rows - width) as i32, columns, width), color);
        self.fill(bar(x, y, width, rows), color);
        self.fill(bar(x + (columns - width) as i32, y, width, rows), color);
    }

    fn pixel(&mut self, at: Point) -> Option<&mut Rgb888> {
        let (x, y) = (u32::try_from(at.x).ok()?, u32::try_from(at.y).ok()?);
        if x >= self.size.width || y >= self.size.height {
            return None;
        }
        self.pixels.get_mut(y as usize * self.size.width as usize + x as usize)
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        self.size
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Infallible> {
        for Pixel(at, color) in pixels {
            self.set(at, color);
        }
        Ok(())
    }

    fn fill_contiguous<I: IntoIterator<Item = Rgb888>>(
        &mut self,
        area: &Rectangle,
        colors: I,
    ) -> Result<(), Infallible> {
        for (at, color) in area.points().zip(colors) {
            self.set(at, color);
        }
        Ok(())
    }

    fn fill_solid(&mut self, area: &Rectangle, color: Rgb888) -> Result<(), Infallible> {
        self.fill(*area, color);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use embedded_graphics::pixelcolor::RgbColor;

    use super::*;

    fn canvas() -> Canvas {
        let mut canvas = Canvas::default();
        canvas.clear(Size::new(4, 3), Rgb888::BLACK);
        canvas
    }

    fn white(canvas: &Canvas) -> String {
        let rows = canvas.pixels().chunks(4).map(|row| {
            row.iter().map(|&pixel| if pixel == Rgb888::WHITE { '#' } else { '.' }).collect()
        });
        rows.collect::<Vec<String>>().join("/")
    }

    #[test]
    fn what_falls_outside_is_left_out() {
        let mut canvas = canvas();
        for (x, y) in [(-1, 0), (4, 0), (0, -1), (0, 3), (i32::MAX, i32::MIN)] {
            canvas.set(Point::new(x, y), Rgb888::WHITE);
        }
        assert_eq!(white(&canvas), "..../..../....");
        canvas.fill(Rectangle::new(Point::new(2, -5), Size::new(90, 7)), Rgb888::WHITE);
        assert_eq!(white(&canvas), "..##/..##/....");
    }

    #[test]
    fn a_frame_is_as_wide_as_asked_and_hollow() {
        let mut canvas = canvas();
        let area = canvas.area();
        canvas.frame(area, 1, Rgb888::WHITE);
        assert_eq!(white(&canvas), "####/#..#/####");
        canvas.frame(area, 9, Rgb888::WHITE);
        assert_eq!(white(&canvas), "####/####/####");
    }

    #[test]
    fn a_canvas_forgets_what_it_held() {
        let mut canvas = canvas();
        let area = canvas.area();
        canvas.fill(area, Rgb888::WHITE);
        canvas.clear(Size::new(4, 1), Rgb888::BLACK);
        assert_eq!(white(&canvas), "....");
    }
}

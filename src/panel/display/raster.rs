use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::primitives::Rectangle;

/// By how much the picture is turned clockwise against the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Turn {
    /// Not at all.
    #[default]
    None,
    /// 90 degrees.
    Quarter,
    /// 180 degrees.
    Half,
    /// 270 degrees.
    ThreeQuarters,
}

/// Where red, green and blue are in a pixel, each as offset and length in bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packing {
    /// 2 or 4.
    pub(super) bytes: usize,
    pub(super) red: (u32, u32),
    pub(super) green: (u32, u32),
    pub(super) blue: (u32, u32),
}

/// A picture as a device has it in its memory.
#[derive(Debug)]
pub(super) struct Raster {
    device: Size,
    turn: Turn,
    packing: Packing,
    /// Bytes from one row to the next.
    stride: usize,
    bytes: Vec<u8>,
    /// What was written since it was last taken, in the device's own coordinates.
    damage: Vec<Rectangle>,
}

impl Turn {
    /// From 0, 90, 180 or 270 degrees.
    pub fn from_degrees(degrees: u16) -> Option<Self> {
        match degrees {
            0 => Some(Self::None),
            90 => Some(Self::Quarter),
            180 => Some(Self::Half),
            270 => Some(Self::ThreeQuarters),
            _ => None,
        }
    }

    /// The size that the operator sees.
    pub(super) fn seen(self, device: Size) -> Size {
        match self {
            Self::None | Self::Half => device,
            Self::Quarter | Self::ThreeQuarters => Size::new(device.height, device.width),
        }
    }

    /// Where a point that the operator sees is on the device.
    fn point(self, at: Point, device: Size) -> Point {
        let (right, bottom) = (device.width as i32 - 1, device.height as i32 - 1);
        match self {
            Self::None => at,
            Self::Quarter => Point::new(right - at.y, at.x),
            Self::Half => Point::new(right - at.x, bottom - at.y),
            Self::ThreeQuarters => Point::new(at.y, bottom - at.x),
        }
    }

    fn area(self, area: &Rectangle, device: Size) -> Rectangle {
        let last = area.top_left + area.size - Point::new(1, 1);
        Rectangle::with_corners(self.point(area.top_left, device), self.point(last, device))
    }
}

impl Packing {
    /// 32 bits with a byte for each, blue first in memory: XRGB8888 of DRM.
    pub(super) const XRGB8888: Self = Self { bytes: 4, red: (16, 8), green: (8, 8), blue: (0, 8) };

    fn pack(self, color: Rgb888) -> u32 {
        let put = |value: u8, (offset, length): (u32, u32)| {
            (u32::from(value) >> (8 - length.min(8))) << offset.min(31)
        };
        put(color.r(), self.red) | put(color.g(), self.green) | put(color.b(), self.blue)
    }
}

impl Raster {
    /// A black picture.
    pub(super) fn new(device: Size, stride: usize, (packing, turn): (Packing, Turn)) -> Self {
        let bytes = vec![0; stride * device.height as usize];
        Self { device, turn, packing, stride, bytes, damage: Vec::new() }
    }

    pub(super) fn seen_size(&self) -> Size {
        self.turn.seen(self.device)
    }

    /// Bytes from one row to the next.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// All rows.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Writes an area as the operator sees it; what is outside is left out.
    pub(super) fn write(&mut self, area: &Rectangle, pixels: &[Rgb888]) {
        let screen = Rectangle::new(Point::zero(), self.seen_size());
        let inside = area.intersection(&screen);
        if inside.is_zero_sized() {
            return;
        }
        let columns = area.size.width as usize;
        for (row, colors) in area.rows().zip(pixels.chunks(columns.max(1))) {
            for (column, &color) in area.columns().zip(colors) {
                let at = Point::new(column, row);
                if inside.contains(at) {
                    self.set(self.turn.point(at, self.device), color);
                }
            }
        }
        self.damage.push(self.turn.area(&inside, self.device));
    }

    /// What was written since this was last called.
    pub(super) fn take_damage(&mut self) -> Vec<Rectangle> {
        std::mem::take(&mut self.damage)
    }

    /// `at` is on the device.
    fn set(&mut self, at: Point, color: Rgb888) {
        let bytes = self.packing.bytes;
        let start = at.y as usize * self.stride + at.x as usize * bytes;
        let value = self.packing.pack(color).to_le_bytes();
        if let Some(pixel) = self.bytes.get_mut(start..start + bytes) {
            pixel.copy_from_slice(&value[..bytes]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RGB565: Packing = Packing { bytes: 2, red: (11, 5), green: (5, 6), blue: (0, 5) };
    const TURNS: [Turn; 4] = [Turn::None, Turn::Quarter, Turn::Half, Turn::ThreeQuarters];

    #[test]
    fn pixels_are_packed_as_the_device_says() {
        assert_eq!(RGB565.pack(Rgb888::WHITE), 0xffff);
        assert_eq!(RGB565.pack(Rgb888::new(0xff, 0, 0)), 0xf800);
        assert_eq!(RGB565.pack(Rgb888::new(0, 4, 0)), 0x20);
        assert_eq!(Packing::XRGB8888.pack(Rgb888::new(1, 2, 3)), 0x01_0203);
    }

    #[test]
    fn every_turn_puts_the_corners_where_the_operator_expects_them() {
        let device = Size::new(4, 3);
        let corner = |turn: Turn| turn.point(Point::zero(), device);
        // The operator's top left: top left, top right, bottom right, bottom left of the device.
        let expected = [(0, 0), (3, 0), (3, 2), (0, 2)].map(|(x, y)| Point::new(x, y));
        assert_eq!(TURNS.map(corner), expected);
        for turn in TURNS {
            let seen = turn.seen(device);
            let mut hit = [[false; 4]; 3];
            for y in 0..seen.height as i32 {
                for x in 0..seen.width as i32 {
                    let at = turn.point(Point::new(x, y), device);
                    hit[at.y as usize][at.x as usize] = true;
                }
            }
            assert_eq!(hit, [[true; 4]; 3], "{turn:?}");
        }
    }

    #[test]
    fn turned_four_times_a_picture_is_itself() {
        let device = Size::new(5, 5);
        let mut at = Point::new(1, 3);
        for _ in 0..4 {
            at = Turn::Quarter.point(at, device);
        }
        assert_eq!(at, Point::new(1, 3));
    }

    #[test]
    fn damage_covers_what_was_written_and_nothing_else() {
        for turn in TURNS {
            let mut raster = Raster::new(Size::new(6, 4), 12, (RGB565, turn));
            let area = Rectangle::new(Point::new(1, 2), Size::new(2, 1));
            raster.write(&area, &[Rgb888::WHITE; 2]);
            let damage = raster.take_damage();
            assert_eq!(damage.len(), 1);
            for y in 0..4 {
                for x in 0..6 {
                    let start = y * 12 + x * 2;
                    let is_white = raster.bytes()[start..start + 2] == [0xff, 0xff];
                    let is_damaged = damage[0].contains(Point::new(x as i32, y as i32));
                    assert_eq!(is_white, is_damaged, "{turn:?} {x} {y}");
                }
            }
            assert!(raster.take_damage().is_empty());
        }
    }

    #[test]
    fn what_is_outside_is_left_out() {
        let mut raster = Raster::new(Size::new(2, 2), 8, (Packing::XRGB8888, Turn::Quarter));
        let area = Rectangle::new(Point::new(-1, 1), Size::new(9, 9));
        raster.write(&area, &[Rgb888::WHITE; 81]);
        assert_eq!(raster.bytes().iter().filter(|&&byte| byte == 0xff).count(), 6);
        raster.write(&Rectangle::new(Point::new(5, 5), Size::new(1, 1)), &[Rgb888::WHITE]);
        assert_eq!(raster.take_damage().len(), 1);
    }
}

use std::borrow::Cow;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3};
use fast_image_resize::{FilterType, PixelTrait, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::{GrayImage, RgbImage};

/// The antialiased filters of `CLIPImageProcessor` files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    /// Catmull-Rom, a = -0.5; Pillow's `BICUBIC`, 3.
    Bicubic,
    /// Triangle; Pillow's `BILINEAR`, 2.
    Bilinear,
}

impl Filter {
    fn kernel(self) -> ResizeAlg {
        ResizeAlg::Convolution(match self {
            Self::Bicubic => FilterType::CatmullRom,
            Self::Bilinear => FilterType::Bilinear,
        })
    }

    /// Half the width of the kernel, in pixels of the coarser grid.
    fn support(self) -> f64 {
        match self {
            Self::Bicubic => 2.0,
            Self::Bilinear => 1.0,
        }
    }
}

/// One axis of a resize of which only a part is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    /// Pixels before, at least 1.
    pub(super) source: u32,
    /// Pixels after, at least 1.
    pub(super) resized: u64,
    /// First resized pixel that is wanted.
    pub(super) start: u64,
    /// How many are wanted; `start + length <= resized`.
    pub(super) length: u32,
}

impl Axis {
    fn is_unscaled(&self) -> bool {
        u64::from(self.source) == self.resized
    }

    /// First source coordinate of the wanted part, and how many it spans.
    fn span(&self) -> (f64, f64) {
        let to_source = |at: u64| at as f64 * f64::from(self.source) / self.resized as f64;
        let (start, end) = (to_source(self.start), to_source(self.start + u64::from(self.length)));
        (start, end - start)
    }

    /// First source pixel that the wanted part depends on, and how many do.
    fn reach(&self, filter: Filter) -> (u32, u32) {
        let (start, span) = self.span();
        if self.is_unscaled() {
            return (self.start as u32, self.length);
        }
        // One pixel more on each side than the kernel can reach, for its rounding.
        let margin =
            filter.support() * (f64::from(self.source) / self.resized as f64).max(1.0) + 1.0;
        let first = (start - margin).floor().max(0.0) as u32;
        let last = (start + span + margin).ceil().min(f64::from(self.source)) as u32;
        (first, last - first)
    }
}

/// Interleaved bytes, row by row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raster<'a> {
    bytes: &'a [u8],
    width: u32,
    height: u32,
    layout: PixelType,
}

impl<'a> Raster<'a> {
    pub(super) fn gray(image: &'a GrayImage) -> Self {
        let (width, height) = image.dimensions();
        Self { bytes: image.as_raw(), width, height, layout: PixelType::U8 }
    }

    pub(super) fn rgb(image: &'a RgbImage) -> Self {
        let (width, height) = image.dimensions();
        Self { bytes: image.as_raw(), width, height, layout: PixelType::U8x3 }
    }
}

/// The wanted part of a resized image.
#[derive(Debug)]
pub(super) struct Region<'a> {
    bytes: Cow<'a, [u8]>,
    channels: usize,
    /// Bytes from one row to the next.
    stride: usize,
    /// Byte of the first pixel.
    start: usize,
    /// Bytes in a row.
    row_len: usize,
}

impl Region<'_> {
    /// The bytes of one channel in row `y`, left to right; grey serves for every channel.
    pub(super) fn channel_of_row(&self, y: usize, channel: usize) -> impl Iterator<Item = u8> {
        let row = &self.bytes[self.start + y * self.stride..][..self.row_len];
        row[channel.min(self.channels - 1)..].iter().step_by(self.channels).copied()
    }
}

/// Resizes horizontally, then vertically, rounding to u8 between, as Pillow does; computes only
/// what `columns` and `rows` want. A frame that needs no scaling is not copied.
pub(super) fn region<'a>(
    source: Raster<'a>,
    columns: Axis,
    rows: Axis,
    filter: Filter,
) -> Region<'a> {
    let channels = source.layout.size();
    if columns.is_unscaled() && rows.is_unscaled() {
        let stride = source.width as usize * channels;
        return Region {
            bytes: Cow::Borrowed(source.bytes),
            channels,
            stride,
            start: rows.start as usize * stride + columns.start as usize * channels,
            row_len: columns.length as usize * channels,
        };
    }
    let (first_row, row_count) = rows.reach(filter);
    let (left, width) = columns.span();
    let (top, height) = rows.span();
    let wide = pass(
        source,
        Part { left, top: f64::from(first_row), width, height: f64::from(row_count) },
        (columns.length, row_count),
        filter,
    );
    let wide = Raster { bytes: &wide, width: columns.length, height: row_count, ..source };
    let whole = f64::from(columns.length);
    let done = pass(
        wide,
        Part { left: 0.0, top: top - f64::from(first_row), width: whole, height },
        (columns.length, rows.length),
        filter,
    );
    let stride = columns.length as usize * channels;
    Region { bytes: Cow::Owned(done), channels, stride, start: 0, row_len: stride }
}

/// Part of a raster, in fractional pixels.
struct Part {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

/// Resizes `part` of `source` to `size` (width, height).
///
/// By the types of the pixels: the untyped call would compile every layout there is into this
/// crate.
fn pass(source: Raster<'_>, part: Part, size: (u32, u32), filter: Filter) -> Vec<u8> {
    match source.layout {
        PixelType::U8 => typed_pass::<U8>(source, part, size, filter),
        _ => typed_pass::<U8x3>(source, part, size, filter),
    }
}

fn typed_pass<P: PixelTrait>(
    source: Raster<'_>,
    part: Part,
    size: (u32, u32),
    filter: Filter,
) -> Vec<u8> {
    let view = TypedImageRef::<P>::from_buffer(source.width, source.height, source.bytes)
        .expect("the raster is as long as its size says");
    let width = inside(part.left, part.width, source.width);
    let height = inside(part.top, part.height, source.height);
    let options = ResizeOptions::new()
        .resize_alg(filter.kernel())
        .crop(part.left, part.top, width, height)
        .use_alpha(false);
    let mut bytes = vec![0; size.0 as usize * size.1 as usize * P::size()];
    let mut out = TypedImage::<P>::from_buffer(size.0, size.1, &mut bytes)
        .expect("the buffer was made for this size");
    Resizer::new().resize_typed(&view, &mut out, &options).expect("the part is in the raster");
    bytes
}

/// `length` less the last bits of rounding that would carry `start + length` beyond `end`.
fn inside(start: f64, mut length: f64, end: u32) -> f64 {
    let end = f64::from(end);
    length = length.min(end - start);
    while start + length > end {
        length = length.next_down();
    }
    length
}

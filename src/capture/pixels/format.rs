use super::FourCc;
use crate::capture::Error;

/// A pixel format that can be turned into luma.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelFormat {
    fourcc: FourCc,
    pub(super) samples: Samples,
    pub(super) meaning: Meaning,
}

/// How the samples of a row lie in its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Samples {
    /// One byte each, every `step` bytes from `first`.
    Bytes { first: u8, step: u8 },
    /// Three bytes a pixel; the positions of red, green and blue.
    Triples([u8; 3]),
    /// 16 bits little endian each, of which the low `bits` are used.
    Words { bits: u8 },
    /// MIPI CSI-2 RAW10: four high bytes, then a byte of their low bits, the first in bits 1-0.
    Mipi10,
    /// MIPI CSI-2 RAW12: two high bytes, then a byte of their low bits, the first in bits 3-0.
    Mipi12,
    /// A JPEG image, of any length.
    Jpeg,
}

/// What a sample stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Brightness, 0 to the largest sample.
    Gray,
    /// Y' of Y'CbCr, whose range is full or limited; the format's chroma rows follow if any.
    Luma { chroma_rows: bool },
    /// A mosaic: where red is in each square of two by two, column and row; blue is opposite.
    Bayer { red: (u8, u8) },
    /// All colours of a pixel.
    Colour,
}

const BYTES: Samples = Samples::Bytes { first: 0, step: 1 };

/// Every format that is converted, with its name in V4L2's `videodev2.h`; byte layouts are those of
/// the kernel's "Media subsystem kernel internal API and userspace API" documentation, pages
/// `pixfmt-yuv-luma` (GREY, Y10, Y12, Y16, Y10P, Y12P), `pixfmt-packed-yuv` (YUYV, UYVY),
/// `pixfmt-yuv-planar` (NV12), `pixfmt-rgb` (RGB24, BGR24), `pixfmt-srggb8`, `-10`, `-10p`, `-12`
/// and `-12p` (Bayer).
pub const PIXEL_FORMATS: [PixelFormat; 32] = [
    // Grey first: nothing is thrown away.
    gray(*b"GREY", BYTES),
    gray(*b"Y10 ", Samples::Words { bits: 10 }),
    gray(*b"Y12 ", Samples::Words { bits: 12 }),
    gray(*b"Y16 ", Samples::Words { bits: 16 }),
    gray(*b"Y10P", Samples::Mipi10),
    gray(*b"Y12P", Samples::Mipi12),
    luma(*b"NV12", BYTES, true),
    luma(*b"YUYV", Samples::Bytes { first: 0, step: 2 }, false),
    luma(*b"UYVY", Samples::Bytes { first: 1, step: 2 }, false),
    colour(*b"RGB3", Samples::Triples([0, 1, 2])),
    colour(*b"BGR3", Samples::Triples([2, 1, 0])),
    colour(*b"MJPG", Samples::Jpeg),
    bayer(*b"BA81", BYTES, BGGR),
    bayer(*b"GBRG", BYTES, GBRG),
    bayer(*b"GRBG", BYTES, GRBG),
    bayer(*b"RGGB", BYTES, RGGB),
    bayer(*b"BG10", Samples::Words { bits: 10 }, BGGR),
    bayer(*b"GB10", Samples::Words { bits: 10 }, GBRG),
    bayer(*b"BA10", Samples::Words { bits: 10 }, GRBG),
    bayer(*b"RG10", Samples::Words { bits: 10 }, RGGB),
    bayer(*b"pBAA", Samples::Mipi10, BGGR),
    bayer(*b"pGAA", Samples::Mipi10, GBRG),
    bayer(*b"pgAA", Samples::Mipi10, GRBG),
    bayer(*b"pRAA", Samples::Mipi10, RGGB),
    bayer(*b"BG12", Samples::Words { bits: 12 }, BGGR),
    bayer(*b"GB12", Samples::Words { bits: 12 }, GBRG),
    bayer(*b"BA12", Samples::Words { bits: 12 }, GRBG),
    bayer(*b"RG12", Samples::Words { bits: 12 }, RGGB),
    bayer(*b"pBCC", Samples::Mipi12, BGGR),
    bayer(*b"pGCC", Samples::Mipi12, GBRG),
    bayer(*b"pgCC", Samples::Mipi12, GRBG),
    bayer(*b"pRCC", Samples::Mipi12, RGGB),
];

const BGGR: (u8, u8) = (1, 1);
const GBRG: (u8, u8) = (0, 1);
const GRBG: (u8, u8) = (1, 0);
const RGGB: (u8, u8) = (0, 0);

const fn gray(name: [u8; 4], samples: Samples) -> PixelFormat {
    PixelFormat { fourcc: FourCc::new(name), samples, meaning: Meaning::Gray }
}

const fn luma(name: [u8; 4], samples: Samples, chroma_rows: bool) -> PixelFormat {
    PixelFormat { fourcc: FourCc::new(name), samples, meaning: Meaning::Luma { chroma_rows } }
}

const fn colour(name: [u8; 4], samples: Samples) -> PixelFormat {
    PixelFormat { fourcc: FourCc::new(name), samples, meaning: Meaning::Colour }
}

const fn bayer(name: [u8; 4], samples: Samples, red: (u8, u8)) -> PixelFormat {
    PixelFormat { fourcc: FourCc::new(name), samples, meaning: Meaning::Bayer { red } }
}

impl PixelFormat {
    /// The format of this name.
    ///
    /// # Errors
    /// [`Error::UnknownFormat`] with the names there are.
    pub fn of(fourcc: FourCc) -> Result<Self, Error> {
        let found = PIXEL_FORMATS.iter().find(|format| format.fourcc == fourcc);
        let supported = || format_list(PIXEL_FORMATS.iter().map(|format| format.fourcc));
        found.copied().ok_or_else(|| Error::UnknownFormat { found: fourcc, supported: supported() })
    }

    /// Its name.
    pub fn fourcc(&self) -> FourCc {
        self.fourcc
    }

    /// Significant bits of a sample: 8, 10, 12 or 16.
    pub fn bits(&self) -> u8 {
        match self.samples {
            Samples::Bytes { .. } | Samples::Triples(_) | Samples::Jpeg => 8,
            Samples::Words { bits } => bits,
            Samples::Mipi10 => 10,
            Samples::Mipi12 => 12,
        }
    }
}

/// Of the formats a device offers, the one that comes first in the preference.
///
/// # Errors
/// [`Error::FormatNotOffered`] with what there is, [`Error::UnknownFormat`] for a preference that
/// could not be converted.
pub fn preferred(
    wanted: &[FourCc],
    offered: &[FourCc],
    origin: &str,
) -> Result<PixelFormat, Error> {
    for name in wanted {
        let format = PixelFormat::of(*name)?;
        if offered.contains(name) {
            return Ok(format);
        }
    }
    Err(Error::FormatNotOffered {
        origin: origin.to_owned(),
        offered: format_list(offered.iter().copied()),
        wanted: format_list(wanted.iter().copied()),
    })
}

/// Names with commas between, or `nothing`.
pub fn format_list(names: impl IntoIterator<Item = FourCc>) -> String {
    let names: Vec<String> = names.into_iter().map(String::from).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<FourCc> {
        text.split(' ').map(|name| FourCc::try_from(name.to_owned()).unwrap()).collect()
    }

    #[test]
    fn every_format_is_found_by_its_own_name() {
        for format in PIXEL_FORMATS {
            assert_eq!(PixelFormat::of(format.fourcc()).unwrap(), format);
        }
    }

    #[test]
    fn the_preference_decides_not_the_order_of_the_device() {
        let format = preferred(&names("GREY YUYV"), &names("MJPG YUYV GREY"), "cam").unwrap();
        assert_eq!(format.fourcc(), names("GREY")[0]);
        let format = preferred(&names("GREY YUYV"), &names("H264 YUYV"), "cam").unwrap();
        assert_eq!(format.fourcc(), names("YUYV")[0]);
    }

    #[test]
    fn an_error_lists_what_the_device_offers() {
        let message = |wanted, offered: &[FourCc]| {
            preferred(&names(wanted), offered, "/dev/video0").unwrap_err().to_string()
        };
        assert_eq!(
            message("GREY Y10", &names("YUYV MJPG")),
            "/dev/video0: offers YUYV, MJPG, none of which is wanted (GREY, Y10)"
        );
        assert!(message("GREY", &[]).contains("offers nothing"));
    }

    #[test]
    fn an_unknown_name_is_answered_with_all_there_are() {
        let message = PixelFormat::of(names("H264")[0]).unwrap_err().to_string();
        assert!(
            message.starts_with("pixel format H264 is not supported; supported are GREY, Y10,")
        );
        assert!(message.ends_with("pgCC, pRCC"), "{message}");
    }
}

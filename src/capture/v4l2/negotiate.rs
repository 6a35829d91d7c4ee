use v4l::v4l_sys::{
    v4l2_colorspace_V4L2_COLORSPACE_JPEG as COLORSPACE_JPEG,
    v4l2_field_V4L2_FIELD_ANY as FIELD_ANY, v4l2_field_V4L2_FIELD_NONE as FIELD_NONE,
    v4l2_quantization_V4L2_QUANTIZATION_FULL_RANGE as FULL_RANGE,
    v4l2_quantization_V4L2_QUANTIZATION_LIM_RANGE as LIMITED_RANGE,
};

use super::identity::request_error;
use super::node::{Format, Node};
use crate::capture::{CameraConfig, Error, ImageLayout, LumaRange, PixelFormat, preferred};

/// Agrees on format, size and rate with a device.
pub(super) fn negotiate<N: Node>(
    node: &mut N,
    config: &CameraConfig,
    origin: &str,
) -> Result<ImageLayout, Error> {
    let refused = |request| move |error| request_error(origin, request, &error);
    let offered = node.formats().map_err(refused("VIDIOC_ENUM_FMT"))?;
    let format = preferred(&config.formats, &offered, origin)?;
    let size = (config.width, config.height);
    let given = node.set_format(format.fourcc(), size).map_err(refused("VIDIOC_S_FMT"))?;
    if given.fourcc != format.fourcc() || (given.width, given.height) != size {
        return Err(not_offered(node, (format, size), given, origin));
    }
    if given.field != FIELD_NONE && given.field != FIELD_ANY {
        let reason = "delivers fields, not whole frames; set it to progressive".to_owned();
        return Err(Error::Unsuited { origin: origin.to_owned(), reason });
    }
    set_rate(node, config.period_ns, origin)?;
    let layout = ImageLayout {
        format,
        width: given.width,
        height: given.height,
        stride: given.stride,
        range: luma_range(&given),
        sample_bits: config.sample_bits,
    };
    layout.check()?;
    Ok(layout)
}

/// A layout in words, for messages.
pub(super) fn layout_text(layout: &ImageLayout) -> String {
    let ImageLayout { width, height, stride, range, .. } = layout;
    format!("{} {width}x{height}, {stride} bytes a row, {range:?} range", layout.fourcc())
}

/// The default range of Y' is limited, but for JPEG (`V4L2_MAP_QUANTIZATION_DEFAULT`); formats
/// without Y' have no use for it.
fn luma_range(given: &Format) -> LumaRange {
    match given.quantization {
        FULL_RANGE => LumaRange::Full,
        LIMITED_RANGE => LumaRange::Limited,
        _ if given.colorspace == COLORSPACE_JPEG => LumaRange::Full,
        _ => LumaRange::Limited,
    }
}

/// Cameras that run by a trigger line have no rate; one that differs is worth a word.
fn set_rate<N: Node>(node: &mut N, wanted_ns: i64, origin: &str) -> Result<(), Error> {
    let given = node.set_period(wanted_ns);
    let given = given.map_err(|error| request_error(origin, "VIDIOC_S_PARM", &error))?;
    if let Some(given_ns) = given
        && (given_ns - wanted_ns).abs() > wanted_ns / 100
    {
        let hz = |ns: i64| 1e9 / ns as f64;
        log::warn!("{origin}: {:.2} frames a second, not {:.2}", hz(given_ns), hz(wanted_ns));
    }
    Ok(())
}

fn not_offered<N: Node>(
    node: &mut N,
    (format, (width, height)): (PixelFormat, (u32, u32)),
    given: Format,
    origin: &str,
) -> Error {
    let sizes = node.sizes(format.fourcc());
    Error::SizeNotOffered {
        origin: origin.to_owned(),
        wanted: format!("{} {width}x{height}", format.fourcc()),
        given: format!("{} {}x{}", given.fourcc, given.width, given.height),
        offered: if sizes.is_empty() { "not listed".to_owned() } else { sizes.join(", ") },
    }
}

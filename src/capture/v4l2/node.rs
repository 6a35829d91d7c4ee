use std::io;
use std::time::Duration;

use crate::capture::FourCc;

/// An open device node, as far as capture needs it: one method for each ioctl or group of them.
///
/// Errors are the kernel's own; `EINTR` never is one.
pub(super) trait Node: Send {
    /// Who it is and what it can (`VIDIOC_QUERYCAP`).
    fn identity(&mut self) -> io::Result<Identity>;

    /// The pixel formats it offers, in its order (`VIDIOC_ENUM_FMT`).
    fn formats(&mut self) -> io::Result<Vec<FourCc>>;

    /// The sizes of a format in words (`VIDIOC_ENUM_FRAMESIZES`), empty when it does not say.
    fn sizes(&mut self, format: FourCc) -> Vec<String>;

    /// Asks for a format and size; gives what the device made of it (`VIDIOC_S_FMT`).
    fn set_format(&mut self, format: FourCc, size: (u32, u32)) -> io::Result<Format>;

    /// Asks for nanoseconds from frame to frame; `None` where it has none (`VIDIOC_S_PARM`).
    fn set_period(&mut self, period_ns: i64) -> io::Result<Option<i64>>;

    /// The controls that take one number (`VIDIOC_QUERY_EXT_CTRL`).
    fn controls(&mut self) -> io::Result<Vec<Control>>;

    /// The value of a control (`VIDIOC_G_EXT_CTRLS`).
    fn control(&mut self, control: &Control) -> io::Result<i64>;

    /// Sets a control (`VIDIOC_S_EXT_CTRLS`).
    fn set_control(&mut self, control: &Control, value: i64) -> io::Result<()>;

    /// Has buffers made and maps them; gives how many there are, which the driver decides
    /// (`VIDIOC_REQBUFS`, `VIDIOC_QUERYBUF`).
    fn make_buffers(&mut self, wanted: u32) -> io::Result<u32>;

    /// Hands a buffer to the kernel (`VIDIOC_QBUF`).
    fn queue(&mut self, index: u32) -> io::Result<()>;

    /// Takes the oldest filled buffer back; `EAGAIN` when there is none (`VIDIOC_DQBUF`).
    fn dequeue(&mut self) -> io::Result<Filled>;

    /// Starts or stops the stream (`VIDIOC_STREAMON`, `VIDIOC_STREAMOFF`).
    fn stream(&mut self, is_on: bool) -> io::Result<()>;

    /// Waits until a buffer is filled or something is wrong, at most `timeout`; it may wake early.
    fn wait(&mut self, timeout: Duration) -> io::Result<()>;

    /// The bytes of a buffer; none while the kernel has it.
    fn bytes(&self, index: u32) -> &[u8];
}

/// Who a device says it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Identity {
    /// The kernel module.
    pub(super) driver: String,
    /// The product.
    pub(super) card: String,
    /// Where it is plugged in, such as `usb-0000:00:14.0-1`: the same after a replug.
    pub(super) bus_info: String,
    /// What this node can (`V4L2_CAP_*`), not what the whole device can.
    pub(super) capabilities: u32,
}

/// What a device made of the wanted format (`v4l2_pix_format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) fourcc: FourCc,
    pub(super) width: u32,
    pub(super) height: u32,
    /// Bytes from row to row (`bytesperline`).
    pub(super) stride: u32,
    /// `v4l2_field`.
    pub(super) field: u32,
    /// `v4l2_colorspace`.
    pub(super) colorspace: u32,
    /// `v4l2_quantization`.
    pub(super) quantization: u32,
}

/// A control that takes one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Control {
    /// `V4L2_CID_*`.
    pub(super) id: u32,
    /// As the usual tools write it: lower case, `_` for all that is no letter or digit.
    pub(super) name: String,
    pub(super) minimum: i64,
    pub(super) maximum: i64,
    /// At least 1.
    pub(super) step: u64,
    /// `V4L2_CTRL_FLAG_*`.
    pub(super) flags: u32,
    /// Whether values have 64 bits (`V4L2_CTRL_TYPE_INTEGER64`).
    pub(super) is_wide: bool,
}

/// A buffer that was taken back (`v4l2_buffer`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Filled {
    pub(super) index: u32,
    pub(super) bytes_used: u32,
    /// `V4L2_BUF_FLAG_*`.
    pub(super) flags: u32,
    pub(super) sequence: u32,
    /// Seconds and microseconds.
    pub(super) timeval: (i64, i64),
}

/// A control's name as the usual tools write it.
pub(super) fn control_name(title: &str) -> String {
    let mut name = String::with_capacity(title.len());
    for character in title.chars() {
        if character.is_ascii_alphanumeric() {
            name.push(character.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    name.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_named_as_the_usual_tools_name_them() {
        for (title, name) in [
            ("White Balance, Automatic", "white_balance_automatic"),
            ("Exposure Time, Absolute", "exposure_time_absolute"),
            ("Gain", "gain"),
            (" (odd)  one) ", "odd_one"),
            ("", ""),
        ] {
            assert_eq!(control_name(title), name);
        }
    }
}

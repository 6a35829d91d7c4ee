use crate::{files, frame, manifest};

use super::FourCc;

/// Why there is no frame, or no capture at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A FourCC that no converter knows.
    #[error("pixel format {found} is not supported; supported are {supported}")]
    UnknownFormat {
        /// What was asked for.
        found: FourCc,
        /// Every name in the table.
        supported: String,
    },
    /// The device has none of the formats that were asked for.
    #[error("{origin}: offers {offered}, none of which is wanted ({wanted})")]
    FormatNotOffered {
        /// The device.
        origin: String,
        /// What the device lists.
        offered: String,
        /// The preference.
        wanted: String,
    },
    /// Sizes that no buffer of this format can have.
    #[error("{format} of {width}x{height} pixels, {stride} bytes a row: {reason}")]
    BadLayout {
        /// The pixel format.
        format: FourCc,
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// `bytesperline`.
        stride: u32,
        /// What was expected.
        reason: String,
    },
    /// `bytesused` is less than the image needs: the transfer was cut.
    #[error("{origin}: buffer of {found} bytes, {expected} expected ({layout}); was it cut?")]
    ShortBuffer {
        /// The device.
        origin: String,
        /// Bytes that the image needs.
        expected: u64,
        /// Bytes in the buffer.
        found: u64,
        /// Format and size.
        layout: String,
    },
    /// A sample with bits that its format leaves zero.
    #[error(
        "{origin}: sample {found} above {most} ({bits} bits); \
         does the driver align its samples otherwise (sample_bits)?"
    )]
    SampleRange {
        /// The device.
        origin: String,
        /// The largest sample of the row.
        found: u16,
        /// The largest that the format allows.
        most: u16,
        /// Significant bits.
        bits: u8,
    },
    /// The camera delivers another size than it agreed to.
    #[error("{origin}: {found:?} pixels, {expected:?} were agreed on")]
    SizeChanged {
        /// The device.
        origin: String,
        /// Agreed width and height.
        expected: (u32, u32),
        /// Width and height of this frame.
        found: (u32, u32),
    },
    /// The driver marked the buffer as damaged (`V4L2_BUF_FLAG_ERROR`).
    #[error("{origin}: frame {sequence}: the driver set the error flag")]
    Flagged {
        /// The device.
        origin: String,
        /// Sequence number of the frame.
        sequence: u32,
    },
    /// A timestamp of a clock that triggers cannot be compared with.
    #[error(
        "{origin}: timestamps of clock {clock:#x} (V4L2_BUF_FLAG_TIMESTAMP_MASK), \
         0x2000 (monotonic) is expected; a loopback device needs timestamps = \"arrival\""
    )]
    ForeignClock {
        /// The device.
        origin: String,
        /// The clock bits of the buffer's flags.
        clock: u32,
    },
    /// A file or compressed buffer that holds no frame.
    #[error(transparent)]
    Frame(#[from] frame::Error),
    /// A file or folder could not be read.
    #[error(transparent)]
    File(#[from] files::Error),
    /// A list of pairs could not be read.
    #[error(transparent)]
    Manifest(#[from] manifest::Error),
    /// A folder or list without a frame in it.
    #[error("{path}: no frames; PNG or JPEG files are expected")]
    NoFiles {
        /// The folder or list.
        path: String,
    },
    /// No frame in time; the source is still there.
    #[error("{origin}: no frame for {waited_ms} ms; is the trigger line connected?")]
    Timeout {
        /// The source.
        origin: String,
        /// How long was waited.
        waited_ms: u64,
    },
    /// The source is gone until it is opened again.
    #[error("{origin}: disconnected ({reason})")]
    Disconnected {
        /// The source.
        origin: String,
        /// What the system said.
        reason: String,
    },
    /// The device node may not be opened.
    #[error("{origin}: permission denied; its group is {group}: is the user a member?")]
    Denied {
        /// The device.
        origin: String,
        /// The group that may, usually `video`.
        group: String,
    },
    /// Another program has it.
    #[error("{origin}: in use by another program")]
    Busy {
        /// The device.
        origin: String,
    },
    /// No camera, or none of a kind that can be used.
    #[error("{origin}: {reason}")]
    Unsuited {
        /// The device.
        origin: String,
        /// What is missing.
        reason: String,
    },
    /// The device has the format, in other sizes.
    #[error("{origin}: {wanted} was asked for and {given} given; offered are {offered}")]
    SizeNotOffered {
        /// The device.
        origin: String,
        /// Format and size that were asked for.
        wanted: String,
        /// What the device made of it.
        given: String,
        /// What it lists.
        offered: String,
    },
    /// After it was opened again, a camera delivers something else.
    #[error("{origin}: delivers {found} since it was opened again, {expected} before")]
    Changed {
        /// The device.
        origin: String,
        /// What it delivered when it was opened first.
        expected: String,
        /// What it would deliver now.
        found: String,
    },
    /// A control that is not there, or does not take the value.
    #[error("{origin}: control {control}: {reason}")]
    Control {
        /// The device.
        origin: String,
        /// Its name.
        control: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The device refused a request for no reason known here.
    #[error("{origin}: {request}: {reason}")]
    Request {
        /// The device.
        origin: String,
        /// The ioctl.
        request: &'static str,
        /// What the system said.
        reason: String,
    },
    /// A list of files was played to its end.
    #[error("{origin}: all {frames} frames were played")]
    Ended {
        /// The source.
        origin: String,
        /// How many there were.
        frames: u64,
    },
    /// A value of the configuration that cannot work.
    #[error("{key} = {found}: {expected}")]
    BadConfig {
        /// The key, with its section.
        key: String,
        /// Its value.
        found: String,
        /// What it may be.
        expected: String,
    },
}

impl Error {
    /// Whether the source must be opened again before it gives another frame.
    ///
    /// An attempt that fails is followed by another, whatever it says: permissions come a moment
    /// after the node, and the right camera may come back after a wrong one.
    pub fn needs_reopen(&self) -> bool {
        matches!(
            self,
            Self::Disconnected { .. }
                | Self::Denied { .. }
                | Self::Busy { .. }
                | Self::Unsuited { .. }
                | Self::SizeNotOffered { .. }
                | Self::FormatNotOffered { .. }
                | Self::Changed { .. }
                | Self::Control { .. }
                | Self::Request { .. }
        )
    }

    /// Whether the source is sound and there was nothing to give.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. })
    }
}

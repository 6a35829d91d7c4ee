//! The ioctls themselves.

#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;
use std::{io, mem, ptr};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use v4l::v4l_sys::*;
use v4l::v4l2::{self, vidioc};

use super::mapping::Mapping;
use super::node::{Control, Filled, Format, Identity, Node, control_name};
use crate::capture::FourCc;

const CAPTURE: u32 = v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE;
const MMAP: u32 = v4l2_memory_V4L2_MEMORY_MMAP;
/// More entries than any device lists: a driver that never says it is at the end is left there.
const MOST_ENTRIES: u32 = 1_024;

/// A device node that the kernel opened.
pub(super) struct KernelNode {
    // Before the file: unmapped first.
    buffers: Vec<Buffer>,
    file: File,
}

struct Buffer {
    mapping: Mapping,
    is_queued: bool,
}

/// Structures of the kernel's interface, for which all bits zero is a value.
///
/// # Safety
/// Integers, null-able pointers, and arrays and unions of them only.
unsafe trait Plain: Copy {
    fn zeroed() -> Self {
        // SAFETY: by the trait's promise.
        unsafe { mem::zeroed() }
    }
}

macro_rules! plain {
    ($($name:ident),*) => {
        // SAFETY: as generated from the kernel's header: integers, pointers, arrays, unions.
        $(unsafe impl Plain for $name {})*
    };
}

plain!(v4l2_capability, v4l2_fmtdesc, v4l2_frmsizeenum, v4l2_format, v4l2_streamparm);
plain!(v4l2_query_ext_ctrl, v4l2_ext_control, v4l2_ext_controls);
plain!(v4l2_requestbuffers, v4l2_buffer);

impl KernelNode {
    /// Opens a node for streaming without ever blocking in an ioctl.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = libc::O_NONBLOCK;
        let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?;
        Ok(Self { buffers: Vec::new(), file })
    }

    fn call<T>(&self, request: vidioc::_IOC_TYPE, argument: &mut T) -> io::Result<()> {
        // The number of an ioctl carries the size of its argument in 14 bits from bit 16.
        if (request >> 16) as usize & 0x3fff != size_of::<T>() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        loop {
            // SAFETY: the file is open, and the argument is as long as the request says.
            let result = unsafe {
                v4l2::ioctl(self.file.as_raw_fd(), request, ptr::from_mut(argument).cast())
            };
            match result {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn buffer(index: u32) -> v4l2_buffer {
        v4l2_buffer { index, type_: CAPTURE, memory: MMAP, ..Plain::zeroed() }
    }

    /// One control in the list that the extended ioctls take.
    fn call_control(
        &self,
        request: vidioc::_IOC_TYPE,
        control: &mut v4l2_ext_control,
    ) -> io::Result<()> {
        let mut list =
            v4l2_ext_controls { count: 1, controls: ptr::from_mut(control), ..Plain::zeroed() };
        self.call(request, &mut list)
    }
}

impl Node for KernelNode {
    fn identity(&mut self) -> io::Result<Identity> {
        let mut found = v4l2_capability::zeroed();
        self.call(vidioc::VIDIOC_QUERYCAP, &mut found)?;
        let has_own = found.capabilities & V4L2_CAP_DEVICE_CAPS != 0;
        Ok(Identity {
            driver: text(&found.driver),
            card: text(&found.card),
            bus_info: text(&found.bus_info),
            capabilities: if has_own { found.device_caps } else { found.capabilities },
        })
    }

    fn formats(&mut self) -> io::Result<Vec<FourCc>> {
        let mut found = Vec::new();
        for index in 0..MOST_ENTRIES {
            let mut entry = v4l2_fmtdesc { index, type_: CAPTURE, ..Plain::zeroed() };
            match self.call(vidioc::VIDIOC_ENUM_FMT, &mut entry) {
                Ok(()) => found.push(FourCc::new(entry.pixelformat.to_le_bytes())),
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => break,
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    fn sizes(&mut self, format: FourCc) -> Vec<String> {
        let pixel_format = u32::from_le_bytes(format.bytes());
        let entry = |index| {
            let mut entry = v4l2_frmsizeenum { index, pixel_format, ..Plain::zeroed() };
            self.call(vidioc::VIDIOC_ENUM_FRAMESIZES, &mut entry).ok().map(|()| entry)
        };
        // What is no list of sizes has one entry only, and gives it at every index.
        let is_list =
            |entry: &v4l2_frmsizeenum| entry.type_ == v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_DISCRETE;
        let entries = (0..MOST_ENTRIES).map_while(entry);
        entries.take_while(|it| it.index == 0 || is_list(it)).map(|it| size_text(&it)).collect()
    }

    fn set_format(&mut self, format: FourCc, (width, height): (u32, u32)) -> io::Result<Format> {
        let mut asked = v4l2_format { type_: CAPTURE, ..Plain::zeroed() };
        asked.fmt.pix.width = width;
        asked.fmt.pix.height = height;
        asked.fmt.pix.pixelformat = u32::from_le_bytes(format.bytes());
        asked.fmt.pix.field = v4l2_field_V4L2_FIELD_NONE;
        self.call(vidioc::VIDIOC_S_FMT, &mut asked)?;
        // SAFETY: the type is video capture, whose member is `pix`; any bits are a value of it.
        let given = unsafe { asked.fmt.pix };
        Ok(Format {
            fourcc: FourCc::new(given.pixelformat.to_le_bytes()),
            width: given.width,
            height: given.height,
            stride: given.bytesperline,
            field: given.field,
            colorspace: given.colorspace,
            quantization: given.quantization,
        })
    }

    fn set_period(&mut self, period_ns: i64) -> io::Result<Option<i64>> {
        let mut asked = v4l2_streamparm { type_: CAPTURE, ..Plain::zeroed() };
        // 1000 over the rate in millihertz: what rates are usually given in stays exact.
        let millihertz = (1_000_000_000_000 + period_ns.max(1) / 2) / period_ns.max(1);
        let denominator = u32::try_from(millihertz).unwrap_or(u32::MAX).max(1);
        asked.parm.capture.timeperframe = v4l2_fract { numerator: 1_000, denominator };
        match self.call(vidioc::VIDIOC_S_PARM, &mut asked) {
            Ok(()) => {}
            Err(error) if is_unsupported(&error) => return Ok(None),
            Err(error) => return Err(error),
        }
        // SAFETY: the type is video capture, whose member is `capture`; any bits are a value of it.
        let given = unsafe { asked.parm.capture };
        let v4l2_fract { numerator, denominator } = given.timeperframe;
        let can_tell = given.capability & V4L2_CAP_TIMEPERFRAME != 0 && denominator != 0;
        Ok(can_tell.then(|| i64::from(numerator) * 1_000_000_000 / i64::from(denominator)))
    }

    fn controls(&mut self) -> io::Result<Vec<Control>> {
        let mut found = Vec::new();
        let mut entry = v4l2_query_ext_ctrl::zeroed();
        for _ in 0..MOST_ENTRIES {
            entry.id |= V4L2_CTRL_FLAG_NEXT_CTRL;
            match self.call(vidioc::VIDIOC_QUERY_EXT_CTRL, &mut entry) {
                Ok(()) => found.extend(single_number(&entry)),
                // The end, and a device without controls.
                Err(error) if is_unsupported(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    fn control(&mut self, control: &Control) -> io::Result<i64> {
        let mut asked = v4l2_ext_control { id: control.id, ..Plain::zeroed() };
        self.call_control(vidioc::VIDIOC_G_EXT_CTRLS, &mut asked)?;
        // SAFETY: the control holds a number of this width, and any bits are one.
        Ok(unsafe {
            match control.is_wide {
                true => asked.__bindgen_anon_1.value64,
                false => asked.__bindgen_anon_1.value.into(),
            }
        })
    }

    fn set_control(&mut self, control: &Control, value: i64) -> io::Result<()> {
        let mut asked = v4l2_ext_control { id: control.id, ..Plain::zeroed() };
        if control.is_wide {
            asked.__bindgen_anon_1.value64 = value;
        } else {
            let narrow = value as i32;
            // Bit masks use all 32 bits.
            if i64::from(narrow) != value && i64::from(narrow as u32) != value {
                return Err(io::Error::from_raw_os_error(libc::ERANGE));
            }
            asked.__bindgen_anon_1.value = narrow;
        }
        self.call_control(vidioc::VIDIOC_S_EXT_CTRLS, &mut asked)
    }

    fn make_buffers(&mut self, wanted: u32) -> io::Result<u32> {
        let mut request =
            v4l2_requestbuffers { count: wanted, type_: CAPTURE, memory: MMAP, ..Plain::zeroed() };
        self.call(vidioc::VIDIOC_REQBUFS, &mut request)?;
        for index in 0..request.count {
            let mut buffer = Self::buffer(index);
            self.call(vidioc::VIDIOC_QUERYBUF, &mut buffer)?;
            // SAFETY: the memory is mapped, whose member is `offset`; any bits are a value of it.
            let offset = unsafe { buffer.m.offset };
            let mapping = Mapping::new(&self.file, offset, buffer.length)?;
            self.buffers.push(Buffer { mapping, is_queued: false });
        }
        Ok(request.count)
    }

    fn queue(&mut self, index: u32) -> io::Result<()> {
        self.call(vidioc::VIDIOC_QBUF, &mut Self::buffer(index))?;
        if let Some(buffer) = self.buffers.get_mut(index as usize) {
            buffer.is_queued = true;
        }
        Ok(())
    }

    fn dequeue(&mut self) -> io::Result<Filled> {
        let mut buffer = Self::buffer(0);
        self.call(vidioc::VIDIOC_DQBUF, &mut buffer)?;
        let own = self.buffers.get_mut(buffer.index as usize).ok_or(io::ErrorKind::InvalidData)?;
        own.is_queued = false;
        Ok(Filled {
            index: buffer.index,
            bytes_used: buffer.bytesused,
            flags: buffer.flags,
            sequence: buffer.sequence,
            timeval: (buffer.timestamp.tv_sec, buffer.timestamp.tv_usec),
        })
    }

    fn stream(&mut self, is_on: bool) -> io::Result<()> {
        let request = if is_on { vidioc::VIDIOC_STREAMON } else { vidioc::VIDIOC_STREAMOFF };
        self.call(request, &mut CAPTURE.cast_signed())
    }

    fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        let timeout = Timespec {
            tv_sec: timeout.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        match poll(&mut [PollFd::new(&self.file, PollFlags::IN)], Some(&timeout)) {
            // Woken early, which the caller expects.
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn bytes(&self, index: u32) -> &[u8] {
        match self.buffers.get(index as usize) {
            Some(buffer) if !buffer.is_queued => buffer.mapping.bytes(),
            _ => &[],
        }
    }
}

/// Text up to its zero, without what is not text.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).trim().to_owned()
}

fn is_unsupported(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOTTY | libc::ENODATA))
}

fn size_text(entry: &v4l2_frmsizeenum) -> String {
    // SAFETY: the type says which member is filled, and any bits are a value of either.
    unsafe {
        if entry.type_ == v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_DISCRETE {
            let size = entry.__bindgen_anon_1.discrete;
            return format!("{}x{}", size.width, size.height);
        }
        let size = entry.__bindgen_anon_1.stepwise;
        format!(
            "{}x{} to {}x{} in steps of {}x{}",
            size.min_width,
            size.min_height,
            size.max_width,
            size.max_height,
            size.step_width,
            size.step_height
        )
    }
}

/// A control that takes one number, which a button does not keep; `None` for texts, headings and
/// arrays.
fn single_number(entry: &v4l2_query_ext_ctrl) -> Option<Control> {
    let (wide, kinds) = (
        v4l2_ctrl_type_V4L2_CTRL_TYPE_INTEGER64,
        [
            v4l2_ctrl_type_V4L2_CTRL_TYPE_INTEGER,
            v4l2_ctrl_type_V4L2_CTRL_TYPE_BOOLEAN,
            v4l2_ctrl_type_V4L2_CTRL_TYPE_MENU,
            v4l2_ctrl_type_V4L2_CTRL_TYPE_BITMASK,
            v4l2_ctrl_type_V4L2_CTRL_TYPE_BUTTON,
            v4l2_ctrl_type_V4L2_CTRL_TYPE_INTEGER_MENU,
        ],
    );
    let is_single = kinds.contains(&entry.type_) || entry.type_ == wide;
    if !is_single || entry.elems > 1 || entry.flags & V4L2_CTRL_FLAG_DISABLED != 0 {
        return None;
    }
    let title = entry.name.map(|character| character as u8);
    Some(Control {
        id: entry.id,
        name: control_name(&text(&title)),
        minimum: entry.minimum,
        maximum: entry.maximum,
        step: entry.step.max(1),
        flags: entry.flags,
        is_wide: entry.type_ == wide,
    })
}

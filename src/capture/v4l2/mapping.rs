//! The memory of one buffer, shared with the driver.

#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::AsRawFd;
use std::ptr::NonNull;
use std::{io, ptr, slice};

use v4l::v4l2;

/// A mapped buffer; unmapped when dropped.
pub(super) struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the memory is owned by this value alone and belongs to no thread.
unsafe impl Send for Mapping {}
// SAFETY: a shared reference only reads.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `length` bytes at `offset`, both as `VIDIOC_QUERYBUF` gave them.
    pub(super) fn new(file: &File, offset: u32, length: u32) -> io::Result<Self> {
        let length = length as usize;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory in use; the
        // file is open, and a wrong length or offset is an error of the call.
        let start = unsafe {
            let (protection, flags) = (libc::PROT_READ, libc::MAP_SHARED);
            v4l2::mmap(ptr::null_mut(), length, protection, flags, file.as_raw_fd(), offset.into())?
        };
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self { start, length })
    }

    /// What is in it. The caller holds the buffer: the kernel writes into those it was given.
    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping has `length` readable bytes until it is dropped; whoever calls holds
        // the buffer, so that the driver does not write to it meanwhile.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: start and length are those of the mapping, and no reference to it is left.
        let result = unsafe { v4l2::munmap(self.start.as_ptr().cast(), self.length) };
        if let Err(error) = result {
            log::warn!("a buffer of {} bytes stays mapped: {error}", self.length);
        }
    }
}

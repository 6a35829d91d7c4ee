//! The two ioctls that tell how a framebuffer's memory is laid out (linux/fb.h).

use std::fs::File;
use std::io;
use std::path::Path;

use embedded_graphics::geometry::Size;
use rustix::ioctl::{Getter, IntegerSetter, Opcode, ioctl};

use super::Error;
use super::framebuffer::Geometry;
use super::raster::Packing;

const FBIOGET_VSCREENINFO: Opcode = 0x4600;
const FBIOGET_FSCREENINFO: Opcode = 0x4602;
const FBIOBLANK: Opcode = 0x4611;
/// The argument of `FBIOBLANK` that ends blanking.
const UNBLANK: usize = 0;

/// `struct fb_bitfield`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Bitfield {
    offset: u32,
    length: u32,
    msb_right: u32,
}

/// `struct fb_var_screeninfo`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Variable {
    xres: u32,
    yres: u32,
    xres_virtual: u32,
    yres_virtual: u32,
    xoffset: u32,
    yoffset: u32,
    bits_per_pixel: u32,
    grayscale: u32,
    red: Bitfield,
    green: Bitfield,
    blue: Bitfield,
    transp: Bitfield,
    rest: [u32; 20],
}

/// `struct fb_fix_screeninfo`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Fixed {
    id: [u8; 16],
    smem_start: std::ffi::c_ulong,
    smem_len: u32,
    kind: u32,
    kind_aux: u32,
    visual: u32,
    steps: [u16; 3],
    line_length: u32,
    mmio_start: std::ffi::c_ulong,
    mmio_len: u32,
    accel: u32,
    capabilities: u16,
    reserved: [u16; 2],
}

/// Asks a framebuffer how its memory is laid out.
pub(super) fn geometry(file: &File, path: &Path) -> Result<Geometry, Error> {
    let asked = ask(file).map_err(io::Error::from);
    let (variable, fixed) = asked.map_err(Error::device(path, "ask for its geometry"))?;
    layout(&variable, fixed.line_length, path)
}

#[allow(unsafe_code)]
fn ask(file: &File) -> Result<(Variable, Fixed), rustix::io::Errno> {
    // SAFETY: the kernel writes a `struct fb_var_screeninfo`, of which `Variable` is the layout, and
    // nothing else; every bit pattern is one.
    let variable = unsafe { ioctl(file, Getter::<FBIOGET_VSCREENINFO, Variable>::new())? };
    // SAFETY: as above, with `struct fb_fix_screeninfo` and `Fixed`.
    let fixed = unsafe { ioctl(file, Getter::<FBIOGET_FSCREENINFO, Fixed>::new())? };
    Ok((variable, fixed))
}

/// Lights a screen that the kernel's console let go dark, or that nothing was shown on yet.
#[allow(unsafe_code)]
pub(super) fn wake(file: &File) {
    // SAFETY: `FBIOBLANK` takes a number, and touches no memory of this process.
    let woken = unsafe { ioctl(file, IntegerSetter::<FBIOBLANK>::new_usize(UNBLANK)) };
    if let Err(error) = woken {
        // Drivers without a backlight or power state of their own refuse it.
        log::debug!("framebuffer: it cannot be unblanked: {error}");
    }
}

fn layout(variable: &Variable, line_length: u32, path: &Path) -> Result<Geometry, Error> {
    let refuse = |found: String| {
        let expected = "16 or 32 bits of red, green and blue in rows that hold them";
        Error::Unsuitable { path: path.to_owned(), found, expected }
    };
    let bits = variable.bits_per_pixel;
    if !matches!(bits, 16 | 32) || variable.grayscale != 0 {
        return Err(refuse(format!("{bits} bits, grayscale {}", variable.grayscale)));
    }
    let fields = [variable.red, variable.green, variable.blue];
    let is_usable = |field: &Bitfield| {
        (1..=8).contains(&field.length)
            && field.offset.saturating_add(field.length) <= bits
            && field.msb_right == 0
    };
    if !fields.iter().all(is_usable) {
        return Err(refuse(format!("{fields:?}")));
    }
    let bytes = (bits / 8) as usize;
    let stride = line_length as usize;
    if stride < bytes * variable.xres as usize || stride > 1 << 20 || variable.yres > 1 << 14 {
        return Err(refuse(format!("{} columns in {stride} bytes", variable.xres)));
    }
    let [red, green, blue] = fields.map(|field| (field.offset, field.length));
    let start =
        u64::from(variable.yoffset) * stride as u64 + u64::from(variable.xoffset) * bytes as u64;
    let size = Size::new(variable.xres, variable.yres);
    Ok(Geometry { size, stride, start, packing: Packing { bytes, red, green, blue } })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn variable(bits_per_pixel: u32) -> Variable {
        let field = |offset, length| Bitfield { offset, length, msb_right: 0 };
        Variable {
            xres: 480,
            yres: 320,
            xres_virtual: 480,
            yres_virtual: 640,
            xoffset: 0,
            yoffset: 320,
            bits_per_pixel,
            grayscale: 0,
            red: field(11, 5),
            green: field(5, 6),
            blue: field(0, 5),
            transp: field(0, 0),
            rest: [0; 20],
        }
    }

    fn refusal(change: impl Fn(&mut Variable), line_length: u32) -> String {
        let mut variable = variable(16);
        change(&mut variable);
        layout(&variable, line_length, Path::new("/dev/fb0")).unwrap_err().to_string()
    }

    #[test]
    fn the_structures_are_as_large_as_the_kernels() {
        assert_eq!(size_of::<Variable>(), 160);
        let expected = if size_of::<usize>() == 8 { 80 } else { 68 };
        assert_eq!(size_of::<Fixed>(), expected);
    }

    #[test]
    fn what_is_visible_begins_at_the_offsets() {
        let found = layout(&variable(16), 960, Path::new("/dev/fb0")).unwrap();
        assert_eq!((found.stride, found.start), (960, 320 * 960));
        assert_eq!(found.packing.green, (5, 6));
    }

    #[test]
    fn layouts_that_cannot_be_drawn_on_are_refused_with_what_they_are() {
        assert!(refusal(|it| it.bits_per_pixel = 8, 960).contains("8 bits"));
        assert!(refusal(|it| it.grayscale = 1, 960).contains("grayscale 1"));
        assert!(refusal(|it| it.red.length = 0, 960).contains("length: 0"));
        assert!(refusal(|it| it.blue.offset = u32::MAX, 960).contains("offset"));
        assert!(refusal(|_| (), 959).contains("480 columns in 959 bytes"));
        assert!(refusal(|it| it.yres = u32::MAX, 960).contains("columns"));
    }
}

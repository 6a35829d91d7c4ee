use std::fmt::Debug;
use std::io;

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Size};
use embedded_graphics::pixelcolor::{Rgb565, Rgb888};
use embedded_graphics::primitives::Rectangle;
use embedded_hal::digital::{ErrorKind, ErrorType, OutputPin};
use embedded_hal::spi::SpiDevice;
use gpiocdev::line::Value;
use gpiocdev::request::Request;
use linux_embedded_hal::spidev::{SpiModeFlags, SpidevOptions};
use linux_embedded_hal::{Delay, SpidevDevice};
use mipidsi::interface::{Interface, InterfaceKind};
use mipidsi::models::{ILI9341Rgb565, Model, ST7789};
use mipidsi::options::{ColorInversion, ColorOrder, Orientation, Rotation};
use mipidsi::{Builder, Display as Panel};

use super::config::{SpiModel, SpiPanel};
use super::memory::check_size;
use super::raster::Turn;
use super::{Display, Error};

/// What one transfer takes: spidev's own buffer.
const TRANSFER_BYTES: usize = 4_096;

/// A panel with the name of its bus for messages.
struct Spi<M, R>
where
    M: Model<ColorFormat = Rgb565>,
    R: OutputPin,
{
    name: String,
    panel: Panel<Link, M, R>,
}

/// The bus and the line that tells data from commands.
struct Link {
    bus: SpidevDevice,
    data: Line,
    buffer: Vec<u8>,
}

/// An output line.
struct Line {
    request: Request,
    offset: u32,
}

/// Why a line did not take a level.
#[derive(Debug)]
struct LineError(#[allow(dead_code, reason = "shown by Debug in messages")] gpiocdev::Error);

/// Opens an SPI panel and starts its controller.
pub(super) fn open(config: &SpiPanel, turn: Turn) -> Result<Box<dyn Display>, Error> {
    check_size(turn.seen(Size::new(config.width.into(), config.height.into())))?;
    match config.model {
        SpiModel::St7789 => {
            start(ST7789, ColorInversion::Inverted, ColorOrder::Rgb, (config, turn))
        }
        SpiModel::Ili9341 => {
            start(ILI9341Rgb565, ColorInversion::Normal, ColorOrder::Bgr, (config, turn))
        }
    }
}

fn start<M>(
    model: M,
    inversion: ColorInversion,
    order: ColorOrder,
    (config, turn): (&SpiPanel, Turn),
) -> Result<Box<dyn Display>, Error>
where
    M: Model<ColorFormat = Rgb565> + 'static,
{
    let name = config.device.display().to_string();
    let failed = |reason: String| Error::Failed { subject: name.clone(), reason };
    let link = Link::open(config)?;
    let rotation = match turn {
        Turn::None => Rotation::Deg0,
        Turn::Quarter => Rotation::Deg90,
        Turn::Half => Rotation::Deg180,
        Turn::ThreeQuarters => Rotation::Deg270,
    };
    let builder = Builder::new(model, link)
        .display_size(config.width, config.height)
        .invert_colors(inversion)
        .color_order(order)
        .orientation(Orientation::new().rotate(rotation));
    // A panel whose reset line is not wired is reset by command.
    let Some(offset) = config.reset_line else {
        let panel = builder.init(&mut Delay).map_err(|error| failed(format!("{error:?}")))?;
        return Ok(Box::new(Spi { name, panel }));
    };
    let builder = builder.reset_pin(Line::open(config, offset)?);
    let panel = builder.init(&mut Delay).map_err(|error| failed(format!("{error:?}")))?;
    Ok(Box::new(Spi { name, panel }))
}

impl<M, R> Display for Spi<M, R>
where
    M: Model<ColorFormat = Rgb565>,
    R: OutputPin,
    Panel<Link, M, R>: DrawTarget<Color = Rgb565, Error: Debug> + OriginDimensions,
{
    fn size(&self) -> Size {
        self.panel.size()
    }

    fn write(&mut self, area: &Rectangle, pixels: &[Rgb888]) -> Result<(), Error> {
        let colors = pixels.iter().map(|&color| Rgb565::from(color));
        self.panel.fill_contiguous(area, colors).map_err(|error| Error::Failed {
            subject: self.name.clone(),
            reason: format!("{error:?}"),
        })
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

impl Link {
    fn open(config: &SpiPanel) -> Result<Self, Error> {
        let failed = |error: linux_embedded_hal::SPIError| {
            Error::device(&config.device, "open")(io::Error::other(error.to_string()))
        };
        let mut bus = SpidevDevice::open(&config.device).map_err(failed)?;
        let options = SpidevOptions::new()
            .bits_per_word(8)
            .max_speed_hz(config.clock_hz)
            .mode(SpiModeFlags::SPI_MODE_0)
            .build();
        bus.0.configure(&options).map_err(Error::device(&config.device, "configure"))?;
        let data = Line::open(config, config.data_line)?;
        Ok(Self { bus, data, buffer: Vec::with_capacity(TRANSFER_BYTES) })
    }

    fn send(&mut self) -> Result<(), String> {
        let sent = self.bus.write(&self.buffer).map_err(|error| format!("{error:?}"));
        self.buffer.clear();
        sent
    }

    fn level(&mut self, is_data: bool) -> Result<(), String> {
        let set = if is_data { self.data.set_high() } else { self.data.set_low() };
        set.map_err(|error| format!("{error:?}"))
    }
}

impl Interface for Link {
    type Word = u8;
    type Error = String;

    const KIND: InterfaceKind = InterfaceKind::Serial4Line;

    fn send_command(&mut self, command: u8, arguments: &[u8]) -> Result<(), String> {
        self.level(false)?;
        self.buffer.clear();
        self.buffer.push(command);
        self.send()?;
        self.level(true)?;
        if arguments.is_empty() {
            return Ok(());
        }
        self.buffer.extend_from_slice(arguments);
        self.send()
    }

    fn send_pixels<const N: usize>(
        &mut self,
        pixels: impl IntoIterator<Item = [u8; N]>,
    ) -> Result<(), String> {
        for pixel in pixels {
            self.buffer.extend_from_slice(&pixel);
            if self.buffer.len() + N > TRANSFER_BYTES {
                self.send()?;
            }
        }
        if self.buffer.is_empty() { Ok(()) } else { self.send() }
    }

    fn send_repeated_pixel<const N: usize>(
        &mut self,
        pixel: [u8; N],
        count: u32,
    ) -> Result<(), String> {
        self.send_pixels(std::iter::repeat_n(pixel, count as usize))
    }
}

impl Line {
    fn open(config: &SpiPanel, offset: u32) -> Result<Self, Error> {
        let request = Request::builder()
            .on_chip(&config.chip)
            .with_consumer("pairspec panel")
            .with_line(offset)
            .as_output(Value::Active)
            .request();
        let failed = |error: gpiocdev::Error| Error::Failed {
            subject: format!("{} line {offset}", config.chip.display()),
            reason: error.to_string(),
        };
        Ok(Self { request: request.map_err(failed)?, offset })
    }

    fn set(&mut self, value: Value) -> Result<(), LineError> {
        self.request.set_value(self.offset, value).map(|_| ()).map_err(LineError)
    }
}

impl ErrorType for Line {
    type Error = LineError;
}

impl embedded_hal::digital::Error for LineError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

impl OutputPin for Line {
    fn set_low(&mut self) -> Result<(), LineError> {
        self.set(Value::Inactive)
    }

    fn set_high(&mut self) -> Result<(), LineError> {
        self.set(Value::Active)
    }
}

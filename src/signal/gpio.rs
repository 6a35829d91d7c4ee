use gpiocdev::line::Value;
use gpiocdev::request::Request;

use super::chip::Place;
use super::{Error, LineConfig, OUTPUTS, Output, Outputs, OutputsConfig};

/// What the kernel names as the holder of our lines.
pub(super) const CONSUMER: &str = "pairspec";

/// Outputs on GPIO lines; those that are not wired take every setting.
#[derive(Debug)]
pub struct Gpio {
    lines: [Option<Line>; 4],
}

#[derive(Debug)]
struct Line {
    place: Place,
    request: Request,
    is_inverted: bool,
}

impl Gpio {
    /// Takes the lines, all of them de-energised.
    ///
    /// # Errors
    /// When a chip or line is not there, taken or not permitted.
    pub fn open(config: &OutputsConfig) -> Result<Self, Error> {
        let mut lines = [const { None }; 4];
        for (slot, line) in lines.iter_mut().zip(&config.lines) {
            *slot = line.as_ref().map(Line::open).transpose()?;
        }
        Ok(Self { lines })
    }
}

impl Outputs for Gpio {
    fn set(&mut self, output: Output, is_active: bool) -> Result<(), Error> {
        match &self.lines[output.index()] {
            Some(line) => line.energise(is_active != line.is_inverted),
            None => Ok(()),
        }
    }

    fn release(&mut self) -> Result<(), Error> {
        let results = OUTPUTS.map(|output| match &self.lines[output.index()] {
            Some(line) => line.energise(false),
            None => Ok(()),
        });
        results.into_iter().collect()
    }
}

impl Drop for Gpio {
    /// A line that is let go of keeps its level on many controllers.
    fn drop(&mut self) {
        if let Err(error) = self.release() {
            log::error!("{error}");
        }
    }
}

impl Line {
    fn open(config: &LineConfig) -> Result<Self, Error> {
        let place = Place::find(&config.chip, &config.line)?;
        let mut builder = Request::builder();
        builder.on_chip(&place.path).with_consumer(CONSUMER).with_line(place.offset);
        builder.as_output(Value::Inactive);
        if config.active_low {
            builder.as_active_low();
        }
        let request = builder.request().map_err(|error| place.refusal(&error))?;
        Ok(Self { place, request, is_inverted: config.is_inverted })
    }

    fn energise(&self, is_energised: bool) -> Result<(), Error> {
        let value = Value::from(is_energised);
        let set = self.request.set_value(self.place.offset, value);
        set.map_err(Error::io(&self.place.name, "set"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::signal::{LineName, Wiring};

    #[test]
    fn outputs_without_lines_take_every_setting() {
        let lines = [const { None }; 4];
        let wiring = Wiring::EnergiseToPass;
        let config = OutputsConfig { wiring, pulse_ns: 1, gap_ns: 1, lines };
        let mut outputs = Gpio::open(&config).unwrap();
        assert_eq!(outputs.set(Output::Pass, true), Ok(()));
        assert_eq!(outputs.release(), Ok(()));
    }

    #[test]
    fn a_chip_that_is_not_there_is_named() {
        let line = LineConfig {
            chip: "pinctrl-nowhere".to_owned(),
            line: LineName::Offset(1),
            active_low: false,
            is_inverted: false,
        };
        let lines = [Some(line), None, None, None];
        let config =
            OutputsConfig { wiring: Wiring::EnergiseToPass, pulse_ns: 1, gap_ns: 1, lines };
        assert!(Gpio::open(&config).unwrap_err().to_string().contains("pinctrl-nowhere"));
    }
}

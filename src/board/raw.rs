use std::path::PathBuf;

use serde::Deserialize;

use super::display::RawDisplay;
use super::{Error, LineWiring};
use crate::capture::FourCc;

/// A board profile, exactly the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBoard {
    pub(super) title: String,
    pub(super) architecture: String,
    pub(super) model: Option<String>,
    #[serde(default)]
    pub(super) cpu_features: Vec<String>,
    pub(super) kernel: Option<String>,
    pub(super) threads: usize,
    pub(super) least_memory_mb: u64,
    pub(super) camera: RawCamera,
    pub(super) display: Option<RawDisplay>,
    pub(super) gpio: Option<RawGpio>,
    pub(super) thermal: Option<RawThermal>,
    pub(super) watchdog: Option<RawWatchdog>,
    pub(super) data: RawData,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCamera {
    pub(super) formats: Vec<FourCc>,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) rate_hz: f64,
    pub(super) bridge: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGpio {
    pub(super) chip: String,
    pub(super) interface: u8,
    #[serde(default)]
    pub(super) wiring: LineWiring,
    pub(super) trigger: Option<u32>,
    pub(super) pass: Option<u32>,
    pub(super) reject: Option<u32>,
    pub(super) fault: Option<u32>,
    pub(super) busy: Option<u32>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawThermal {
    pub(super) zones: Vec<String>,
    pub(super) warn_c: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWatchdog {
    pub(super) device: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawData {
    pub(super) folder: PathBuf,
    pub(super) least_free_mb: u64,
}

impl RawBoard {
    pub(super) fn parse(text: &str, origin: &str) -> Result<Self, Error> {
        toml::from_str(text).map_err(|error| Error::Toml {
            origin: origin.to_owned(),
            reason: error.to_string().trim_end().to_owned(),
        })
    }
}

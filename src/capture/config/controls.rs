use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::checks::{bad, in_range};
use crate::capture::Error;

/// What a camera is set to, as it is written; what is absent is left as the device has it, but for
/// automatics, which are turned off.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Controls {
    /// Time of exposure, 100 to 10,000,000 us, in steps of 100 (`V4L2_CID_EXPOSURE_ABSOLUTE`).
    pub exposure_us: Option<f64>,
    /// In the device's own units (`V4L2_CID_GAIN`, or else `V4L2_CID_ANALOGUE_GAIN`).
    pub gain: Option<i64>,
    /// Colour temperature in kelvin (`V4L2_CID_WHITE_BALANCE_TEMPERATURE`).
    pub white_balance_k: Option<i64>,
    /// Any other by the name that the usual tools list, such as `brightness`; also an automatic
    /// that is to stay on.
    pub driver: BTreeMap<String, i64>,
}

impl Controls {
    /// These, and for what they leave open those of `base`: a recipe's over a station's.
    #[must_use]
    pub fn over(&self, base: &Self) -> Self {
        let mut driver = base.driver.clone();
        driver.extend(self.driver.clone());
        Self {
            exposure_us: self.exposure_us.or(base.exposure_us),
            gain: self.gain.or(base.gain),
            white_balance_k: self.white_balance_k.or(base.white_balance_k),
            driver,
        }
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The first key that `other` sets and these do not: a camera that changes to these would keep it.
    pub fn lacks(&self, other: &Self) -> Option<String> {
        let plain = [
            ("exposure_us", self.exposure_us.is_none() && other.exposure_us.is_some()),
            ("gain", self.gain.is_none() && other.gain.is_some()),
            ("white_balance_k", self.white_balance_k.is_none() && other.white_balance_k.is_some()),
        ];
        let lacking = plain.into_iter().find(|(_, is_lacking)| *is_lacking);
        let mut named = other.driver.keys().filter(|name| !self.driver.contains_key(*name));
        lacking
            .map(|(key, _)| key.to_owned())
            .or_else(|| named.next().map(|name| format!("driver.{name}")))
    }

    /// Checks every value as far as it can be known without the device; `section` is that before
    /// `.controls` in messages.
    ///
    /// # Errors
    /// [`Error::BadConfig`] for the first that cannot be.
    pub fn check(&self, section: &str) -> Result<(), Error> {
        let key = |name: &str| format!("{section}.controls.{name}");
        if let Some(us) = self.exposure_us {
            let key = key("exposure_us");
            in_range(&key, us, (100.0, 1e7))?;
            if us % 100.0 != 0.0 {
                return Err(bad(&key, us, "a multiple of 100, the unit of the kernel"));
            }
        }
        if let Some(kelvin) = self.white_balance_k {
            in_range(&key("white_balance_k"), kelvin as f64, (1_000.0, 20_000.0))?;
        }
        let is_name = |name: &str| {
            let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            !name.is_empty() && name.bytes().all(|byte| is_part(byte) || byte == b'_')
        };
        match self.driver.keys().find(|name| !is_name(name)) {
            Some(name) => {
                Err(bad(&key("driver"), name, "names of lower case, digits and underscores"))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        let controls: Controls = toml::from_str(text).unwrap();
        controls.check("capture.test").unwrap_err().to_string()
    }

    #[test]
    fn values_are_checked_as_far_as_they_are_known() {
        let good = "exposure_us = 1200\ngain = 3\n[driver]\npower_line_frequency = 1";
        toml::from_str::<Controls>(good).unwrap().check("capture.test").unwrap();
        for (text, says) in [
            ("exposure_us = 99", "capture.test.controls.exposure_us = 99: from 100 to 10000000"),
            ("exposure_us = 150.0", "exposure_us = 150: a multiple of 100"),
            ("exposure_us = nan", "exposure_us = NaN: from 100"),
            ("white_balance_k = 10", "white_balance_k = 10: from 1000 to 20000"),
            ("driver = { \"White Balance\" = 1 }", "driver = White Balance: names of lower case"),
            ("driver = { \"\" = 1 }", "names of lower case"),
        ] {
            let message = message(text);
            assert!(message.contains(says), "{message}");
        }
    }

    #[test]
    fn those_of_a_recipe_go_before_those_of_a_station() {
        let read = |text| toml::from_str::<Controls>(text).unwrap();
        let station = read("exposure_us = 1000\ngain = 2\n[driver]\nbrightness = 1\nhue = 1");
        let recipe = read("exposure_us = 4000\n[driver]\nbrightness = 5");
        let both = read("exposure_us = 4000\ngain = 2\n[driver]\nbrightness = 5\nhue = 1");
        assert_eq!(recipe.over(&station), both);
        assert_eq!(Controls::default().over(&station), station);
    }

    #[test]
    fn what_would_stay_from_before_is_named() {
        let read = |text| toml::from_str::<Controls>(text).unwrap();
        let before = read("gain = 2\n[driver]\nhue = 1");
        assert_eq!(read("gain = 3\n[driver]\nhue = 2").lacks(&before), None);
        assert_eq!(read("[driver]\nhue = 2").lacks(&before), Some("gain".to_owned()));
        assert_eq!(read("gain = 3").lacks(&before), Some("driver.hue".to_owned()));
    }

    #[test]
    fn an_unknown_control_key_is_refused() {
        assert!(toml::from_str::<Controls>("exposure_ms = 1").is_err());
    }
}

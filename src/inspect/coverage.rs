use super::Measurement;
use crate::region::{RegionConfig, RegionMode};

/// Why a part in which nothing was found was not judged whole; `None` if it was.
pub(super) fn unjudged(measurement: &Measurement, config: &RegionConfig) -> Option<String> {
    let judged = measurement.regions.len();
    if measurement.omitted > 0 {
        return Some(format!(
            "{} of {} changed regions were left out; is it the right part? \
             else raise max_regions in [region]",
            measurement.omitted,
            judged + measurement.omitted
        ));
    }
    if config.mode != RegionMode::Changes {
        return None;
    }
    let changes = || measurement.regions.iter().map(|measured| measured.region.tight);
    let most = config.max_change_px();
    let large = changes().find(|change| change.width.max(change.height) > most);
    if let Some(change) = large {
        return Some(format!(
            "a change of {}x{} px at ({}, {}) is larger than a crop can show (at most {most} px); \
             is it the right part? else raise max_change_px in [region]",
            change.width, change.height, change.x, change.y
        ));
    }
    let area = |width: u32, height: u32| f64::from(width) * f64::from(height);
    let changed: f64 = changes().map(|change| area(change.width, change.height)).sum();
    let whole = area(measurement.overlap.width, measurement.overlap.height).max(1.0);
    let percent = 100.0 * changed / whole;
    (percent > f64::from(config.max_changed_percent)).then(|| {
        format!(
            "{percent:.0} % of the frame differs, at most {} %; is it the right part, in the right \
             light? else raise max_changed_percent in [region]",
            config.max_changed_percent
        )
    })
}

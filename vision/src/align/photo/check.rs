use serde::Serialize;

use crate::align::{PhotoConfig, PhotoFigures, PhotoProfile};

/// Contrast in grey levels, and in standard deviations of the noise, that a frame with anything on
/// it exceeds: pure noise spans 6.2 deviations between the 0.1th and the 99.9th percentile.
const BLANK_LEVELS: f32 = 6.0;
const BLANK_DEVIATIONS: f32 = 8.0;
/// Percent of the pixels between the two levels of a binary photo, where the recipe says nothing.
const BETWEEN_PERCENT: f32 = 5.0;
/// Percent of the pixels at one end of the range that leave nothing to judge.
const CLIPPED_PERCENT: f32 = 99.9;

/// One condition that a photo does not meet.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhotoFault {
    /// The figure, as [`PhotoFigures`] names it.
    pub figure: &'static str,
    /// What was found.
    pub found: f32,
    /// The limit.
    pub limit: f32,
    /// The fact for people: thing, found against limit, what to do.
    pub message: String,
}

/// Compares figures with the recipe's limits; empty when the photo is within all of them.
///
/// A configured figure that could not be measured is a fault too.
pub fn check(figures: &PhotoFigures, config: &PhotoConfig) -> Vec<PhotoFault> {
    let mut faults: Vec<_> = gross(figures).into_iter().collect();
    faults.extend(profile(figures, config));
    for limit in limits(figures, config) {
        faults.extend(limit.fault());
    }
    faults
}

/// One figure against one limit of the recipe.
struct Limit {
    figure: &'static str,
    found: Option<f32>,
    limit: Option<f32>,
    bound: Bound,
    /// What is wrong, the figure's words, its unit, what to do.
    words: [&'static str; 4],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bound {
    Least,
    Most,
}

impl Limit {
    fn fault(self) -> Option<PhotoFault> {
        let [wrong, name, unit, advice] = self.words;
        let limit = self.limit?;
        let Some(found) = self.found else {
            let message = format!("{name} cannot be measured, limit {limit}{unit}; {advice}");
            return Some(PhotoFault { figure: self.figure, found: f32::NAN, limit, message });
        };
        let bound = match self.bound {
            // A figure that is not a number is within no limit.
            Bound::Least if found >= limit => return None,
            Bound::Most if found <= limit => return None,
            Bound::Least => "at least",
            Bound::Most => "at most",
        };
        let message = format!("{wrong}: {name} {found:.1}{unit}, {bound} {limit}{unit}; {advice}");
        Some(PhotoFault { figure: self.figure, found, limit, message })
    }
}

fn limits(figures: &PhotoFigures, config: &PhotoConfig) -> Vec<Limit> {
    use Bound::{Least, Most};
    let limit = |figure, bound, (found, limit), words| Limit { figure, found, limit, bound, words };
    let some = |found: f32, limit| (Some(found), limit);
    let lamp = "check the lamp or the exposure";
    let threshold = "check the lamp or the threshold of the binarisation";
    let (dark, bright) = match figures.profile {
        PhotoProfile::Binary => (threshold, threshold),
        _ => (lamp, "shorten the exposure or dim the lamp"),
    };
    let is_binary = figures.profile == PhotoProfile::Binary;
    let between = config.max_between_percent.or(is_binary.then_some(BETWEEN_PERCENT));
    vec![
        limit("mean", Least, some(figures.mean, config.min_mean), ["too dark", "mean", "", dark]),
        limit(
            "mean",
            Most,
            some(figures.mean, config.max_mean),
            ["too bright", "mean", "", bright],
        ),
        limit(
            "contrast",
            Least,
            some(figures.contrast, config.min_contrast),
            ["too flat", "contrast", "", "check the lamp, the lens and the cover glass"],
        ),
        limit(
            "black_percent",
            Most,
            some(figures.black_percent, config.max_black_percent),
            ["blacked out", "pixels at 0", " %", dark],
        ),
        limit(
            "white_percent",
            Most,
            some(figures.white_percent, config.max_white_percent),
            ["saturated", "pixels at 255", " %", bright],
        ),
        limit(
            "white_percent",
            Least,
            some(figures.white_percent, config.min_white_percent),
            ["too little white", "pixels at 255", " %", dark],
        ),
        limit(
            "edge_width_px",
            Most,
            (figures.edge_width_px, config.max_edge_width_px),
            ["blurred", "edge width", " px", "check the focus, the lens and the part's speed"],
        ),
        limit(
            "noise",
            Most,
            (figures.noise, config.max_noise),
            ["too noisy", "noise", "", "check the camera's gain and the lamp"],
        ),
        limit(
            "unevenness_percent",
            Most,
            (figures.unevenness_percent, config.max_unevenness_percent),
            ["unevenly lit", "unevenness", " %", "check the lamp and for stray light"],
        ),
        limit(
            "between_percent",
            Most,
            some(100.0 - figures.black_percent - figures.white_percent, between),
            ["not of two levels", "pixels at neither 0 nor 255", " %", threshold],
        ),
        limit(
            "specks_percent",
            Most,
            (figures.specks_percent, config.max_specks_percent),
            ["speckled", "single pixels", " %", threshold],
        ),
    ]
}

/// Photos nothing can be judged on, whatever the recipe says.
fn gross(figures: &PhotoFigures) -> Option<PhotoFault> {
    let fault = |figure, found: f32, limit: f32, message: String| {
        Some(PhotoFault { figure, found, limit, message })
    };
    let least = match figures.noise {
        Some(noise) => BLANK_LEVELS + BLANK_DEVIATIONS * noise,
        // Two levels: any part of the other one counts.
        None if figures.white_percent > 0.0 && figures.black_percent > 0.0 => return None,
        None => BLANK_LEVELS,
    };
    let PhotoFigures { contrast, white_percent, black_percent, .. } = *figures;
    let binary = figures.profile == PhotoProfile::Binary;
    if white_percent >= CLIPPED_PERCENT && !binary {
        let message =
            format!("overexposed: {white_percent:.1} % of the pixels at 255; shorten the exposure");
        return fault("white_percent", white_percent, CLIPPED_PERCENT, message);
    }
    if black_percent >= CLIPPED_PERCENT && !binary {
        let message = format!(
            "black: {black_percent:.1} % of the pixels at 0; is the lamp on and the lens uncovered?"
        );
        return fault("black_percent", black_percent, CLIPPED_PERCENT, message);
    }
    if contrast < least {
        let message = match figures.noise {
            Some(noise) if least > 2.0 * BLANK_LEVELS => format!(
                "nothing stands out from the noise: contrast {contrast:.1}, noise {noise:.1}; \
                 is there a part in view, and light?"
            ),
            _ => format!(
                "blank: contrast {contrast:.1}, at least {least:.1}; is there a part in view, and light?"
            ),
        };
        return fault("contrast", contrast, least, message);
    }
    None
}

fn profile(figures: &PhotoFigures, config: &PhotoConfig) -> Option<PhotoFault> {
    let grey = figures.profile == PhotoProfile::Grey;
    if config.profile == PhotoProfile::Auto || config.profile == figures.profile {
        return None;
    }
    let (found, wanted) = if grey { ("grey", "binary") } else { ("binary", "grey") };
    let message = format!("measured as {found}, the recipe's profile is {wanted}; measure it so");
    Some(PhotoFault { figure: "profile", found: f32::NAN, limit: f32::NAN, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: PhotoFigures = PhotoFigures {
        profile: PhotoProfile::Grey,
        mean: 110.0,
        contrast: 150.0,
        black_percent: 0.1,
        white_percent: 0.2,
        edge_width_px: Some(2.0),
        noise: Some(2.0),
        unevenness_percent: Some(20.0),
        specks_percent: None,
    };

    #[test]
    fn a_good_photo_is_within_limits_made_around_it() {
        let config = PhotoConfig::around(&GOOD);
        assert_eq!(config.validate().map_err(|error| error.to_string()), Ok(()));
        assert_eq!(check(&GOOD, &config), []);
    }

    #[test]
    fn each_condition_is_faulted_with_figure_limit_and_advice() {
        let config = PhotoConfig::around(&GOOD);
        for (bad, expected) in [
            (PhotoFigures { mean: 31.0, ..GOOD }, "too dark: mean 31.0, at least 77"),
            (PhotoFigures { mean: 200.0, ..GOOD }, "too bright: mean 200.0, at most 143"),
            (PhotoFigures { contrast: 50.0, ..GOOD }, "too flat: contrast 50.0, at least 90"),
            (PhotoFigures { black_percent: 9.0, ..GOOD }, "blacked out: pixels at 0 9.0 %"),
            (PhotoFigures { white_percent: 9.0, ..GOOD }, "saturated: pixels at 255 9.0 %"),
            (PhotoFigures { edge_width_px: Some(6.0), ..GOOD }, "blurred: edge width 6.0 px"),
            (PhotoFigures { edge_width_px: None, ..GOOD }, "edge width cannot be measured"),
            (PhotoFigures { noise: Some(9.0), ..GOOD }, "too noisy: noise 9.0, at most 6"),
            (PhotoFigures { unevenness_percent: Some(70.0), ..GOOD }, "unevenly lit"),
            (PhotoFigures { mean: f32::NAN, ..GOOD }, "too dark"),
        ] {
            let faults = check(&bad, &config);
            assert!(!faults.is_empty(), "{expected}");
            let message = &faults[0].message;
            assert!(
                message.starts_with(expected) && message.contains("; check")
                    || message.contains("; shorten"),
                "{message}"
            );
        }
    }

    #[test]
    fn without_limits_only_photos_without_content_are_faulted() {
        let config = PhotoConfig::default();
        assert_eq!(check(&PhotoFigures { mean: 3.0, edge_width_px: None, ..GOOD }, &config), []);
        for (bad, expected) in [
            (PhotoFigures { white_percent: 100.0, contrast: 0.0, ..GOOD }, "overexposed"),
            (PhotoFigures { black_percent: 100.0, contrast: 0.0, ..GOOD }, "black"),
            (PhotoFigures { contrast: 5.0, noise: Some(0.0), ..GOOD }, "blank"),
            (PhotoFigures { contrast: 60.0, noise: Some(10.0), ..GOOD }, "nothing stands out"),
        ] {
            let faults = check(&bad, &config);
            assert_eq!(faults.len(), 1, "{expected}");
            assert!(faults[0].message.starts_with(expected), "{}", faults[0].message);
        }
    }

    #[test]
    fn a_binary_photo_is_blank_only_at_one_level() {
        let sparse = PhotoFigures {
            profile: PhotoProfile::Binary,
            contrast: 0.0,
            white_percent: 99.99,
            black_percent: 0.01,
            noise: None,
            edge_width_px: None,
            unevenness_percent: None,
            specks_percent: Some(0.0),
            mean: 254.9,
        };
        assert_eq!(check(&sparse, &PhotoConfig::default()), []);
        let white = PhotoFigures { black_percent: 0.0, white_percent: 100.0, ..sparse };
        assert_eq!(check(&white, &PhotoConfig::default()).len(), 1);
    }
}

use std::path::Path;

use super::Reference;
use crate::align::{self, AlignConfig};
use crate::frame::Frame;
use crate::recipe::{Date, Golden, GoldenState, Recipe, Shows};
use crate::region::{self, RegionConfig, RegionMode};
use crate::verdict::{NotInspected, Stage};

/// The good goldens of a recipe, decoded: what parts are compared with where no reference comes with
/// them.
///
/// A part is compared with the one it differs least from: parts of several moulds or batches are all
/// good, and what tells them apart is no fault. Least is by the evidence of change that regions are
/// proposed by, summed; of equals the one it registers to with the least residual. (The residual alone
/// leaves out the worst fifth of the frame, and with it what tells one mould from another.) A fault is
/// there against every golden, so that it does not choose. With one golden nothing is chosen; each
/// further one costs a registration and a comparison per part.
#[derive(Debug)]
pub struct Goldens {
    kept: Vec<(Golden, Reference)>,
    align: AlignConfig,
    /// Looks for changes, whatever the recipe looks at.
    region: RegionConfig,
}

/// Of a part from a golden.
struct Distance {
    /// Evidence of change, in units of full contrast.
    change: f32,
    /// See [`align::Registration::residual`].
    residual: f32,
}

impl Goldens {
    /// Decodes every good golden that may be used on a day, by `read`; without a day those that ever
    /// could be, for parts of other days.
    ///
    /// # Errors
    /// An altered or unreadable golden, or none that may be used, each with its name and its state.
    pub fn load(
        recipe: &Recipe,
        day: Option<Date>,
        read: impl Fn(&Path) -> Result<Frame, NotInspected>,
    ) -> Result<Self, NotInspected> {
        let mut kept = Vec::new();
        let mut out_of_force = Vec::new();
        for golden in recipe.goldens.iter().filter(|golden| golden.shows == Shows::Good) {
            match day.map_or_else(|| golden.file_state(), |day| golden.state(day)) {
                GoldenState::InForce => {
                    kept.push((golden.clone(), Reference::golden(read(&golden.path)?)));
                }
                state if state.is_broken() => return Err(refused(&golden.file, &state)),
                state => out_of_force.push(format!("{}: {state}", golden.file)),
            }
        }
        if kept.is_empty() {
            return Err(none(&out_of_force));
        }
        let region = RegionConfig { mode: RegionMode::Changes, ..recipe.region.clone() };
        Ok(Self { kept, align: recipe.align.clone(), region })
    }

    /// The golden that a part is to be compared with on a day.
    ///
    /// Where no golden registers the first is given, so that inspection says why.
    ///
    /// # Errors
    /// When none of them may be used on that day any more.
    pub fn choose(&self, test: &Frame, day: Date) -> Result<(&Golden, &Reference), NotInspected> {
        let (in_force, out): (Vec<_>, Vec<_>) =
            self.kept.iter().partition(|(golden, _)| golden.dated(day).is_in_force());
        let Some(first) = in_force.first() else {
            let told =
                out.iter().map(|(golden, _)| format!("{}: {}", golden.file, golden.dated(day)));
            return Err(none(&told.collect::<Vec<_>>()));
        };
        if in_force.len() == 1 {
            return Ok((&first.0, &first.1));
        }
        // Of equals the first: the order of the list is the order of preference.
        let measured =
            in_force.iter().filter_map(|it| Some((self.distance(it.1.frame(), test)?, it)));
        let nearest = measured.min_by(|(a, _), (b, _)| {
            a.change.total_cmp(&b.change).then(a.residual.total_cmp(&b.residual))
        });
        let (golden, reference) = nearest.map_or(first, |(_, it)| it);
        Ok((golden, reference))
    }

    /// How far a part is from a golden; `None` where they do not register.
    fn distance(&self, golden: &Frame, test: &Frame) -> Option<Distance> {
        let aligned = align::align(golden, test, &self.align).ok()?;
        let found = region::regions(golden, &aligned.test, aligned.overlap, &self.region);
        // Frames too small to look for changes in have a residual still.
        let change = found.map_or(0.0, |found| found.regions.iter().map(|it| it.change).sum());
        Some(Distance { change, residual: aligned.registration.residual.unwrap_or(0.0) })
    }

    /// Those that may be used on a day, in the order of preference.
    pub fn in_force(&self, day: Date) -> impl Iterator<Item = &Golden> {
        let known = self.kept.iter().map(|(golden, _)| golden);
        known.filter(move |golden| golden.dated(day).is_in_force())
    }
}

fn refused(file: &str, state: &GoldenState) -> NotInspected {
    NotInspected::new(Stage::Frame, format!("golden {file}: {state}"))
}

fn none(told: &[String]) -> NotInspected {
    let detail = match told.is_empty() {
        true => "the recipe has no good golden; `pairspec recipe golden add`".to_owned(),
        false => format!("no good golden is in force ({}); take a new one", told.join("; ")),
    };
    NotInspected::new(Stage::Frame, detail)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use image::{GrayImage, Luma};

    use super::*;
    use crate::frame::Pixels;
    use crate::recipe::Listed;

    /// A plate with blocks, and one place that differs from mould to mould.
    fn frame(mould: u8) -> Frame {
        let image = GrayImage::from_fn(128, 128, |x, y| {
            let block = (x / 16 * 31 + y / 16 * 57 + (x / 16) * (y / 16) * 13) % 7;
            // A small engraving, which no residual sees.
            let mark = x / 8 == 4 + 4 * u32::from(mould) && y / 8 == 6;
            Luma([if mark { 230 } else { 40 + 20 * block as u8 }])
        });
        Frame::new(Pixels::Gray(image), 8, format!("mould {mould}")).unwrap()
    }

    fn golden(mould: u8, expires: &str) -> (Golden, Reference) {
        let listed = Listed {
            sha256: String::new(),
            taken: "2026-05-01".parse().unwrap(),
            expires: Some(expires.parse().unwrap()),
            withdrawn: None,
        };
        let golden = Golden {
            file: format!("goldens/{mould}.png"),
            path: Default::default(),
            shows: Shows::Good,
            listed: Some(listed),
        };
        (golden, Reference::golden(frame(mould)))
    }

    fn goldens() -> Goldens {
        let kept = vec![golden(0, "2026-06-01"), golden(1, "2026-07-01")];
        Goldens { kept, align: AlignConfig::default(), region: RegionConfig::default() }
    }

    fn chosen(mould: u8, day: &str) -> Result<String, String> {
        let goldens = goldens();
        let chosen = goldens.choose(&frame(mould), day.parse().unwrap());
        chosen.map(|(golden, _)| golden.file.clone()).map_err(|reason| reason.detail)
    }

    #[test]
    fn a_part_is_compared_with_the_golden_that_it_is_most_like() {
        assert_eq!(chosen(0, "2026-05-10").unwrap(), "goldens/0.png");
        assert_eq!(chosen(1, "2026-05-10").unwrap(), "goldens/1.png");
    }

    #[test]
    fn a_golden_that_expires_while_the_line_runs_is_not_chosen_any_more() {
        assert_eq!(chosen(0, "2026-06-10").unwrap(), "goldens/1.png");
        let reason = chosen(0, "2026-07-01").unwrap_err();
        assert!(reason.contains("goldens/1.png: expired on 2026-07-01"), "{reason}");
    }

    #[test]
    fn a_part_that_registers_to_none_is_left_to_inspection() {
        let plain = Frame::new(Pixels::Gray(GrayImage::new(128, 128)), 8, "plain").unwrap();
        let goldens = goldens();
        let (golden, _) = goldens.choose(&plain, "2026-05-10".parse().unwrap()).unwrap();
        assert_eq!(golden.file, "goldens/0.png");
    }
}

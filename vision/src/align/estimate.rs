use super::limits::Limits;
use super::motion::{Motion, Similarity};
use super::patch::{Patch, Reading};
use super::plane::{Plane, Pyramid};
use super::refine::{Freedom, read, refine, residual};
use super::texture::Texture;
use super::{AlignConfig, AlignMode, Error, Registration, coarse, local, repeats};

/// Columns and rows of the level the search starts on, at most.
const COARSE_SIDE: usize = 256;
/// Columns and rows of any level, at least.
const LEAST_LEVEL_SIDE: usize = 40;
/// Pixels per side of a block, and of one in frames narrower than [`NARROW`].
const BLOCK: usize = 32;
const SMALL_BLOCK: usize = 16;
const NARROW: usize = 160;
/// Blocks over the frame that the motion is fitted to and the residual is taken from.
const BLOCKS: usize = 64;
/// Fewer of them with structure than this are sought again on a finer grid.
const ENOUGH_BLOCKS: usize = 24;
const MORE_BLOCKS: usize = 400;
/// Root mean square distance of the blocks with structure from their middle, as a part of the
/// frame's diagonal, above which they determine angle and size well (0.29 when everywhere).
const WIDE: f64 = 0.2;
/// Otherwise angle and size must make the residual this much smaller to be believed.
const WORTH: f64 = 1.5;
const NEGLIGIBLE: f64 = 0.005;
const ONLY_SHIFT: Freedom = Freedom { turn: false, growth: false };
/// How far the search goes beyond the recipe's limits.
const BEYOND: f64 = 1.25;

/// Finds the motion of a pair, coarse to fine, and measures how well it fits.
///
/// # Errors
/// Those of [`super::align()`] but for sizes and overlap.
pub(super) fn estimate(limits: Limits) -> Result<(Motion, Registration), Error> {
    let (first, second) = (limits.reference.luma(), limits.test.luma());
    let planes = [Plane::new(&first), Plane::new(&second)];
    let top = top_level(&planes);
    let [first, second] = planes.map(|plane| Pyramid::new(plane, top));
    let search = Search::new([&first, &second], limits.config);
    let start = search.start().ok_or_else(|| limits.no_structure(limits.reference, 0))?;
    let (similarity, readings) = search.descend(start);
    limits.check_structure(&readings)?;
    limits.check_residual(&readings)?;
    limits.check_motion(&similarity)?;
    let limit = (f64::from(limits.config.max_shift_px), limits.test.origin());
    let settled = repeats::settle(search.pair, &search.texture, search.block, similarity, limit)?;
    let mut motion = Motion::new(settled.similarity, search.size);
    let readings = if limits.config.mode == AlignMode::Local {
        let max = limits.config.max_local_px;
        let (field, readings) =
            local::estimate(search.pair, &search.texture, &motion, (max, search.block));
        limits.check_local(&field)?;
        motion.local = Some(field);
        readings
    } else if settled.similarity != similarity {
        read(&search.patches(0, MORE_BLOCKS, &motion), &motion)
    } else {
        readings
    };
    let residual = limits.check_residual(&readings)?;
    let registration = Registration {
        shift_px: motion.similarity.shift.map(|x| x as f32),
        rotation_deg: motion.similarity.rotation_deg() as f32,
        scale: motion.similarity.scale() as f32,
        local: motion.local.clone(),
        residual: Some(residual),
        repeats_at_px: settled.other.map(|shift| shift.map(|x| x as f32)),
        ..Registration::identity(limits.config.mode)
    };
    Ok((motion, registration))
}

/// What all stages of one estimate share.
struct Search<'a> {
    pair: [&'a Pyramid<'a>; 2],
    texture: Texture,
    size: [usize; 2],
    block: usize,
    freedom: Freedom,
    reach: coarse::Reach,
    /// The level the similarity is refined to: the local field goes on from the one above the
    /// last.
    finest: usize,
}

impl<'a> Search<'a> {
    fn new(pair: [&'a Pyramid<'a>; 2], config: &AlignConfig) -> Self {
        let size = pair[0].size();
        let block = if size[0].min(size[1]) < NARROW { SMALL_BLOCK } else { BLOCK };
        let turns = config.mode != AlignMode::Translation;
        let freedom = Freedom {
            turn: turns && config.max_rotation_deg > 0.0,
            growth: turns && config.max_scale_percent > 0.0,
        };
        Self {
            pair,
            texture: Texture::new(pair[0], block),
            size,
            block,
            freedom,
            reach: reach(config, freedom),
            finest: usize::from(config.mode == AlignMode::Local).min(pair[0].top()),
        }
    }

    /// The motion to about a pixel of a coarse level; none when the reference is blank on all.
    fn start(&self) -> Option<Similarity> {
        // Fine structure is gone on the coarsest levels: where there is nothing, look closer.
        let levels = (0..=self.pair[0].top()).rev();
        levels.into_iter().find_map(|level| coarse::search(self.pair, level, self.reach))
    }

    /// The motion refined down to the finest level, and what its blocks read there.
    fn descend(&self, start: Similarity) -> (Similarity, Vec<Reading>) {
        let mut found = start;
        let levels = (0..=self.pair[0].top()).rev().step_by(2);
        for level in levels.filter(|level| *level > self.finest) {
            (found, _) = self.refined(level, BLOCKS, found);
        }
        let mut patches = Vec::new();
        for count in [BLOCKS, MORE_BLOCKS] {
            (found, patches) = self.refined(self.finest, count, found);
            if patches.iter().filter(|patch| patch.has_structure()).count() >= ENOUGH_BLOCKS {
                break;
            }
        }
        if self.freedom != ONLY_SHIFT {
            found = self.simplest(&mut patches, found);
        }
        let readings = read(&patches, &Motion::new(found, self.size));
        (found, readings)
    }

    fn refined(&self, level: usize, count: usize, from: Similarity) -> (Similarity, Vec<Patch>) {
        let motion = Motion::new(from, self.size);
        let mut patches = self.patches(level, count, &motion);
        let found = refine(self.pair, &mut patches, motion, self.freedom).similarity;
        (found, patches)
    }

    /// The motion without rotation and change of size, unless these are well determined or needed.
    ///
    /// Where all structure is in one corner, wider or narrower edges look like a change of size,
    /// which would move the rest of the frame.
    fn simplest(&self, patches: &mut [Patch], found: Similarity) -> Similarity {
        let (mean, spread) = spread(patches);
        if spread > WIDE * (self.size[0] as f64).hypot(self.size[1] as f64) {
            return found;
        }
        let [x, y] = found.apply(mean);
        let start = Similarity::identity(self.size).shifted([x - mean[0], y - mean[1]]);
        let shifted = refine(self.pair, patches, Motion::new(start, self.size), ONLY_SHIFT);
        let known = residual(&read(patches, &Motion::new(found, self.size)));
        let simple = residual(&read(patches, &shifted));
        if simple > known * WORTH + NEGLIGIBLE { found } else { shifted.similarity }
    }

    /// The best blocks of a level over the frame, cut where a motion expects them.
    fn patches(&self, level: usize, count: usize, motion: &Motion) -> Vec<Patch> {
        let centres = self.texture.pick(self.block << level, count).into_iter();
        centres.map(|centre| Patch::new(self.pair, level, (centre, self.block), motion)).collect()
    }
}

/// The middle of the blocks with structure and their root mean square distance from it, in pixels.
fn spread(patches: &[Patch]) -> ([f64; 2], f64) {
    let with_structure = patches.iter().filter(|patch| patch.has_structure());
    let centres: Vec<[f64; 2]> = with_structure.map(|patch| patch.centre).collect();
    let count = centres.len().max(1) as f64;
    let mean = [0, 1].map(|i| centres.iter().map(|centre| centre[i]).sum::<f64>() / count);
    let square = |centre: &[f64; 2]| (centre[0] - mean[0]).powi(2) + (centre[1] - mean[1]).powi(2);
    (mean, (centres.iter().map(square).sum::<f64>() / count).sqrt())
}

fn top_level(planes: &[Plane; 2]) -> usize {
    let longest = planes.iter().map(|plane| plane.width.max(plane.height)).max().unwrap_or(0);
    let shortest = planes.iter().map(|plane| plane.width.min(plane.height)).min().unwrap_or(0);
    let mut level = 0;
    while longest >> level > COARSE_SIDE && shortest >> (level + 1) >= LEAST_LEVEL_SIDE {
        level += 1;
    }
    level
}

fn reach(config: &AlignConfig, freedom: Freedom) -> coarse::Reach {
    let [turn, growth] = [freedom.turn, freedom.growth].map(|free| if free { BEYOND } else { 0.0 });
    coarse::Reach {
        shift: BEYOND * f64::from(config.max_shift_px) + 2.0,
        turn: turn * f64::from(config.max_rotation_deg).to_radians().tan(),
        growth: growth * f64::from(config.max_scale_percent) / 100.0,
    }
}

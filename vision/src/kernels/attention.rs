use std::ops::Range;

use super::lanes::Lanes;
use super::linear::{Target, some, store_some};
use super::math::{exponential, exponentials};
use super::product::{Matrix, Product};
use super::write::{TOGETHER, Writer};

/// Queries whose scores are in the cache at once.
const QUERIES: usize = 24;
/// Added to a score, this leaves nothing of its share in f32, whatever finite scores there are
/// (`e^-88.1` is zero here).
const MASKED: f32 = -1e8;

/// Multi-head attention: `softmax(factor * Q K^T + mask) V` per sequence and head.
#[derive(Debug, Clone, Copy)]
pub struct Attention<'a> {
    /// `[batch * queries, heads * width]`.
    pub query: &'a [f32],
    /// `[batch * keys, heads * width]`.
    pub key: &'a [f32],
    /// As `key`.
    pub value: &'a [f32],
    /// Sequences.
    pub batch: usize,
    /// Heads of a token.
    pub heads: usize,
    /// Values of a head.
    pub width: usize,
    /// Multiplied with scores.
    pub factor: f32,
    /// Added to scores.
    pub mask: Option<Mask<'a>>,
}

/// What is added to scores, with the distance in values from one sequence, head and query to the
/// next; 0 where all share.
#[derive(Debug, Clone, Copy)]
pub struct Mask<'a> {
    /// The values; those of one query's keys lie together.
    pub values: &'a [f32],
    /// From sequence to sequence.
    pub of_sequence: usize,
    /// From head to head.
    pub of_head: usize,
    /// From query to query.
    pub of_query: usize,
}

impl Attention<'_> {
    fn queries(&self) -> usize {
        self.query.len() / (self.batch * self.heads * self.width).max(1)
    }

    fn keys(&self) -> usize {
        self.key.len() / (self.batch * self.heads * self.width).max(1)
    }

    fn check(&self, target: usize) {
        let row = self.batch * self.heads * self.width;
        assert!(self.query.len() == self.queries() * row && target == self.query.len(), "queries");
        assert!(self.key.len() == self.keys() * row && self.value.len() == self.key.len(), "keys");
        let Some(mask) = &self.mask else { return };
        let last = |count: usize, distance: usize| count.saturating_sub(1) * distance;
        let end = last(self.batch, mask.of_sequence)
            + last(self.heads, mask.of_head)
            + last(self.queries(), mask.of_query)
            + self.keys();
        assert!(end <= mask.values.len(), "the mask has a value per score");
    }
}

/// See [`Kernel::attention`](super::Kernel::attention).
#[inline(always)]
pub(super) unsafe fn run<L: Lanes>(
    attention: &Attention,
    target: &Target,
    heads: Range<usize>,
) -> bool {
    attention.check(target.len());
    let (queries, keys, width) = (attention.queries(), attention.keys(), attention.width);
    if queries == 0 || keys == 0 {
        return true;
    }
    assert!(heads.end <= attention.batch * attention.heads, "heads of these sequences");
    let stride = keys.next_multiple_of(L::COUNT);
    let mut scratch = Scratch {
        turned: vec![0.0; width * stride],
        shares: vec![0.0; QUERIES * stride],
        mixed: vec![0.0; QUERIES * width],
        stride,
    };
    let mut finite = true;
    for index in heads {
        let head = Head {
            attention,
            target,
            sequence: index / attention.heads,
            head: index % attention.heads,
            keys,
        };
        // SAFETY: the caller runs where the processor has the instructions of `L`; `check` found
        // the sizes right.
        unsafe {
            head.turn_keys::<L>(&mut scratch);
            let blocks = queries.div_ceil(QUERIES);
            for block in 0..blocks {
                let block = queries * block / blocks..queries * (block + 1) / blocks;
                finite &= head.block::<L>(block, queries, &mut scratch);
            }
        }
    }
    finite
}

struct Scratch {
    /// Keys, transposed: `[width, stride]`.
    turned: Vec<f32>,
    /// Scores, then their shares: `[QUERIES, stride]`.
    shares: Vec<f32>,
    /// Values mixed by shares, `[QUERIES, width]`.
    mixed: Vec<f32>,
    stride: usize,
}

/// One head of one sequence.
struct Head<'a> {
    attention: &'a Attention<'a>,
    target: &'a Target<'a>,
    sequence: usize,
    head: usize,
    keys: usize,
}

impl Head<'_> {
    /// Values from token to token.
    #[inline(always)]
    fn row(&self) -> usize {
        self.attention.heads * self.attention.width
    }

    /// Where this head starts in a matrix of `tokens` per sequence.
    #[inline(always)]
    fn start(&self, tokens: usize) -> usize {
        self.sequence * tokens * self.row() + self.head * self.attention.width
    }

    #[inline(always)]
    unsafe fn turn_keys<L: Lanes>(&self, scratch: &mut Scratch) {
        let (width, row) = (self.attention.width, self.row());
        let from = &self.attention.key[self.start(self.keys)..];
        let whole = self.keys - self.keys % L::COUNT;
        let (fours, stride) = (width - width % 4, scratch.stride);
        for token in (0..whole).step_by(L::COUNT) {
            for index in (0..fours).step_by(4) {
                let from = from[token * row + index..].as_ptr();
                let to = scratch.turned[index * stride + token..].as_mut_ptr();
                // SAFETY: the caller's; `check` found all keys there, and the scratch holds `width`
                // rows of `stride`.
                unsafe {
                    for (line, values) in L::load_turned(from, row).into_iter().enumerate() {
                        L::store(values, to.add(line * stride));
                    }
                }
            }
            for index in fours..width {
                for token in token..token + L::COUNT {
                    scratch.turned[index * stride + token] = from[token * row + index];
                }
            }
        }
        for token in whole..self.keys {
            for index in 0..width {
                scratch.turned[index * stride + token] = from[token * row + index];
            }
        }
    }

    #[inline(always)]
    unsafe fn block<L: Lanes>(
        &self,
        queries: Range<usize>,
        all: usize,
        scratch: &mut Scratch,
    ) -> bool {
        let (width, row, stride) = (self.attention.width, self.row(), scratch.stride);
        let start = self.start(all) + queries.start * row;
        let keys = self.keys_that_count(&queries);
        let scores = Product {
            left: Matrix { start: self.attention.query[start..].as_ptr(), stride: row },
            rows: queries.len(),
            right: Matrix { start: scratch.turned.as_ptr(), stride },
            depth: width,
            to: Matrix { start: scratch.shares.as_mut_ptr(), stride },
            columns: keys.next_multiple_of(L::COUNT),
            ahead: None,
        };
        let value = self.attention.value[self.start(self.keys)..].as_ptr();
        let mixed = Product {
            left: Matrix { start: scratch.shares.as_ptr(), stride },
            rows: queries.len(),
            right: Matrix { start: value, stride: row },
            depth: keys,
            to: Matrix { start: scratch.mixed.as_mut_ptr(), stride: width },
            columns: width,
            ahead: None,
        };
        let mut sums = [0.0; QUERIES];
        // SAFETY: the caller's; a block has at most `QUERIES` rows, and scores are a whole number
        // of vectors within `stride`.
        unsafe {
            scores.compute::<L>();
            for (index, query) in queries.clone().enumerate() {
                let shares = &mut scratch.shares[index * stride..][..keys];
                sums[index] = self.shares::<L>(query, shares);
            }
            mixed.compute::<L>();
            let mut finite = true;
            for (index, sum) in sums[..queries.len()].iter().enumerate() {
                let mixed = &scratch.mixed[index * width..][..width];
                finite &= self.store::<L>(mixed, sum.recip(), start + index * row);
            }
            finite
        }
    }

    /// Keys before which some query of the block has an unmasked one: half of them under a causal
    /// mask. What is left out would have a share of exactly zero.
    #[inline(always)]
    fn keys_that_count(&self, queries: &Range<usize>) -> usize {
        let Some(mask) = &self.attention.mask else { return self.keys };
        let counts = queries.clone().map(|query| {
            let values = &mask.values[self.mask_start(mask, query)..][..self.keys];
            let last = values.iter().rposition(|&value| value > MASKED || value.is_nan());
            // Where all are masked, all share alike.
            last.map_or(self.keys, |last| last + 1)
        });
        counts.max().unwrap_or(self.keys)
    }

    #[inline(always)]
    fn mask_start(&self, mask: &Mask, query: usize) -> usize {
        self.sequence * mask.of_sequence + self.head * mask.of_head + query * mask.of_query
    }

    /// Turns scores into shares that are not divided by their sum yet, and gives the sum.
    #[inline(always)]
    unsafe fn shares<L: Lanes>(&self, query: usize, scores: &mut [f32]) -> f32 {
        let factor = self.attention.factor;
        let (keys, scores) = (scores.len(), scores.as_mut_ptr());
        let whole = keys - keys % L::COUNT;
        let mask = self.attention.mask.as_ref();
        let mask = mask.map(|mask| &mask.values[self.mask_start(mask, query)..][..keys]);
        let (mut largest, mut poison) = (f32::NEG_INFINITY, 0.0);
        // SAFETY: the caller's; all places are below `keys`.
        unsafe {
            let mut most = L::splat(largest);
            let mut poisons = L::splat(poison);
            for place in (0..whole).step_by(L::COUNT) {
                let score = L::load(scores.add(place));
                poisons = L::fma(score, L::splat(0.0), poisons);
                let mut score = L::mul(score, L::splat(factor));
                if let Some(mask) = mask {
                    score = L::add(score, L::load(mask.as_ptr().add(place)));
                }
                most = L::max(most, score);
                L::store(score, scores.add(place));
            }
            for place in whole..keys {
                let score = *scores.add(place);
                poison += score * 0.0;
                let score = score * factor + mask.map_or(0.0, |mask| mask[place]);
                largest = largest.max(score);
                *scores.add(place) = score;
            }
            // The exponential would turn a score that is not finite into a number.
            let poison = poison + L::sum(poisons);
            shares_of::<L>(scores, keys, largest.max(L::largest(most))) + poison
        }
    }

    /// Writes one query's result; whether it was finite.
    #[inline(always)]
    unsafe fn store<L: Lanes>(&self, mixed: &[f32], factor: f32, place: usize) -> bool {
        // SAFETY: the caller's; `place` is a query's start in the target.
        unsafe {
            let mut writer = Writer::<L>::new(*self.target);
            for done in (0..mixed.len()).step_by(L::COUNT) {
                let count = L::COUNT.min(mixed.len() - done);
                let value = some::<L>(mixed.as_ptr().add(done), count);
                writer.put([L::mul(value, L::splat(factor))], (place + done, 0), count);
            }
            writer.all_finite()
        }
    }
}

/// `e^(score - most)` in place, and their sum.
#[inline(always)]
unsafe fn shares_of<L: Lanes>(scores: *mut f32, keys: usize, most: f32) -> f32 {
    // SAFETY: the caller has `keys` scores there.
    unsafe {
        let most = L::splat(most);
        let mut sum = L::splat(0.0);
        let mut place = 0;
        while place + TOGETHER * L::COUNT <= keys {
            place = some_shares::<L, TOGETHER>(scores, place, most, &mut sum);
        }
        while place + L::COUNT <= keys {
            place = some_shares::<L, 1>(scores, place, most, &mut sum);
        }
        let mut sum = L::sum(sum);
        if place < keys {
            let score = L::sub(some::<L>(scores.add(place), keys - place), most);
            store_some::<L>(exponential::<L>(score), scores.add(place), keys - place);
            for place in place..keys {
                sum += *scores.add(place);
            }
        }
        sum
    }
}

/// [`shares_of`] for `N` vectors from `place` on; the place behind them.
#[inline(always)]
unsafe fn some_shares<L: Lanes, const N: usize>(
    scores: *mut f32,
    place: usize,
    most: L::Vector,
    sum: &mut L::Vector,
) -> usize {
    // SAFETY: the caller has these scores there.
    unsafe {
        let mut values = [most; N];
        for (index, value) in values.iter_mut().enumerate() {
            *value = L::sub(L::load(scores.add(place + index * L::COUNT)), most);
        }
        for (index, share) in exponentials::<L, N>(values).into_iter().enumerate() {
            *sum = L::add(*sum, share);
            L::store(share, scores.add(place + index * L::COUNT));
        }
        place + N * L::COUNT
    }
}

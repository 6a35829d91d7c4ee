use super::Error;
use crate::clip::{FileName, Gate, cosine};
use crate::diff::Difference;

/// The least mean cosine of an int8 embedding with the fp32 embedding of the same crop.
const LEAST_EMBEDDING: f64 = 0.999;
/// The least mean cosine of difference embeddings over regions of pairs that fp32 calls a mismatch.
const LEAST_DIFFERENCE: f64 = 0.98;
/// The least share of pairs with the same verdict.
const LEAST_VERDICT: f64 = 0.995;

/// How near int8 comes to fp32 over many pairs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Agreement {
    embeddings: Mean,
    differences: Mean,
    verdicts: Mean,
    skipped: usize,
    first_reason: String,
}

/// Mean and least of some values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    sum: f64,
    /// How many there are.
    pub count: usize,
    /// The smallest.
    pub least: f64,
}

impl Default for Mean {
    fn default() -> Self {
        Self { sum: 0.0, count: 0, least: f64::INFINITY }
    }
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
        self.least = self.least.min(value);
    }

    /// The mean; none of nothing.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// What both precisions made of one pair.
#[derive(Debug)]
pub struct Compared<'a> {
    /// Per region the raw embeddings of reference and test, in fp32 and in int8.
    pub regions: Vec<[&'a [Vec<f32>; 2]; 2]>,
    /// Whether the fp32 verdict is a mismatch: only there does the direction of a difference count.
    pub is_mismatch: bool,
    /// Whether both came to the same verdict.
    pub same_verdict: bool,
}

impl Agreement {
    /// Counts a pair.
    pub fn add(&mut self, pair: &Compared) {
        for [fp32, int8] in &pair.regions {
            for (fp32, int8) in fp32.iter().zip(*int8) {
                self.embeddings.add(cosine(fp32, int8));
            }
            let difference = |it: &[Vec<f32>; 2]| Difference::between(&it[0], &it[1]).ok();
            if let (true, Some(fp32), Some(int8)) =
                (pair.is_mismatch, difference(fp32), difference(int8))
                && fp32.size() > 0.0
            {
                self.differences.add(cosine(fp32.vector(), int8.vector()));
            }
        }
        self.verdicts.add(if pair.same_verdict { 1.0 } else { 0.0 });
    }

    /// Counts a pair that fp32 does not inspect, for this reason.
    pub fn skip(&mut self, reason: &str) {
        if self.skipped == 0 {
            reason.clone_into(&mut self.first_reason);
        }
        self.skipped += 1;
    }

    /// Pairs that fp32 did not inspect.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Cosines of embeddings, cosines of differences, and equal verdicts as 1 or 0.
    pub fn means(&self) -> [Mean; 3] {
        [self.embeddings, self.differences, self.verdicts]
    }

    /// The measured limits, to be written into the bundle. What was never seen fails: unknown is
    /// not a pass.
    ///
    /// # Errors
    /// [`Error::NothingCompared`].
    pub fn gates(&self, file: FileName) -> Result<Vec<Gate>, Error> {
        if self.verdicts.count == 0 {
            let (pairs, reason) = (self.skipped, self.first_reason.clone());
            return Err(Error::NothingCompared { pairs, reason });
        }
        let gate = |name: &str, mean: Mean, limit: f64| {
            let value = mean.mean().unwrap_or(0.0);
            let passed = mean.count > 0 && value >= limit;
            Gate { file, name: name.to_owned(), value, limit, passed }
        };
        Ok(vec![
            gate("embedding cosine to fp32, mean", self.embeddings, LEAST_EMBEDDING),
            gate(
                "difference cosine to fp32, mean over mismatches",
                self.differences,
                LEAST_DIFFERENCE,
            ),
            gate("share of verdicts as fp32", self.verdicts, LEAST_VERDICT),
        ])
    }
}

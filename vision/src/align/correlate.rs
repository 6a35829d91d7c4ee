use std::sync::Arc;

use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};

/// Circular cross-correlation of square windows by the Fourier transform.
pub(super) struct Correlator {
    side: usize,
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
    scratch: Vec<Complex32>,
    window: Vec<Complex32>,
    turned: Vec<Complex32>,
    spectrum: Vec<Complex32>,
}

impl Correlator {
    /// For windows of `side` x `side`.
    pub(super) fn new(side: usize) -> Self {
        let mut planner = FftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(side), planner.plan_fft_inverse(side));
        let length = forward.get_inplace_scratch_len().max(inverse.get_inplace_scratch_len());
        let zero = Complex32::default();
        let empty = || vec![zero; side * side];
        Self {
            side,
            forward,
            inverse,
            scratch: vec![zero; length],
            window: empty(),
            turned: empty(),
            spectrum: empty(),
        }
    }

    pub(super) fn side(&self) -> usize {
        self.side
    }

    /// Adds the correlation of a pair of windows; `fill` writes the first into the real parts and
    /// the second into the imaginary parts of zeroed rows.
    ///
    /// One transform serves both: with `Z = F + i G`, `F(k) = (Z(k) + conj Z(-k)) / 2` and
    /// `G(k) = (Z(k) - conj Z(-k)) / 2i`; the correlation's spectrum is `conj(F) G`.
    pub(super) fn add(&mut self, fill: impl FnOnce(&mut [Complex32])) {
        let side = self.side;
        self.window.fill(Complex32::default());
        fill(&mut self.window);
        self.forward.process_with_scratch(&mut self.window, &mut self.scratch);
        transpose(&self.window, &mut self.turned, side);
        self.forward.process_with_scratch(&mut self.turned, &mut self.scratch);
        for row in 0..side {
            let mirrored = (side - row) % side * side;
            for column in 0..side {
                let z = self.turned[row * side + column];
                let m = self.turned[mirrored + (side - column) % side].conj();
                let (f, g) = ((z + m) * 0.5, (z - m) * Complex32::new(0.0, -0.5));
                self.spectrum[row * side + column] += f.conj() * g;
            }
        }
    }

    /// The sum of the correlations added so far, `c(d) = sum over p of first(p) * second(p + d)`,
    /// for shifts up to `reach` both ways: `(2 reach + 1)^2` values, row by row. Starts anew.
    pub(super) fn surface(&mut self, reach: usize) -> Surface {
        let side = self.side;
        self.inverse.process_with_scratch(&mut self.spectrum, &mut self.scratch);
        transpose(&self.spectrum, &mut self.turned, side);
        self.inverse.process_with_scratch(&mut self.turned, &mut self.scratch);
        let unit = 1.0 / (side * side) as f32;
        let wrapped = |i: usize| (i + side - reach) % side;
        let span = 2 * reach + 1;
        let values = (0..span * span)
            .map(|i| self.turned[wrapped(i / span) * side + wrapped(i % span)].re * unit)
            .collect();
        self.spectrum.fill(Complex32::default());
        Surface { reach, values }
    }
}

/// A value for each whole shift up to `reach` pixels both ways.
#[derive(Debug, Clone)]
pub(super) struct Surface {
    pub(super) reach: usize,
    pub(super) values: Vec<f32>,
}

impl Surface {
    /// The value at a shift, or none beyond the reach.
    pub(super) fn at(&self, dx: i64, dy: i64) -> Option<f32> {
        let (reach, span) = (self.reach as i64, 2 * self.reach + 1);
        if dx.abs() > reach || dy.abs() > reach {
            return None;
        }
        Some(self.values[(dy + reach) as usize * span + (dx + reach) as usize])
    }

    /// Shifts whose value is the largest among its eight neighbours and at least `least`, best
    /// first.
    pub(super) fn peaks(&self, least: f32) -> Vec<([i64; 2], f32)> {
        let reach = self.reach as i64;
        let mut peaks = Vec::new();
        for dy in -reach..=reach {
            for dx in -reach..=reach {
                let Some(value) = self.at(dx, dy).filter(|value| *value >= least) else { continue };
                if self.neighbours(dx, dy).all(|other| other <= value) {
                    peaks.push(([dx, dy], value));
                }
            }
        }
        peaks.sort_by(|a, b| b.1.total_cmp(&a.1));
        peaks
    }

    /// Each value replaced by the largest among itself and its neighbours.
    pub(super) fn dilated(&self) -> Self {
        let (reach, span) = (self.reach as i64, 2 * self.reach + 1);
        let values = (0..span * span)
            .map(|i| {
                let (dx, dy) = ((i % span) as i64 - reach, (i / span) as i64 - reach);
                self.neighbours(dx, dy).fold(self.values[i], f32::max)
            })
            .collect();
        Self { reach: self.reach, values }
    }

    fn neighbours(&self, dx: i64, dy: i64) -> impl Iterator<Item = f32> {
        (-1..=1)
            .flat_map(move |y| (-1..=1).map(move |x| (x, y)))
            .filter(|offset| *offset != (0, 0))
            .filter_map(move |(x, y)| self.at(dx + x, dy + y))
    }
}

fn transpose(from: &[Complex32], to: &mut [Complex32], side: usize) {
    for (row, values) in from.chunks_exact(side).enumerate() {
        for (column, value) in values.iter().enumerate() {
            to[column * side + row] = *value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_correlation_is_that_of_the_definition() {
        let side = 16;
        let value = |i: usize, seed: usize| ((i * 7919 + seed * 104_729) % 31) as f32 - 15.0;
        let mut correlator = Correlator::new(side);
        correlator.add(|window| {
            for (i, cell) in window.iter_mut().enumerate() {
                *cell = Complex32::new(value(i, 1), value(i, 2));
            }
        });
        let surface = correlator.surface(7);
        for (dx, dy) in [(0_i64, 0_i64), (3, -2), (-7, 7)] {
            let wrap = |at: usize, by: i64| (at as i64 + by).rem_euclid(side as i64) as usize;
            let expected: f32 = (0..side * side)
                .map(|i| {
                    let (x, y) = (wrap(i % side, dx), wrap(i / side, dy));
                    value(i, 1) * value(y * side + x, 2)
                })
                .sum();
            let found = surface.at(dx, dy).unwrap_or(f32::NAN);
            assert!((found - expected).abs() < 0.05, "{dx} {dy}: {found} {expected}");
        }
        assert_eq!(surface.at(8, 0), None);
    }

    #[test]
    fn peaks_come_best_first() {
        let mut values = vec![0.0; 25];
        values[6] = 0.5;
        values[24] = 0.9;
        let surface = Surface { reach: 2, values };
        assert_eq!(surface.peaks(0.3), [([2, 2], 0.9), ([-1, -1], 0.5)]);
        assert_eq!(surface.dilated().at(0, 0), Some(0.5));
    }
}

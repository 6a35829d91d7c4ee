/// A symmetric matrix whose values lie near its diagonal: the lower triangle, row by row.
pub(super) struct Band {
    /// Values of a row, its diagonal the last.
    width: usize,
    values: Vec<f64>,
}

impl Band {
    /// Of zeros; `reach` is the largest distance of a value from the diagonal.
    pub(super) fn new(unknowns: usize, reach: usize) -> Self {
        let width = reach + 1;
        Self { width, values: vec![0.0; unknowns * width] }
    }

    /// Adds to a value; what lies above the diagonal is the transpose of what lies below.
    pub(super) fn add(&mut self, row: usize, column: usize, value: f64) {
        if column <= row {
            debug_assert!(row - column < self.width);
            self.values[row * self.width + self.width - 1 - (row - column)] += value;
        }
    }

    /// Solves `A x = b`, or nothing when `A` is not positive definite.
    ///
    /// Cholesky's method for a band (Golub & Van Loan, Matrix Computations, algorithm 4.3.5).
    pub(super) fn solve(mut self, mut b: Vec<f64>) -> Option<Vec<f64>> {
        let (n, width) = (b.len(), self.width);
        for row in 0..n {
            let first = (row + 1).saturating_sub(width);
            let (upper, lower) = self.values.split_at_mut(row * width);
            // Column `c` of row `r` lies at `c + width - 1 - r` of its values.
            let current = &mut lower[..width];
            for column in first..row {
                let other = &upper[column * width..(column + 1) * width];
                let from = first.max((column + 1).saturating_sub(width));
                let known = dot(
                    &current[from + width - 1 - row..column + width - 1 - row],
                    &other[from + width - 1 - column..width - 1],
                );
                let place = column + width - 1 - row;
                current[place] = (current[place] - known) / other[width - 1];
            }
            let known = dot(&current[..width - 1], &current[..width - 1]);
            let rest = current[width - 1] - known;
            if rest.is_nan() || rest <= 0.0 {
                return None;
            }
            current[width - 1] = rest.sqrt();
            let left = &current[first + width - 1 - row..width - 1];
            b[row] = (b[row] - dot(left, &b[first..row])) / current[width - 1];
        }
        for row in (0..n).rev() {
            let first = (row + 1).saturating_sub(width);
            let line = &self.values[row * width..(row + 1) * width];
            b[row] /= line[width - 1];
            let known = b[row];
            for (b, value) in b[first..row].iter_mut().zip(&line[first + width - 1 - row..]) {
                *b -= known * value;
            }
        }
        Some(b)
    }
}

/// The scalar product, by four independent sums.
fn dot(x: &[f64], y: &[f64]) -> f64 {
    let (x, y) = (x.chunks_exact(4), y.chunks_exact(4));
    let rest: f64 = x.remainder().iter().zip(y.remainder()).map(|(x, y)| x * y).sum();
    let mut lanes = [0.0; 4];
    for (x, y) in x.zip(y) {
        for i in 0..4 {
            lanes[i] += x[i] * y[i];
        }
    }
    rest + lanes.iter().sum::<f64>()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn band(reach: usize, rows: &[&[f64]]) -> Band {
        let mut band = Band::new(rows.len(), reach);
        for (row, values) in rows.iter().enumerate() {
            for (column, value) in values.iter().enumerate() {
                if row.abs_diff(column) <= reach {
                    band.add(row, column, *value);
                }
            }
        }
        band
    }

    fn assert_solved(band: Band, b: &[f64], expected: &[f64]) {
        let found = band.solve(b.to_vec()).unwrap();
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }

    #[test]
    fn a_full_system_is_solved() {
        // A = L L^T with L = [[2, 0, 0], [1, 3, 0], [-1, 2, 1]]; x = [1, -2, 3].
        let rows: [&[f64]; 3] = [&[4.0, 2.0, -2.0], &[2.0, 10.0, 5.0], &[-2.0, 5.0, 6.0]];
        let b = [4.0 - 4.0 - 6.0, 2.0 - 20.0 + 15.0, -2.0 - 10.0 + 18.0];
        assert_solved(band(2, &rows), &b, &[1.0, -2.0, 3.0]);
    }

    #[test]
    fn a_band_is_solved_as_the_full_matrix_is() {
        // Second differences plus the identity; b is A times 1, 2, ..., 7.
        let at = |row: usize, column: usize| match row.abs_diff(column) {
            0 => 3.0,
            1 => -1.0,
            _ => 0.0,
        };
        let rows: Vec<Vec<f64>> =
            (0..7).map(|row| (0..7).map(|column| at(row, column)).collect()).collect();
        let expected: Vec<f64> = (1..8).map(f64::from).collect();
        let times = |row: &Vec<f64>| row.iter().zip(&expected).map(|(a, x)| a * x).sum::<f64>();
        let b: Vec<f64> = rows.iter().map(times).collect();
        let rows: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
        for reach in [1, 2, 6] {
            assert_solved(band(reach, &rows), &b, &expected);
        }
    }

    #[test]
    fn a_singular_system_is_refused() {
        assert_eq!(band(1, &[&[1.0, 1.0], &[1.0, 1.0]]).solve(vec![1.0, 1.0]), None);
        assert_eq!(band(0, &[&[f64::NAN]]).solve(vec![1.0]), None);
    }
}

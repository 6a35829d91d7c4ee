/// Solves `A x = b` for a symmetric positive definite `A` of `b.len()` rows (row by row, lower
/// triangle read), in place: `b` becomes `x`. `false` when `A` is not positive definite.
///
/// Cholesky's method (Golub & Van Loan, Matrix Computations, algorithm 4.2.1); what lies left of the
/// first value of a row stays 0 and is skipped.
pub(super) fn solve(a: &mut [f64], b: &mut [f64]) -> bool {
    let n = b.len();
    let starts: Vec<usize> = (0..n)
        .map(|row| a[row * n..row * n + row].iter().take_while(|value| **value == 0.0).count())
        .collect();
    for row in 0..n {
        for column in starts[row]..=row {
            let from = starts[row].max(starts[column]);
            let (upper, lower) = a.split_at_mut(row * n);
            let current = &mut lower[..n];
            if column == row {
                let rest = current[row] - dot(&current[from..row], &current[from..row]);
                if rest.is_nan() || rest <= 0.0 {
                    return false;
                }
                current[row] = rest.sqrt();
            } else {
                let other = &upper[column * n..column * n + n];
                let rest = current[column]
                    - dot(&current[from.min(column)..column], &other[from.min(column)..column]);
                current[column] = rest / other[column];
            }
        }
    }
    for row in 0..n {
        let known: f64 = (starts[row]..row).map(|k| a[row * n + k] * b[k]).sum();
        b[row] = (b[row] - known) / a[row * n + row];
    }
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|k| a[k * n + row] * b[k]).sum();
        b[row] = (b[row] - known) / a[row * n + row];
    }
    true
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
mod tests {
    use super::*;

    #[test]
    fn a_known_system_is_solved() {
        // A = L L^T with L = [[2, 0, 0], [1, 3, 0], [-1, 2, 1]]; x = [1, -2, 3].
        let mut a = vec![4.0, 2.0, -2.0, 2.0, 10.0, 5.0, -2.0, 5.0, 6.0];
        let mut b = vec![4.0 - 4.0 - 6.0, 2.0 - 20.0 + 15.0, -2.0 - 10.0 + 18.0];
        assert!(solve(&mut a, &mut b));
        for (found, expected) in b.iter().zip([1.0, -2.0, 3.0]) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }

    #[test]
    fn a_singular_system_is_refused() {
        assert!(!solve(&mut [1.0, 1.0, 1.0, 1.0], &mut [1.0, 1.0]));
        assert!(!solve(&mut [f64::NAN], &mut [1.0]));
    }
}

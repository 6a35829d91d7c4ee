/// One embedding as a model projects it: not normalised, all values finite, at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding(Vec<f32>);

impl Embedding {
    /// Wraps projected values; `None` when there is none or one is NaN or infinite.
    pub fn new(values: Vec<f32>) -> Option<Self> {
        let usable = !values.is_empty() && values.iter().all(|value| value.is_finite());
        usable.then_some(Self(values))
    }

    /// The raw projected values.
    pub fn values(&self) -> &[f32] {
        &self.0
    }

    /// The raw projected values.
    pub fn into_values(self) -> Vec<f32> {
        self.0
    }

    /// Divided by its Euclidean length; zeros when that is zero.
    pub fn unit(&self) -> Vec<f32> {
        let length = self.0.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
        if length == 0.0 {
            return vec![0.0; self.0.len()];
        }
        self.0.iter().map(|&value| (f64::from(value) / length) as f32).collect()
    }
}

/// The cosine of the angle between two vectors of equal length, 0 when either is zero; summed in
/// f64.
pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    };
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths == 0.0 { 0.0 } else { dot(a, b) / lengths }
}

/// The largest difference between two vectors as a share of the largest value of `expected`.
pub fn relative_error(found: &[f32], expected: &[f32]) -> f64 {
    let largest = expected.iter().fold(0.0, |largest: f64, &v| largest.max(f64::from(v).abs()));
    let error = found
        .iter()
        .zip(expected)
        .fold(0.0, |error: f64, (&a, &b)| error.max((f64::from(a) - f64::from(b)).abs()));
    if largest == 0.0 { error } else { error / largest }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_not_finite_are_no_embedding() {
        assert!(Embedding::new(vec![]).is_none());
        assert!(Embedding::new(vec![1.0, f32::NAN]).is_none());
        assert!(Embedding::new(vec![f32::NEG_INFINITY]).is_none());
    }

    #[test]
    fn the_unit_vector_has_length_one_even_near_the_ends_of_the_range() {
        for scale in [1e-30, 1.0, 1e30] {
            let unit = Embedding::new(vec![3.0 * scale, -4.0 * scale]).unwrap().unit();
            assert!((unit[0] - 0.6).abs() < 1e-6 && (unit[1] + 0.8).abs() < 1e-6, "{unit:?}");
        }
        assert_eq!(Embedding::new(vec![0.0, 0.0]).unwrap().unit(), [0.0, 0.0]);
    }

    #[test]
    fn opposite_vectors_have_cosine_minus_one_and_zero_has_none() {
        assert_eq!(cosine(&[1.0, 2.0], &[-2.0, -4.0]), -1.0);
        assert_eq!(cosine(&[1.0, 2.0], &[0.0, 0.0]), 0.0);
        assert_eq!(relative_error(&[1.0, 2.5], &[1.0, -5.0]), 1.5);
    }
}

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

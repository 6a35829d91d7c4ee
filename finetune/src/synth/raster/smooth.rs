use crate::dice::Dice;

/// A random field that varies smoothly: normal values on a coarse grid, bilinear between them.
#[derive(Debug, Clone)]
pub(crate) struct SmoothField {
    columns: usize,
    step: f32,
    values: Vec<f32>,
}

impl SmoothField {
    /// Covers `size` pixels each way with grid points `step` pixels apart and the given deviation.
    pub(crate) fn new(dice: &mut Dice, size: usize, step: f32, deviation: f32) -> Self {
        let columns = (size as f32 / step) as usize + 2;
        let values = (0..columns * columns).map(|_| dice.normal(deviation)).collect();
        Self { columns, step, values }
    }

    /// The value at a point inside the size given.
    pub(crate) fn at(&self, x: f32, y: f32) -> f32 {
        let (gx, gy) = ((x / self.step).max(0.0), (y / self.step).max(0.0));
        let (column, row) =
            ((gx as usize).min(self.columns - 2), (gy as usize).min(self.columns - 2));
        let (fx, fy) = ((gx - column as f32).min(1.0), (gy - row as f32).min(1.0));
        let start = row * self.columns + column;
        let above = &self.values[start..start + 2];
        let below = &self.values[start + self.columns..start + self.columns + 2];
        let top = above[0] + (above[1] - above[0]) * fx;
        let bottom = below[0] + (below[1] - below[0]) * fx;
        top + (bottom - top) * fy
    }
}

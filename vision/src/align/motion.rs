use super::LocalShifts;

/// Where a point of the reference lies in the test frame, in pixels of level 0.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Motion {
    pub(super) similarity: Similarity,
    pub(super) local: Option<LocalShifts>,
    /// Columns and rows of the reference, the field's extent.
    pub(super) size: [usize; 2],
}

/// `c + shift + [[a, -b], [b, a]] (p - c)`, `a = scale * cos`, `b = scale * sin`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Similarity {
    pub(super) centre: [f64; 2],
    pub(super) shift: [f64; 2],
    pub(super) a: f64,
    pub(super) b: f64,
}

impl Similarity {
    pub(super) fn identity(size: [usize; 2]) -> Self {
        let centre = size.map(|side| (side as f64 - 1.0) / 2.0);
        Self { centre, shift: [0.0; 2], a: 1.0, b: 0.0 }
    }

    pub(super) fn apply(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [cx, cy] = self.centre;
        let (x, y) = (x - cx, y - cy);
        [cx + self.shift[0] + self.a * x - self.b * y, cy + self.shift[1] + self.b * x + self.a * y]
    }

    pub(super) fn shifted(&self, by: [f64; 2]) -> Self {
        Self { shift: [self.shift[0] + by[0], self.shift[1] + by[1]], ..*self }
    }

    pub(super) fn scale(&self) -> f64 {
        self.a.hypot(self.b)
    }

    pub(super) fn rotation_deg(&self) -> f64 {
        self.b.atan2(self.a).to_degrees()
    }
}

impl Motion {
    pub(super) fn new(similarity: Similarity, size: [usize; 2]) -> Self {
        Self { similarity, local: None, size }
    }

    pub(super) fn apply(&self, point: [f64; 2]) -> [f64; 2] {
        let [x, y] = self.similarity.apply(point);
        match &self.local {
            None => [x, y],
            Some(local) => {
                let [dx, dy] = local.at(point, self.size);
                [x + dx, y + dy]
            }
        }
    }

    /// Displacements that bound all others: at the corners of the reference and, with a local
    /// field, at each of its nodes.
    pub(super) fn extremes(&self) -> Vec<[f64; 2]> {
        let (columns, rows) = match &self.local {
            None => (2, 2),
            Some(local) => (local.columns, local.rows),
        };
        let mut all = Vec::with_capacity(columns * rows);
        for row in 0..rows {
            for column in 0..columns {
                let point = node([column, row], [columns, rows], self.size);
                let [x, y] = self.apply(point);
                all.push([x - point[0], y - point[1]]);
            }
        }
        all
    }
}

impl LocalShifts {
    /// The shift at a point of a reference of `size`, linear between the nodes and held constant
    /// outside.
    pub(super) fn at(&self, point: [f64; 2], size: [usize; 2]) -> [f64; 2] {
        let (mut x, mut y) = (0.0, 0.0);
        for (node, weight) in self.weights(point, size) {
            x += weight * f64::from(self.nodes_px[node][0]);
            y += weight * f64::from(self.nodes_px[node][1]);
        }
        [x, y]
    }

    /// The four nodes around a point and their bilinear weights.
    pub(super) fn weights(&self, [x, y]: [f64; 2], size: [usize; 2]) -> [(usize, f64); 4] {
        let (column, fx) = cell(x, self.columns, size[0]);
        let (row, fy) = cell(y, self.rows, size[1]);
        let node = row * self.columns + column;
        [
            (node, (1.0 - fx) * (1.0 - fy)),
            (node + 1, fx * (1.0 - fy)),
            (node + self.columns, (1.0 - fx) * fy),
            (node + self.columns + 1, fx * fy),
        ]
    }
}

/// The node before a coordinate, never the last one, and how far it lies towards the next.
fn cell(coordinate: f64, nodes: usize, side: usize) -> (usize, f64) {
    let last = (nodes - 1) as f64;
    let position = (coordinate * last / (side as f64 - 1.0)).clamp(0.0, last);
    let before = (position as usize).min(nodes - 2);
    (before, position - before as f64)
}

fn node(index: [usize; 2], nodes: [usize; 2], size: [usize; 2]) -> [f64; 2] {
    let along = |i: usize| index[i] as f64 * (size[i] as f64 - 1.0) / (nodes[i] as f64 - 1.0);
    [along(0), along(1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_positive_rotation_turns_right_to_down() {
        let turn = Similarity { a: 0.0, b: 1.0, ..Similarity::identity([11, 11]) };
        assert_eq!(turn.apply([10.0, 5.0]), [5.0, 10.0]);
        assert_eq!(turn.rotation_deg(), 90.0);
    }

    #[test]
    fn the_field_is_exact_at_nodes_and_linear_between() {
        let nodes_px = vec![[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [1.0, 2.0]];
        let local = LocalShifts { columns: 2, rows: 2, nodes_px };
        assert_eq!(local.at([9.0, 19.0], [10, 20]), [1.0, 2.0]);
        assert_eq!(local.at([4.5, 9.5], [10, 20]), [0.5, 1.0]);
        assert_eq!(local.at([-5.0, 100.0], [10, 20]), [0.0, 2.0]);
    }
}

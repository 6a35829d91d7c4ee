/// Tenths of a pixel up to which widths are told apart.
const WIDEST: usize = 400;
/// Fewer edges than this have no median.
const LEAST_EDGES: u32 = 8;

/// Widths of the strong edges along lines of pixels.
pub(super) struct EdgeWidths {
    /// Least rise of an edge, in grey levels.
    least: i32,
    /// Least return of brightness that ends a rise, in grey levels.
    turn: i32,
    /// Edges by width, in tenths of a pixel.
    counts: Vec<u32>,
}

impl EdgeWidths {
    pub(super) fn new(least: i32, turn: i32) -> Self {
        Self { least, turn, counts: vec![0; WIDEST + 1] }
    }

    /// Adds the edges along one line: its rises and falls from turn to turn.
    pub(super) fn add(&mut self, line: impl Iterator<Item = u8>) {
        let mut values = line.map(i32::from);
        let Some(first) = values.next() else { return };
        let mut last = first;
        // The current rise (sign 1) or fall (-1): where it began, how far it got, steepest step.
        let (mut sign, mut start, mut extreme, mut steepest) = (1, first, first, 0);
        // The steepest step against it since the extreme: belongs to the next one.
        let mut against = 0;
        for value in values {
            let step = sign * (value - last);
            last = value;
            if sign * (value - extreme) >= 0 {
                steepest = steepest.max(step);
                (extreme, against) = (value, 0);
                continue;
            }
            against = against.max(-step);
            if sign * (extreme - value) >= self.turn {
                self.count((extreme - start).abs(), steepest);
                (sign, start, extreme) = (-sign, extreme, value);
                (steepest, against) = (against, 0);
            }
        }
        self.count((extreme - start).abs(), steepest);
    }

    /// The median width in pixels, none when there are hardly any edges.
    pub(super) fn median(&self) -> Option<f32> {
        let total: u32 = self.counts.iter().sum();
        if total < LEAST_EDGES {
            return None;
        }
        let mut below = 0;
        let median = self.counts.iter().position(|count| {
            below += count;
            2 * below >= total
        });
        median.map(|tenths| tenths as f32 / 10.0)
    }

    fn count(&mut self, rise: i32, steepest: i32) {
        if rise >= self.least && steepest > 0 {
            let tenths = (10 * rise + steepest / 2) / steepest;
            self.counts[(tenths as usize).min(WIDEST)] += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn median(line: &[u8]) -> Option<f32> {
        let mut widths = EdgeWidths::new(50, 4);
        (0..LEAST_EDGES).for_each(|_| widths.add(line.iter().copied()));
        widths.median()
    }

    #[test]
    fn a_step_is_one_pixel_wide_and_a_ramp_its_length() {
        assert_eq!(median(&[10, 10, 200, 200]), Some(1.0));
        assert_eq!(median(&[200, 201, 200, 150, 100, 50, 0, 1, 0]), Some(4.0));
        assert_eq!(median(&[10, 12, 10, 12, 10]), None);
    }

    #[test]
    fn fine_lines_are_edges_of_their_own() {
        assert_eq!(median(&[0, 100, 200, 100, 0, 100, 200]), Some(2.0));
    }
}

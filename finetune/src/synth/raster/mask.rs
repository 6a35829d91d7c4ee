/// A binary picture; true is inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mask {
    width: usize,
    bits: Vec<bool>,
}

impl Mask {
    /// From rows of `width` pixels.
    pub(crate) fn new(width: usize, bits: Vec<bool>) -> Self {
        Self { width, bits }
    }

    /// Columns.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub(crate) fn height(&self) -> usize {
        self.bits.len() / self.width
    }

    /// Row by row.
    pub(crate) fn bits(&self) -> &[bool] {
        &self.bits
    }

    /// Whether a pixel is inside; beyond the edges the nearest pixel counts.
    pub(crate) fn at(&self, x: i32, y: i32) -> bool {
        let x = x.clamp(0, self.width as i32 - 1) as usize;
        let y = y.clamp(0, self.height() as i32 - 1) as usize;
        self.bits[y * self.width + x]
    }

    /// Sets a pixel; those beyond the edges are ignored.
    pub(crate) fn set(&mut self, x: i32, y: i32, value: bool) {
        if (0..self.width as i32).contains(&x) && (0..self.height() as i32).contains(&y) {
            self.bits[y as usize * self.width + x as usize] = value;
        }
    }

    /// The part between two corners, cut at the edges; right and bottom do not belong to it.
    pub(crate) fn window(&self, (left, top): (i32, i32), (right, bottom): (i32, i32)) -> Self {
        let columns = left.max(0) as usize..(right.max(1) as usize).min(self.width);
        let rows = top.max(0) as usize..(bottom.max(1) as usize).min(self.height());
        let width = columns.len();
        let bits = rows
            .flat_map(|y| &self.bits[y * self.width..(y + 1) * self.width][columns.clone()])
            .copied()
            .collect();
        Self { width, bits }
    }

    /// How many connected parts of at least `least` pixels have this value.
    ///
    /// The inside is connected over corners as well, the outside is not.
    pub(crate) fn parts(&self, value: bool, least: usize) -> usize {
        let mut seen: Vec<bool> = self.bits.iter().map(|bit| *bit != value).collect();
        let mut open = Vec::new();
        let mut parts = 0;
        for start in 0..seen.len() {
            if seen[start] {
                continue;
            }
            seen[start] = true;
            open.push(start);
            let mut size = 0;
            while let Some(place) = open.pop() {
                size += 1;
                self.visit_neighbours(place, value, |next| {
                    if !seen[next] {
                        seen[next] = true;
                        open.push(next);
                    }
                });
            }
            parts += usize::from(size >= least);
        }
        parts
    }

    fn visit_neighbours(&self, place: usize, corners: bool, mut visit: impl FnMut(usize)) {
        let (x, y) = (place % self.width, place / self.width);
        let (right, bottom) = (x + 1 < self.width, y + 1 < self.height());
        let up = place.wrapping_sub(self.width);
        let down = place + self.width;
        let sides =
            [(x > 0, place.wrapping_sub(1)), (right, place + 1), (y > 0, up), (bottom, down)];
        sides.into_iter().filter(|side| side.0).for_each(|side| visit(side.1));
        if corners {
            let diagonal = [
                (x > 0 && y > 0, up.wrapping_sub(1)),
                (right && y > 0, up.wrapping_add(1)),
                (x > 0 && bottom, down.wrapping_sub(1)),
                (right && bottom, down + 1),
            ];
            diagonal.into_iter().filter(|side| side.0).for_each(|side| visit(side.1));
        }
    }
}

#[cfg(test)]
impl Mask {
    /// Pixels inside.
    pub(crate) fn count(&self) -> usize {
        self.bits.iter().filter(|bit| **bit).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(rows: &[&str]) -> Mask {
        let bits = rows.iter().flat_map(|row| row.chars().map(|pixel| pixel == '#')).collect();
        Mask::new(rows[0].len(), bits)
    }

    #[test]
    fn corners_connect_the_inside_only() {
        let mask = drawn(&["##..", "##..", "..##", "..##"]);
        assert_eq!(mask.parts(true, 1), 1);
        assert_eq!(mask.parts(false, 1), 2);
    }

    #[test]
    fn small_parts_are_not_counted() {
        let mask = drawn(&["###.", "....", "#..#"]);
        assert_eq!((mask.parts(true, 1), mask.parts(true, 2), mask.parts(false, 1)), (3, 1, 1));
    }

    #[test]
    fn windows_are_cut_at_the_edges() {
        let mask = drawn(&["#..", "...", "..#"]);
        assert_eq!(mask.window((-3, -3), (2, 9)), drawn(&["#.", "..", ".."]));
    }
}

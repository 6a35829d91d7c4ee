use super::difference::Difference;
use crate::frame::Rect;

/// Most frames are equal almost everywhere: so many pixels are skipped at a time.
const CHUNK: usize = 64;

/// Changed pixels that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Component {
    /// Around all its pixels, the grown ones included.
    pub(super) bounds: Rect,
    /// Pixels beyond the tolerance.
    pub(super) area: u32,
    /// Sum of their excess, in grey levels.
    pub(super) excess: u64,
}

/// Makes raw differences within `distance` of a pixel beyond its tolerance part of the change, as
/// far as they are connected to it: they belong to it, and the tolerance hid them.
pub(super) fn grow(difference: &mut Difference, distance: usize) {
    let Difference { width, height, pixels } = difference;
    let mut front = Vec::new();
    for (index, chunk) in pixels.chunks(CHUNK).enumerate().filter(|(_, chunk)| !is_zero(chunk)) {
        let changed = chunk.iter().enumerate().filter(|(_, value)| **value >= Difference::CHANGED);
        front.extend(changed.map(|(offset, _)| index * CHUNK + offset));
    }
    for _ in 0..distance {
        let mut next = Vec::new();
        for place in front {
            let (x, y) = (place % *width, place / *width);
            let columns = x.saturating_sub(1)..(x + 2).min(*width);
            for y in y.saturating_sub(1)..(y + 2).min(*height) {
                let row = y * *width;
                for (x, pixel) in columns.clone().zip(&mut pixels[row..][columns.clone()]) {
                    if *pixel == Difference::TOLERATED {
                        *pixel = Difference::GROWN;
                        next.push(row + x);
                    }
                }
            }
        }
        front = next;
    }
}

/// The components of all changed and grown pixels; pixels with at most `gap` equal ones between them
/// belong to one, in the order of their first rows.
pub(super) fn components(difference: &Difference, gap: usize) -> Vec<Component> {
    let (runs, row_starts) = runs(difference);
    let mut sets = Sets::new(runs.len());
    for y in 0..difference.height {
        let row = row_starts[y]..row_starts[y + 1];
        for pair in row.clone().skip(1) {
            if runs[pair].start <= runs[pair - 1].end + gap {
                sets.join(pair - 1, pair);
            }
        }
        if !row.is_empty() {
            for above in y.saturating_sub(gap + 1)..y {
                let above = row_starts[above]..row_starts[above + 1];
                join_rows(&runs, (above, row.clone()), gap, &mut sets);
            }
        }
    }
    collect(&runs, &mut sets)
}

/// Pixels of one row without a gap; `end` is exclusive.
#[derive(Debug, Clone, Copy)]
struct Run {
    y: usize,
    start: usize,
    end: usize,
    area: u32,
    excess: u64,
}

/// All runs, row by row, and where each row starts among them.
fn runs(difference: &Difference) -> (Vec<Run>, Vec<usize>) {
    let mut runs: Vec<Run> = Vec::new();
    let mut row_starts = Vec::with_capacity(difference.height + 1);
    for (y, row) in difference.pixels.chunks(difference.width).enumerate() {
        let first = runs.len();
        row_starts.push(first);
        for (index, chunk) in row.chunks(CHUNK).enumerate().filter(|(_, chunk)| !is_zero(chunk)) {
            for (x, &value) in
                (index * CHUNK..).zip(chunk).filter(|(_, value)| **value >= Difference::GROWN)
            {
                if runs.len() == first || runs.last().is_none_or(|run| run.end != x) {
                    runs.push(Run { y, start: x, end: x, area: 0, excess: 0 });
                }
                if let Some(run) = runs.last_mut() {
                    run.end = x + 1;
                    let changed = value >= Difference::CHANGED;
                    run.area += u32::from(changed);
                    run.excess += u64::from(value) * u64::from(changed);
                }
            }
        }
    }
    row_starts.push(runs.len());
    (runs, row_starts)
}

fn join_rows(
    runs: &[Run],
    (above, row): (std::ops::Range<usize>, std::ops::Range<usize>),
    gap: usize,
    sets: &mut Sets,
) {
    let mut first = above.start;
    for index in row {
        let run = runs[index];
        while first < above.end && runs[first].end + gap < run.start {
            first += 1;
        }
        let near = (first..above.end).take_while(|&near| runs[near].start <= run.end + gap);
        for near in near {
            sets.join(near, index);
        }
    }
}

fn collect(runs: &[Run], sets: &mut Sets) -> Vec<Component> {
    let mut components: Vec<Component> = Vec::new();
    let mut component_of = vec![usize::MAX; runs.len()];
    for (index, run) in runs.iter().enumerate() {
        let bounds =
            Rect::from_corners(run.start as u32, run.y as u32, run.end as u32, run.y as u32 + 1);
        let root = sets.root(index);
        if component_of[root] == usize::MAX {
            component_of[root] = components.len();
            components.push(Component { bounds, area: 0, excess: 0 });
        }
        let component = &mut components[component_of[root]];
        component.bounds = component.bounds.union(&bounds);
        component.area += run.area;
        component.excess += run.excess;
    }
    components
}

fn is_zero(values: &[u8]) -> bool {
    values.iter().fold(0, |all, value| all | value) == 0
}

/// Disjoint sets with path halving; the smaller index leads, so that the result does not depend on
/// the order of joins.
struct Sets {
    parents: Vec<usize>,
}

impl Sets {
    fn new(count: usize) -> Self {
        Self { parents: (0..count).collect() }
    }

    fn root(&mut self, mut index: usize) -> usize {
        while self.parents[index] != index {
            self.parents[index] = self.parents[self.parents[index]];
            index = self.parents[index];
        }
        index
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parents[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of a picture: `.` equal, `t` tolerated, `#` changed by 5 grey levels.
    fn picture(rows: &[&str]) -> Difference {
        let value = |place: u8| match place {
            b'#' => 5,
            b't' => Difference::TOLERATED,
            _ => Difference::EQUAL,
        };
        let pixels = rows.iter().flat_map(|row| row.bytes().map(value)).collect();
        Difference { width: rows[0].len(), height: rows.len(), pixels }
    }

    fn bounds(difference: &Difference, gap: usize) -> Vec<[u32; 4]> {
        components(difference, gap).iter().map(|found| found.bounds.into()).collect()
    }

    #[test]
    fn pixels_that_touch_at_a_corner_are_one_component() {
        let found = components(&picture(&["#...", ".#..", "..#.", "#..."]), 0);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], Component { bounds: Rect::new(0, 0, 3, 3), area: 3, excess: 15 });
        assert_eq!(found[1].bounds, Rect::new(0, 3, 1, 1));
    }

    #[test]
    fn branches_that_meet_below_are_one_component() {
        let comb = picture(&["#.#.#", "#.#.#", "#####"]);
        assert_eq!(bounds(&comb, 0), [[0, 0, 5, 3]]);
    }

    #[test]
    fn a_gap_is_counted_in_equal_pixels_in_every_direction() {
        for rows in [&["#..#"][..], &["#", ".", ".", "#"], &["#...", "....", "....", "...#"]] {
            let difference = picture(rows);
            assert_eq!(bounds(&difference, 1).len(), 2, "{rows:?}");
            assert_eq!(bounds(&difference, 2).len(), 1, "{rows:?}");
        }
    }

    #[test]
    fn gaps_join_the_same_pixels_as_a_search_from_every_pixel() {
        let (width, height) = (37, 29);
        for seed in 0..20_u32 {
            let noise = |place: u32| (place + seed * 7919).wrapping_mul(2_654_435_769) >> 24;
            let pixels: Vec<u8> =
                (0..width * height).map(|place| if noise(place) < 12 { 9 } else { 0 }).collect();
            let difference = Difference { width: 37, height: 29, pixels };
            for gap in [0, 1, 3] {
                assert_eq!(
                    components(&difference, gap),
                    searched(&difference, gap),
                    "{seed} {gap}"
                );
            }
        }
    }

    /// The oracle: joins pixel by pixel whatever is near enough until nothing changes.
    fn searched(difference: &Difference, gap: usize) -> Vec<Component> {
        let places: Vec<usize> =
            (0..difference.pixels.len()).filter(|&place| difference.pixels[place] > 1).collect();
        let mut names: Vec<usize> = places.clone();
        let at = |place: usize| (place % difference.width, place / difference.width);
        let near = |a: usize, b: usize| {
            let ((ax, ay), (bx, by)) = (at(a), at(b));
            ax.abs_diff(bx).max(ay.abs_diff(by)) <= gap + 1
        };
        loop {
            let before = names.clone();
            for a in 0..places.len() {
                for b in 0..places.len() {
                    if near(places[a], places[b]) {
                        names[a] = names[a].min(names[b]);
                    }
                }
            }
            if names == before {
                break;
            }
        }
        let mut leaders = names.clone();
        leaders.sort_unstable();
        leaders.dedup();
        let component = |leader: &usize| {
            let members = places.iter().zip(&names).filter(|(_, name)| *name == leader);
            let mut found = Component { bounds: Rect::new(0, 0, 0, 0), area: 0, excess: 0 };
            for (index, (&place, _)) in members.enumerate() {
                let pixel = Rect::new(at(place).0 as u32, at(place).1 as u32, 1, 1);
                found.bounds = if index == 0 { pixel } else { found.bounds.union(&pixel) };
                found.area += 1;
                found.excess += u64::from(difference.pixels[place]);
            }
            found
        };
        leaders.iter().map(component).collect()
    }

    #[test]
    fn growth_takes_connected_tolerated_pixels_within_its_distance() {
        let mut difference = picture(&["ttt#ttttt", "t........", "t........"]);
        grow(&mut difference, 3);
        assert_eq!(bounds(&difference, 0), [[0, 0, 7, 2]]);
        let found = components(&difference, 0);
        assert_eq!((found[0].area, found[0].excess), (1, 5), "growth adds no evidence");
    }

    #[test]
    fn tolerated_pixels_alone_are_no_component() {
        assert!(components(&picture(&["ttt", "ttt"]), 3).is_empty());
    }
}

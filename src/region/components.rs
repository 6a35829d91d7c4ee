use super::difference::Difference;
use crate::frame::Rect;

/// Excess of a pixel that only growth has added.
const GROWN: u8 = 1;
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
    let Difference { width, height, excess, raw } = difference;
    let (width, height) = (*width, *height);
    let mut front = Vec::new();
    for (index, chunk) in excess.chunks(CHUNK).enumerate().filter(|(_, chunk)| !is_zero(chunk)) {
        let changed = chunk.iter().enumerate().filter(|(_, value)| **value > GROWN);
        front.extend(changed.map(|(offset, _)| index * CHUNK + offset));
    }
    for _ in 0..distance {
        let mut next = Vec::new();
        for place in front {
            let (x, y) = (place % width, place / width);
            for y in y.saturating_sub(1)..(y + 2).min(height) {
                for near in y * width + x.saturating_sub(1)..y * width + (x + 2).min(width) {
                    if excess[near] == 0 && raw[near] > 0 {
                        excess[near] = GROWN;
                        next.push(near);
                    }
                }
            }
        }
        front = next;
    }
}

/// The components of all pixels with excess; pixels with at most `gap` equal ones between them
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
    for (y, row) in difference.excess.chunks(difference.width).enumerate() {
        let first = runs.len();
        row_starts.push(first);
        for (index, chunk) in row.chunks(CHUNK).enumerate().filter(|(_, chunk)| !is_zero(chunk)) {
            for (x, &value) in (index * CHUNK..).zip(chunk).filter(|(_, value)| **value > 0) {
                if runs.len() == first || runs.last().is_none_or(|run| run.end != x) {
                    runs.push(Run { y, start: x, end: x, area: 0, excess: 0 });
                }
                if let Some(run) = runs.last_mut() {
                    run.end = x + 1;
                    run.area += u32::from(value > GROWN);
                    run.excess += if value > GROWN { value.into() } else { 0 };
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

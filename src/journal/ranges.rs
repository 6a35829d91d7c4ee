/// A set of numbers, kept as sorted closed ranges with at least one number between any two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// Adds all numbers from `first` to `last`.
    pub(super) fn insert(&mut self, first: u64, last: u64) {
        if first > last {
            return;
        }
        let start = self.0.partition_point(|range| range.1.saturating_add(1) < first);
        let touching = |range: &&(u64, u64)| range.0 <= last.saturating_add(1);
        let end = start + self.0[start..].iter().take_while(touching).count();
        let merged = match &self.0[start..end] {
            [] => (first, last),
            [one] => (first.min(one.0), last.max(one.1)),
            [low, .., high] => (first.min(low.0), last.max(high.1)),
        };
        self.0.splice(start..end, [merged]);
    }

    pub(super) fn contains(&self, number: u64) -> bool {
        let at = self.0.partition_point(|range| range.1 < number);
        self.0.get(at).is_some_and(|range| range.0 <= number)
    }

    /// The first number from `from` on that is not in the set.
    pub(super) fn first_hole(&self, from: u64) -> u64 {
        let at = self.0.partition_point(|range| range.1 < from);
        match self.0.get(at) {
            Some(range) if range.0 <= from => range.1.saturating_add(1),
            _ => from,
        }
    }

    /// The numbers in `from..below` that are not in the set.
    pub(super) fn holes(&self, from: u64, below: u64) -> impl Iterator<Item = u64> {
        let mut next = from;
        std::iter::from_fn(move || {
            let hole = self.first_hole(next);
            next = hole.saturating_add(1);
            (hole < below).then_some(hole)
        })
    }

    /// Leaves out all numbers below `floor`.
    pub(super) fn forget_below(&mut self, floor: u64) {
        self.0.retain(|range| range.1 >= floor);
        if let Some(first) = self.0.first_mut() {
            first.0 = first.0.max(floor);
        }
    }

    /// Joins the last two ranges with all between them while there are more than `most`.
    pub(super) fn coarsen(&mut self, most: usize) {
        while self.0.len() > most.max(1) {
            let Some((_, last)) = self.0.pop() else { return };
            if let Some(range) = self.0.last_mut() {
                range.1 = last;
            }
        }
    }

    /// How many ranges there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter().copied()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ranges_hold_what_a_plain_set_holds() {
        let (mut ranges, mut plain) = (Ranges::default(), BTreeSet::new());
        let mut seed = 1u64;
        for _ in 0..500 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (first, length) = (seed >> 33 & 255, seed >> 50 & 3);
            ranges.insert(first, first + length);
            plain.extend(first..=first + length);
            let all: BTreeSet<u64> = (0..300).filter(|it| ranges.contains(*it)).collect();
            assert_eq!(all, plain);
            let holes: Vec<u64> = ranges.holes(10, 200).collect();
            assert_eq!(holes, (10..200).filter(|it| !plain.contains(it)).collect::<Vec<_>>());
            let is_apart = ranges.0.windows(2).all(|two| two[0].1 + 1 < two[1].0);
            assert!(is_apart, "{ranges:?}");
        }
    }

    #[test]
    fn coarsening_loses_no_number() {
        let mut ranges = Ranges::default();
        (0..100).for_each(|index| ranges.insert(3 * index, 3 * index));
        ranges.coarsen(8);
        assert_eq!(ranges.len(), 8);
        assert!((0..100).all(|index| ranges.contains(3 * index)));
        assert!(!ranges.contains(1) && !ranges.contains(298));
    }

    #[test]
    fn forgetting_cuts_a_range_in_two() {
        let mut ranges = Ranges::default();
        ranges.insert(1, 9);
        ranges.forget_below(5);
        assert_eq!(ranges.iter().collect::<Vec<_>>(), [(5, 9)]);
    }
}

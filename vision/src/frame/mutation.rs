//! Seeded damage to files, for the tests of every reader: no input may panic or allocate without
//! bound.
//!
//! 2,000 mutations a reader; `PAIRSPEC_MUTATIONS` asks for another number.

/// Copies of `original`, each damaged once to four times.
pub(crate) fn mutations(original: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let count = std::env::var("PAIRSPEC_MUTATIONS").ok().and_then(|count| count.parse().ok());
    (0..count.unwrap_or(2_000)).map(|seed| {
        let mut random = SplitMix(seed);
        let mut bytes = original.to_vec();
        for _ in 0..=random.below(4) {
            damage(&mut bytes, &mut random);
        }
        bytes
    })
}

/// Beginnings of `original`: every one near both ends, and about 400 between.
pub(crate) fn cuts(original: &[u8]) -> impl Iterator<Item = &[u8]> {
    let len = original.len();
    let step = (len / 400).max(1);
    let ends = (0..len.min(300)).chain(len.saturating_sub(64)..len);
    ends.chain((0..len).step_by(step)).map(move |end| &original[..end])
}

fn damage(bytes: &mut Vec<u8>, random: &mut SplitMix) {
    if bytes.is_empty() {
        return;
    }
    let at = random.below(bytes.len());
    let end = (at + 1 + random.below(16)).min(bytes.len());
    match random.below(8) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.below(256) as u8,
        2 => bytes[at] = [0, 0xff, b'0', b'9', b'-', b'"', b'{', b'}'][random.below(8)],
        3 => bytes.truncate(at),
        4 => drop(bytes.drain(at..end)),
        5 => {
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        6 => bytes[at..end].fill(random.below(256) as u8),
        _ => {
            let other = random.below(bytes.len());
            bytes.swap(at, other);
        }
    }
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) % bound as u64) as usize
    }
}

use super::format::Samples;

impl Samples {
    /// Reads one sample for each value of `out`, 16 bits wide, from the start of a row.
    ///
    /// The row holds at least what [`ImageLayout::check`](super::ImageLayout::check) asks for;
    /// where it does not, the rest of `out` stays. Triples and JPEG have no single samples.
    pub(super) fn read(self, row: &[u8], out: &mut [u16]) {
        match self {
            Self::Bytes { first, step } => {
                let bytes = row.iter().skip(usize::from(first)).step_by(usize::from(step));
                out.iter_mut().zip(bytes).for_each(|(out, byte)| *out = u16::from(*byte));
            }
            Self::Words { .. } => {
                let words = row.as_chunks().0.iter();
                out.iter_mut().zip(words).for_each(|(out, word)| *out = u16::from_le_bytes(*word));
            }
            Self::Mipi10 => {
                out.chunks_mut(4).zip(row.as_chunks().0).for_each(|(out, group)| mipi10(group, out))
            }
            Self::Mipi12 => {
                out.chunks_mut(2).zip(row.as_chunks().0).for_each(|(out, group)| mipi12(group, out))
            }
            Self::Triples(_) | Self::Jpeg => {}
        }
    }
}

fn mipi10(group: &[u8; 5], out: &mut [u16]) {
    let low = u16::from(group[4]);
    for (index, (out, high)) in out.iter_mut().zip(group).enumerate() {
        *out = u16::from(*high) << 2 | (low >> (2 * index)) & 0b11;
    }
}

fn mipi12(group: &[u8; 3], out: &mut [u16]) {
    let low = u16::from(group[2]);
    for (index, (out, high)) in out.iter_mut().zip(group).enumerate() {
        *out = u16::from(*high) << 4 | (low >> (4 * index)) & 0b1111;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<const N: usize>(samples: Samples, row: &[u8]) -> [u16; N] {
        let mut out = [0; N];
        samples.read(row, &mut out);
        out
    }

    #[test]
    fn raw10_takes_its_low_bits_from_the_fifth_byte_upwards() {
        // pixfmt-y10p: Y03[1:0] in bits 7-6, Y02 in 5-4, Y01 in 3-2, Y00 in 1-0.
        let group = [0x80, 0x40, 0xff, 0x00, 0b01_11_10_00];
        assert_eq!(read(Samples::Mipi10, &group), [0x200, 0x102, 0x3ff, 0x001]);
    }

    #[test]
    fn raw12_takes_its_low_bits_from_the_third_byte_upwards() {
        // pixfmt-srggb12p: the second sample in bits 7-4, the first in bits 3-0.
        assert_eq!(read(Samples::Mipi12, &[0x12, 0xab, 0xc3]), [0x123, 0xabc]);
    }

    #[test]
    fn a_cut_group_at_the_end_of_a_row_gives_the_samples_there_are() {
        let groups = [1, 2, 3, 4, 0, 5, 6, 0, 0, 0b11];
        assert_eq!(read(Samples::Mipi10, &groups), [4, 8, 12, 16, 23, 24]);
        assert_eq!(read(Samples::Mipi12, &[1, 2, 0, 3, 0, 7]), [16, 32, 55]);
    }

    #[test]
    fn words_are_little_endian() {
        let words = Samples::Words { bits: 16 };
        assert_eq!(read(words, &[0x34, 0x12, 0xff, 0x03]), [0x1234, 0x03ff]);
    }

    #[test]
    fn luma_of_packed_yuv_is_every_second_byte() {
        let row = [10, 128, 20, 129, 30, 130];
        assert_eq!(read(Samples::Bytes { first: 0, step: 2 }, &row), [10, 20, 30]);
        assert_eq!(read(Samples::Bytes { first: 1, step: 2 }, &row), [128, 129, 130]);
    }
}

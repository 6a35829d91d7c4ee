/// What happened to triggers and frames since the start; nothing is ever left out.
///
/// `triggers = paired + not_inspected + parts waiting`, and
/// `frames = used + unmatched + late + surplus + overflowed + frames waiting`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Parts that were triggered.
    pub triggers: u64,
    /// Parts that left with their frames.
    pub paired: u64,
    /// Parts that left with a reason.
    pub not_inspected: u64,
    /// Frames that arrived.
    pub frames: u64,
    /// Frames that left with their part.
    pub used: u64,
    /// Frames in no part's window.
    pub unmatched: u64,
    /// Frames that arrived when the part of their window had left.
    pub late: u64,
    /// Frames in the window of a part that was not inspected or took another.
    pub surplus: u64,
    /// Frames pushed out by newer ones.
    pub overflowed: u64,
    /// Frames that cameras took and did not deliver: gaps in the sequence numbers.
    pub dropped: u64,
    /// Sequence numbers that started anew: a camera was opened again.
    pub sequence_resets: u64,
    /// Times that went backwards or lay in the future.
    pub clock_jumps: u64,
}

use serde::Serialize;

/// What happened to parts since the start; nothing is ever left out.
///
/// `triggers = finished + parts in flight`, and `finished = passed + mismatch + not_inspected`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counters {
    /// Parts that were triggered and counted.
    pub triggers: u64,
    /// Triggers that were seen too late or not at all, as far as is known; they have no number.
    pub missed_triggers: u64,
    /// Parts that have their outcome.
    pub finished: u64,
    /// Verdicts that came, late ones too.
    pub inspected: u64,
    /// Parts that conformed and were passed.
    pub conforming: u64,
    /// Parts that did not conform.
    pub mismatch: u64,
    /// Parts without a verdict that counts.
    pub not_inspected: u64,
    /// Of these: parts whose frames are not known.
    pub unpaired: u64,
    /// Of these: parts that were rejected because others were before them.
    pub overload_rejected: u64,
    /// Of these: parts without a verdict at their deadline, or at the ejector.
    pub deadline_missed: u64,
    /// Of these: parts that came while the station was held, starting or faulted.
    pub held: u64,
    /// Of these: parts whose pulse was too late or whose output failed.
    pub signal_failed: u64,
    /// Verdicts that came after their part had an outcome.
    pub late_verdicts: u64,
    /// Pulses that were cut short for the next part.
    pub cut_pulses: u64,
    /// Times that a clock went backwards or ahead.
    pub clock_jumps: u64,
}

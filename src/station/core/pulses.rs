use crate::signal::{OUTPUTS, Output};

/// What the outputs show, and until when.
#[derive(Debug)]
pub(super) struct Pulses {
    /// What was asked of each output last.
    is_active: [bool; 4],
    /// When the pulse of pass or reject ends.
    until_ns: [i64; 2],
    /// When it ended last.
    released_ns: [i64; 2],
}

/// Outputs that pulse once for each part.
const PULSED: [Output; 2] = [Output::Pass, Output::Reject];

impl Pulses {
    pub(super) fn new() -> Self {
        Self { is_active: [false; 4], until_ns: [i64::MIN; 2], released_ns: [i64::MIN; 2] }
    }

    /// A pulse whose time is over.
    pub(super) fn over(&self, now_ns: i64) -> Option<Output> {
        let is_over =
            |output: &Output| self.shows(*output) && now_ns >= self.until_ns[output.index()];
        PULSED.into_iter().find(is_over)
    }

    /// A pulse that is still on.
    pub(super) fn active(&self) -> Option<Output> {
        PULSED.into_iter().find(|output| self.shows(*output))
    }

    /// When a new pulse of this output may begin at the earliest.
    pub(super) fn free_ns(&self, output: Output, gap_ns: i64) -> i64 {
        self.released_ns[output.index()].saturating_add(gap_ns)
    }

    pub(super) fn begin(&mut self, output: Output, until_ns: i64) {
        self.is_active[output.index()] = true;
        self.until_ns[output.index()] = until_ns;
    }

    pub(super) fn end(&mut self, output: Output, now_ns: i64) {
        self.is_active[output.index()] = false;
        self.released_ns[output.index()] = now_ns;
    }

    /// Makes a level what it should be; whether it changed.
    pub(super) fn set_level(&mut self, output: Output, is_active: bool) -> bool {
        std::mem::replace(&mut self.is_active[output.index()], is_active) != is_active
    }

    pub(super) fn shows(&self, output: Output) -> bool {
        self.is_active[output.index()]
    }

    /// When the next pulse ends.
    pub(super) fn next_ns(&self) -> Option<i64> {
        let active = PULSED.iter().filter(|output| self.shows(**output));
        active.map(|output| self.until_ns[output.index()]).min()
    }

    /// After a jump of the clock: pulses end now, and gaps are over.
    pub(super) fn rebase(&mut self, now_ns: i64) {
        self.until_ns = [now_ns; 2];
        self.released_ns = [i64::MIN; 2];
    }

    /// Everything as after a release, whatever it was.
    pub(super) fn forget(&mut self, now_ns: i64) {
        for output in OUTPUTS {
            self.is_active[output.index()] = false;
        }
        self.released_ns = [now_ns; 2];
    }
}

use super::Kernel;
use super::memory::AlignedBytes;

/// How a kernel wants weights to lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Output channels that lie together.
    pub columns: usize,
    /// Input channels of one output channel that lie together.
    pub group: usize,
    /// Input channels are filled with zeros to a multiple of this, itself one of `group`.
    pub step: usize,
    /// Added to each weight, so that instructions for unsigned bytes can be used; 0 or 128.
    pub offset: u8,
}

/// The weights of a linear layer in the layout of one kernel, with what turns sums into values.
///
/// Panel after panel of `columns` output channels; in a panel group after group of input channels;
/// in a group output channel after output channel.
#[derive(Debug)]
pub struct PackedWeights {
    /// Panels start on cache lines.
    bytes: AlignedBytes,
    layout: Layout,
    outputs: usize,
    inputs: usize,
    /// Per output channel, filled up to whole panels.
    pub(super) scales: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// A linear layer as a model stores it.
#[derive(Debug, Clone, Copy)]
pub struct Weights<'a> {
    /// `[outputs, inputs]`, each in -127..=127.
    pub values: &'a [i8],
    /// Per output channel: what one step of its integer sum is worth, activation scale included.
    pub scales: &'a [f32],
    /// Per output channel, or empty.
    pub bias: &'a [f32],
}

/// More inputs could overflow an i32: 255 * 128 * 65536 < 2^31.
pub const MOST_INPUTS: usize = 1 << 16;

impl PackedWeights {
    /// Packs for `kernel`; `None` when sizes contradict each other, there are no or more than
    /// [`MOST_INPUTS`] inputs, or a weight is -128, for which kernels have no room.
    pub fn new(kernel: &dyn Kernel, weights: Weights) -> Option<Self> {
        let layout = kernel.layout();
        let outputs = weights.scales.len();
        let inputs = weights.values.len().checked_div(outputs)?;
        let sizes = weights.values.len() == outputs * inputs
            && (weights.bias.is_empty() || weights.bias.len() == outputs)
            && (1..=MOST_INPUTS).contains(&inputs);
        if !sizes || weights.values.contains(&i8::MIN) {
            return None;
        }
        let padded = outputs.next_multiple_of(layout.columns);
        let bytes = padded * inputs.next_multiple_of(layout.step);
        let mut packed = Self {
            bytes: AlignedBytes::zeroed(bytes)?,
            layout,
            outputs,
            inputs,
            scales: weights.scales.to_vec(),
            bias: weights.bias.to_vec(),
        };
        packed.scales.resize(padded, 0.0);
        packed.bias.resize(padded, 0.0);
        packed.fill(weights.values);
        Some(packed)
    }

    fn fill(&mut self, values: &[i8]) {
        let Layout { columns, group, offset, .. } = self.layout;
        let (inputs, panel_bytes) = (self.inputs, self.panel_bytes());
        let to = self.bytes.as_mut_slice();
        for (output, row) in values.chunks_exact(inputs).enumerate() {
            let start = output / columns * panel_bytes + output % columns * group;
            for (index, values) in row.chunks(group).enumerate() {
                let to = &mut to[start + index * columns * group..][..values.len()];
                for (to, &value) in to.iter_mut().zip(values) {
                    // Two's complement: adding 128 flips the highest bit.
                    *to = (value as u8).wrapping_add(offset);
                }
            }
        }
    }

    /// Output channels.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Input channels.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The layout these were packed for.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Input channels with the zeros behind them.
    pub(super) fn padded_inputs(&self) -> usize {
        self.inputs.next_multiple_of(self.layout.step)
    }

    /// Panels of output channels.
    pub(super) fn panels(&self) -> usize {
        self.outputs.div_ceil(self.layout.columns)
    }

    pub(super) fn panel_bytes(&self) -> usize {
        self.padded_inputs() * self.layout.columns
    }

    /// One panel; the last may be followed by unused bytes.
    pub(super) fn panel(&self, index: usize) -> &[u8] {
        &self.bytes.as_slice()[index * self.panel_bytes()..][..self.panel_bytes()]
    }
}

use std::collections::HashMap;

use super::convert::{self, Plan};
use super::feed::Feed;
use super::graph::Graph;
use super::linears::Linear;
use super::observe::Probe;
use super::{Error, Progress};

/// Each has thousands of values per layer; more change no digit that is shown.
pub(super) const SAMPLES: usize = 8;
/// What is reported when a layer loses nothing at all.
const LOSSLESS_DB: f64 = 200.0;

/// Signal to quantization noise of every planned linear in dB, each given its f32 input.
///
/// One graph holds both forms of every layer side by side.
pub(super) fn signal_to_noise(
    graph: &Graph,
    linears: &[Linear],
    plans: &HashMap<String, Plan>,
    (feed, progress): (&Feed, &mut Progress),
) -> Result<Vec<f64>, Error> {
    let mut graph = graph.clone();
    let pairs = convert::beside(&mut graph, linears, plans);
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let names = pairs.iter().flat_map(|(float, int8)| [float.clone(), int8.clone()]).collect();
    let probe = Probe::new(graph.into_model(), names, feed)?;
    let mut powers = vec![[0.0_f64; 2]; pairs.len()];
    let count = SAMPLES.min(feed.len());
    for sample in 0..count {
        let mut float = Vec::new();
        probe.run(sample * feed.len() / count, |index, _, values| {
            if index % 2 == 0 {
                float = values.to_vec();
                return Ok(());
            }
            let [signal, noise] = &mut powers[index / 2];
            for (float, int8) in float.iter().zip(values) {
                *signal += f64::from(*float).powi(2);
                *noise += f64::from(float - int8).powi(2);
            }
            Ok(())
        })?;
        progress.step();
    }
    let ratio = |[signal, noise]: [f64; 2]| match noise {
        0.0 => LOSSLESS_DB,
        noise => (10.0 * (signal / noise).log10()).min(LOSSLESS_DB),
    };
    Ok(powers.into_iter().map(ratio).collect())
}

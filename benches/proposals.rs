//! What change proposals reach on all of DeepPCB, without any model: `cargo bench --bench proposals`.
//!
//! Needs `PAIRSPEC_DEEPPCB`, the data set's folder. Prints a line for all pairs, for the groups in
//! which parameters were chosen, for the groups held out, and for each kind of fault.

#![allow(clippy::print_stdout)]

#[allow(dead_code)]
#[path = "../tests/suite/proposals.rs"]
mod proposals;
#[path = "../src/test_data.rs"]
mod test_data;

use pairspec::manifest::Pair;
use proposals::{Reached, Summary, measure};

/// No parameter was chosen by looking at these boards.
const HELD_OUT: [&str; 3] = ["group13000", "group77000", "group50600"];

fn main() {
    let Some(pairs) = proposals::pairs("proposals") else { return };
    let held_out =
        |pair: &&Pair| pair.group.as_deref().is_some_and(|group| HELD_OUT.contains(&group));
    let all = measure(&pairs);
    println!("                pairs  boxes  centred  overlapped  regions  benign  ms/pair");
    row("all", &all);
    row("chosen on", &measure(pairs.iter().filter(|pair| !held_out(pair))));
    row("held out", &measure(pairs.iter().filter(held_out)));
    for (kind, reached) in &all.kinds {
        let Reached { boxes, .. } = reached;
        let (centred, overlapped) = (reached.centred_percent(), reached.overlapped_percent());
        println!("{kind:<14}        {boxes:>6} {centred:>7.2}% {overlapped:>10.2}%");
    }
}

fn row(name: &str, summary: &Summary) {
    let Summary { pairs, all, .. } = summary;
    println!(
        "{name:<14} {pairs:>6} {:>6} {:>7.2}% {:>10.2}% {:>8.2} {:>7.2} {:>8.2}",
        all.boxes,
        all.centred_percent(),
        all.overlapped_percent(),
        summary.regions_per_pair(),
        summary.benign as f64 / *pairs as f64,
        summary.time.as_secs_f64() * 1e3 / *pairs as f64,
    );
}

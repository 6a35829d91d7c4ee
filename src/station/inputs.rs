//! Threads that listen: triggers by edge and by time, the encoder, the confirming sensor.

use std::time::Duration;

use super::core::Component;
use super::message::Message;
use super::threads::{Shared, Urgency, guarded, prefer};
use crate::capture::{Backoff, BackoffLimits, Clock, MonotonicClock};
use crate::signal::{Edge, EdgeInput, InputConfig};

/// How long to wait for an edge before looking whether to stop.
const WAIT: Duration = Duration::from_millis(100);

/// Why a line cannot be an encoder.
const UNCOUNTED: &str = "version 1 of the kernel's GPIO interface (before Linux 5.10) drops edges without \
                         saying so, and nobody would know where a part is; use [ejector] delay_ms";

/// What an input line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Trigger,
    Encoder,
    Confirmation,
}

/// Listens to a line until the station stops, taking it anew when it is lost.
pub(super) fn listen(role: Role, config: &InputConfig, shared: &Shared) {
    prefer(Urgency::Line);
    let mut backoff = Backoff::new(BackoffLimits::default());
    while !shared.is_stopping() {
        let lost = guarded(|| match EdgeInput::open(config) {
            Ok(input) if !may_listen(role, input.tells_losses()) => {
                format!("{}: {UNCOUNTED}", input.name())
            }
            Ok(mut input) => {
                backoff.opened(MonotonicClock.now_ns());
                tell(role, shared, None);
                hear(role, &mut input, shared)
            }
            Err(error) => error.to_string(),
        });
        if shared.is_stopping() {
            return;
        }
        let reason = lost.unwrap_or_else(|panic| panic);
        log::warn!("{role:?}: {reason}");
        tell(role, shared, Some(reason));
        shared.sleep_until(backoff.failed(MonotonicClock.now_ns()));
    }
}

/// A count that misses edges lets the wrong part through; other inputs lose a part each, which is seen.
fn may_listen(role: Role, tells_losses: bool) -> bool {
    role != Role::Encoder || tells_losses
}

fn hear(role: Role, input: &mut EdgeInput, shared: &Shared) -> String {
    while !shared.is_stopping() {
        match input.next_edge(WAIT) {
            Ok(Some(edge)) => pass_on(role, edge, shared),
            Ok(None) => {}
            Err(error) => return error.to_string(),
        }
    }
    String::new()
}

fn pass_on(role: Role, edge: Edge, shared: &Shared) {
    match role {
        Role::Trigger => shared.trigger(edge.ns, edge.missed.into()),
        Role::Encoder => {
            // Edges that the kernel could not keep moved the belt too.
            shared.flags.belt.advance(edge.ns, 1 + u64::from(edge.missed));
        }
        Role::Confirmation => shared.tell(Message::Confirmed { ns: edge.ns }),
    }
}

fn tell(role: Role, shared: &Shared, reason: Option<String>) {
    let component = match role {
        Role::Trigger => Component::Trigger,
        Role::Encoder => Component::Encoder,
        Role::Confirmation => Component::Confirmation,
    };
    shared.tell(Message::Missing { component, reason });
}

/// Triggers every `period_ns` from `first_ns` on, until the station stops.
pub(super) fn tick(first_ns: i64, period_ns: i64, shared: &Shared) {
    prefer(Urgency::Line);
    let mut next_ns = first_ns;
    loop {
        shared.sleep_until(next_ns);
        if shared.is_stopping() {
            return;
        }
        shared.trigger(next_ns, 0);
        next_ns = next_ns.saturating_add(period_ns.max(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoder_needs_an_interface_that_tells_what_it_lost() {
        for role in [Role::Trigger, Role::Encoder, Role::Confirmation] {
            assert!(may_listen(role, true), "{role:?}");
            assert_eq!(may_listen(role, false), role != Role::Encoder, "{role:?}");
        }
    }
}

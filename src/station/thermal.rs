//! Looks at the processor's temperature while the station runs: a hot one slows down, and verdicts are late.

use std::time::Duration;

use super::core::Component;
use super::message::Message;
use super::threads::Shared;
use crate::board::{Thermal, Zone};
use crate::capture::{Clock, MonotonicClock};

/// From one look to the next.
pub(super) const EVERY: Duration = Duration::from_secs(10);
/// So much below the limit it must be before it counts as cool again.
const COOLER_C: f64 = 3.0;

/// Tells the line when it is too hot and when no longer, until the station stops.
pub(super) fn watch(
    (thermal, every): (&Thermal, Duration),
    look: impl Fn() -> Option<Zone>,
    shared: &Shared,
) {
    let every_ns = i64::try_from(every.as_nanos()).unwrap_or(i64::MAX);
    let (mut is_hot, mut is_known) = (false, true);
    while !shared.is_stopping() {
        match look().and_then(|zone| Some((zone.celsius?, zone.kind))) {
            Some((celsius, kind)) => {
                let limit = if is_hot { thermal.warn_c - COOLER_C } else { thermal.warn_c };
                if (celsius >= limit) != is_hot {
                    is_hot = !is_hot;
                    let warn_c = thermal.warn_c;
                    let reason = is_hot.then(|| {
                        format!(
                            "{kind} at {celsius:.1} C, warned of from {warn_c}: it will slow down"
                        )
                    });
                    let component = Component::Temperature;
                    shared.tell(Message::Missing { component, reason });
                }
            }
            // What was too hot is so until somebody has seen it cool.
            None if is_known => {
                log::warn!("no temperature: no zone {} gives one", thermal.zones.join(" or "));
                is_known = false;
            }
            None => {}
        }
        shared.sleep_until(MonotonicClock.now_ns().saturating_add(every_ns));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;
    use std::sync::mpsc::sync_channel;

    use super::*;
    use crate::station::threads::Flags;

    /// What the line is told while these temperatures are read, one after the other.
    fn told(temperatures: &[Option<f64>]) -> Vec<Option<String>> {
        let (line, inbox) = sync_channel(16);
        let shared = Shared { line, flags: Arc::new(Flags::default()) };
        let thermal = Thermal { zones: vec!["cpu-thermal".to_owned()], warn_c: 80.0 };
        let next = Cell::new(0);
        let look = || {
            let celsius = temperatures.get(next.get()).copied();
            next.set(next.get() + 1);
            if celsius.is_none() {
                shared.flags.stop();
            }
            Some(Zone { kind: "cpu-thermal".to_owned(), celsius: celsius? })
        };
        watch((&thermal, Duration::ZERO), look, &shared);
        let reason = |message| match message {
            Message::Missing { component: Component::Temperature, reason } => reason,
            _ => panic!("another message"),
        };
        inbox.try_iter().map(reason).collect()
    }

    #[test]
    fn too_hot_is_told_once_and_over_when_it_is_clearly_cooler() {
        let read = [20.0, 79.9, 80.0, 84.0, 79.0, 77.1, 81.0, 76.9, 79.0, 20.0].map(Some);
        let hot = "cpu-thermal at 80.0 C, warned of from 80: it will slow down".to_owned();
        assert_eq!(told(&read), [Some(hot), None]);
    }

    #[test]
    fn a_sensor_that_says_nothing_changes_nothing() {
        assert_eq!(told(&[None, Some(20.0), None]), []);
        assert_eq!(told(&[Some(90.0), None, None]).len(), 1);
        assert_eq!(told(&[Some(90.0), None, Some(20.0), None]).len(), 2);
    }
}

//! Events from the threads.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::super::config::TriggerConfig;
use super::super::message::Message;
use super::{Line, now_ns};
use crate::capture::{Captured, Sighting, Trigger};
use crate::journal::{EventSource, now_ms};

impl Line {
    pub(super) fn take(&mut self, message: Message) {
        self.follow_encoder();
        match message {
            Message::Trigger { ns, missed } => {
                self.core.missed_triggers(missed);
                self.trigger(ns);
            }
            Message::Frame { camera, captured } => {
                self.shared.flags.frames[camera.min(1)].fetch_sub(1, Ordering::AcqRel);
                self.frame(camera, captured);
            }
            Message::Missing { component, reason } => self.core.set_missing(component, reason),
            Message::Confirmed { ns } => {
                let seen = self.confirmations.as_mut().and_then(|waiting| waiting.seen(ns));
                log::debug!("ejection confirmed: {seen:?}");
            }
            Message::InspectorReady { generation, opened } => {
                self.inspector_ready(generation, opened);
            }
            Message::Judged { generation, number, judgement } => {
                if generation == self.judging.generation {
                    self.core.judged(now_ns(), number, judgement);
                } else {
                    log::warn!("part {number}: a verdict of an inspection that was given up");
                }
            }
            Message::InspectorLost { generation, reason } => {
                if generation == self.judging.generation {
                    self.inspector_lost(&reason);
                }
            }
            Message::Challenged { generation, result, samples } => {
                if generation == self.judging.generation {
                    self.view.set_samples(samples);
                    self.challenged(result);
                }
            }
            Message::Loaded(loaded) => self.loaded(loaded),
            Message::CameraSet { camera, change, set } => self.camera_set(camera, change, set),
            Message::Command { command, by, reply } => self.order((command, by), reply),
        }
    }

    /// The belt moves whether or not anything else happens.
    pub(super) fn follow_encoder(&mut self) {
        self.core.encoder(self.shared.flags.belt.count());
    }

    /// A part: it gets its number here and nowhere else.
    pub(super) fn trigger(&mut self, ns: i64) -> Option<u64> {
        let number = self.journal.as_ref()?.next_number();
        self.shared.flags.triggers.fetch_add(1, Ordering::Relaxed);
        let encoder = self.shared.flags.belt.count_at(ns);
        let turned_away = self.core.trigger_at(now_ns(), Trigger { number, ns }, encoder);
        if let Some(part) = turned_away {
            self.finished(*part);
        }
        Some(number)
    }

    fn frame(&mut self, camera: usize, captured: Captured) {
        let Captured { sequence, stamp, content } = captured;
        let timing = &self.config.core.timing;
        if self.config.trigger == TriggerConfig::FreeRunning && camera == timing.test.camera {
            // The middle of its window.
            let exposure_ns = timing.exposure_ns(camera, stamp);
            self.trigger(exposure_ns.saturating_sub(timing.window_ns / 2));
        }
        let content = content.map(Arc::new);
        if let Err(error) = &content {
            log::info!("{error}");
        }
        let sighting = Sighting { sequence, stamp, content: content.ok() };
        self.core.frame(now_ns(), camera, sighting);
    }

    /// A part left.
    pub(super) fn finished(&mut self, part: super::super::core::Finished) {
        let known = self.judging.recipes.iter().find(|known| known.recipe == part.recipe);
        let identity = known.map(|known| known.identity.clone()).unwrap_or_default();
        let is_ejected = part.outcome != crate::journal::Outcome::Conforming;
        if let Some(confirmations) = self.confirmations.as_mut().filter(|_| is_ejected) {
            confirmations.expect(part.number, part.left_ns);
        }
        if let crate::journal::Outcome::NotInspected { stage, detail } = &part.outcome {
            log::info!("part {}: not inspected: {stage}: {detail}", part.number);
        }
        let mut timing_ms = part.details.timing_ms;
        let ms = |from_ns: i64, to_ns: i64| to_ns.saturating_sub(from_ns) as f32 / 1e6;
        timing_ms.insert("to_verdict".to_owned(), ms(part.trigger_ns, part.decided_ns));
        timing_ms.insert("to_leaving".to_owned(), ms(part.trigger_ns, part.left_ns));
        let record = crate::journal::Part {
            number: part.number,
            outcome: part.outcome,
            scores: part.details.scores,
            timing_ms,
            recipe_sha256: identity.recipe_sha256.clone(),
            model_sha256: identity.model_sha256.clone(),
            thresholds_sha256: identity.thresholds_sha256.clone(),
        };
        let unix_ms = now_ms();
        if let Some(findings) = &part.details.findings {
            self.watch((&record.outcome, &record.scores), findings);
        }
        self.show(&record, (unix_ms, identity), part.details.findings);
        if let Some(journal) = &self.journal {
            // What is dropped is counted by the journal.
            journal.append_part(unix_ms, record);
        }
    }

    pub(super) fn inspector_lost(&mut self, reason: &str) {
        log::error!("inspection: {reason}");
        self.event(EventSource::System, "inspection_lost", reason);
        self.core.inspector_lost(now_ns(), reason);
        self.judging.inspector = None;
        self.judging.backoff.failed(now_ns());
        if let Some((reply, _)) = self.judging.challenged.take() {
            let failure = format!("the challenge did not end: {reason}");
            self.core.set_challenge(Some(failure.clone()));
            let _ = reply.try_send(super::super::command::refused(failure));
        }
    }

    fn inspector_ready(&mut self, generation: u32, opened: Result<(), String>) {
        if generation != self.judging.generation {
            return;
        }
        match opened {
            Ok(()) => {
                self.judging.backoff.opened(now_ns());
                self.core.inspector_ready();
                self.event(EventSource::System, "inspection_restarted", "");
            }
            Err(reason) => self.inspector_lost(&reason),
        }
    }
}

//! The words that the panel adds, in both languages.
//!
//! Owns one structure of words: a language that lacks one does not compile. It does not know where
//! on a screen they stand.

mod en;
mod ja;

use std::time::Duration;

use super::scene::{
    ButtonKind, Cause, Health, Language, NoticeKind, Outcome, Quantity, Refused, Remedy,
};

/// All words of one language.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) verdict: VerdictWords,
    pub(super) health: HealthWords,
    pub(super) captions: Captions,
    pub(super) challenge: ChallengeWords,
    pub(super) change: ChangeWords,
    pub(super) remedies: Remedies,
    pub(super) causes: Causes,
    pub(super) refusals: Refusals,
    pub(super) buttons: ButtonWords,
    pub(super) demo: DemoWords,
}

/// The one word that is read from afar.
#[derive(Debug)]
pub(super) struct VerdictWords {
    pub(super) conforming: &'static str,
    pub(super) mismatch: &'static str,
    pub(super) not_inspected: &'static str,
    pub(super) waiting: &'static str,
}

#[derive(Debug)]
pub(super) struct HealthWords {
    pub(super) starting: &'static str,
    pub(super) running: &'static str,
    pub(super) degraded: &'static str,
    pub(super) held: &'static str,
    pub(super) faulted: &'static str,
}

#[derive(Debug)]
pub(super) struct Captions {
    pub(super) reference: &'static str,
    pub(super) part: &'static str,
    pub(super) difference: &'static str,
    pub(super) no_frame: &'static str,
    pub(super) closest: &'static str,
    pub(super) not_inspected: &'static str,
    pub(super) score: &'static str,
    pub(super) limit: &'static str,
    pub(super) parts: &'static str,
    pub(super) conforming: &'static str,
    pub(super) mismatch: &'static str,
    pub(super) uninspected: &'static str,
    pub(super) yield_ratio: &'static str,
    pub(super) rate: &'static str,
    pub(super) reason: &'static str,
    pub(super) what_to_do: &'static str,
    pub(super) standing: &'static str,
    pub(super) minutes: &'static str,
    pub(super) hours: &'static str,
    pub(super) first_part: &'static str,
    pub(super) trend: &'static str,
    pub(super) last_parts: &'static str,
    pub(super) drift: &'static str,
    pub(super) focus: &'static str,
    pub(super) exposure: &'static str,
    pub(super) framing: &'static str,
    pub(super) embedding: &'static str,
    pub(super) scores: &'static str,
    pub(super) learning: &'static str,
    pub(super) no_values: &'static str,
}

#[derive(Debug)]
pub(super) struct ChallengeWords {
    pub(super) running: &'static str,
    pub(super) passed: &'static str,
    pub(super) failed: &'static str,
    pub(super) sample: &'static str,
    pub(super) known_as: &'static str,
    pub(super) found: &'static str,
    pub(super) conforming: &'static str,
    pub(super) as_expected: &'static str,
    pub(super) otherwise: &'static str,
    pub(super) not_inspected: &'static str,
    pub(super) pending: &'static str,
    pub(super) more: &'static str,
}

#[derive(Debug)]
pub(super) struct ChangeWords {
    pub(super) choosing: &'static str,
    pub(super) preparing: &'static str,
    pub(super) in_force: &'static str,
    pub(super) refused: &'static str,
    pub(super) now: &'static str,
    pub(super) requested: &'static str,
    pub(super) available: &'static str,
    pub(super) old_stays: &'static str,
    pub(super) read_back: &'static str,
    pub(super) press_select: &'static str,
}

#[derive(Debug)]
pub(super) struct Remedies {
    pub(super) wait: &'static str,
    pub(super) inspect_rejects: &'static str,
    pub(super) check_camera: &'static str,
    pub(super) check_photo: &'static str,
    pub(super) check_trigger: &'static str,
    pub(super) check_outputs: &'static str,
    pub(super) check_disk: &'static str,
    pub(super) run_challenge: &'static str,
    pub(super) resume: &'static str,
    pub(super) restart: &'static str,
    pub(super) call_service: &'static str,
}

/// What is the matter, in a few words.
#[derive(Debug)]
pub(super) struct Causes {
    pub(super) test_camera: &'static str,
    pub(super) reference_camera: &'static str,
    pub(super) inspection: &'static str,
    pub(super) trigger: &'static str,
    pub(super) encoder: &'static str,
    pub(super) confirmation: &'static str,
    pub(super) journal: &'static str,
    pub(super) clock: &'static str,
    pub(super) temperature: &'static str,
    pub(super) drift: &'static str,
    pub(super) outputs: &'static str,
    pub(super) by_hand: &'static str,
    pub(super) ejection: &'static str,
    pub(super) not_inspected: &'static str,
    pub(super) challenge_failed: &'static str,
    pub(super) challenging: &'static str,
    pub(super) recipe: &'static str,
    pub(super) cameras: &'static str,
    pub(super) not_started: &'static str,
    pub(super) given_up: &'static str,
    pub(super) no_frame: &'static str,
    pub(super) photo: &'static str,
    pub(super) alignment: &'static str,
    pub(super) regions: &'static str,
    pub(super) model: &'static str,
    pub(super) variant: &'static str,
    pub(super) thresholds: &'static str,
    pub(super) overload: &'static str,
    pub(super) deadline: &'static str,
    pub(super) late: &'static str,
    pub(super) held: &'static str,
    pub(super) stopped: &'static str,
}

/// Why nothing was done for a press.
#[derive(Debug)]
pub(super) struct Refusals {
    pub(super) refused: &'static str,
    pub(super) recipe_locked: &'static str,
    pub(super) challenge_failed: &'static str,
    pub(super) busy: &'static str,
    pub(super) nothing_chosen: &'static str,
}

#[derive(Debug)]
pub(super) struct ButtonWords {
    pub(super) acknowledge: &'static str,
    pub(super) hold: &'static str,
    pub(super) resume: &'static str,
    pub(super) challenge: &'static str,
    pub(super) next_recipe: &'static str,
    pub(super) select_recipe: &'static str,
    pub(super) next_screen: &'static str,
}

/// What the demonstration's screens say.
#[derive(Debug)]
pub(super) struct DemoWords {
    pub(super) station: &'static str,
    pub(super) recipe: &'static str,
    pub(super) other_recipe: &'static str,
    pub(super) third_recipe: &'static str,
    pub(super) label: &'static str,
    pub(super) sentence: &'static str,
    pub(super) sample: &'static str,
    pub(super) short: &'static str,
    pub(super) mousebite: &'static str,
}

impl Words {
    /// Those of a language.
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::En => &en::WORDS,
            Language::Ja => &ja::WORDS,
        }
    }

    pub(super) fn verdict(&self, outcome: Option<&Outcome>) -> &'static str {
        match outcome {
            None => self.verdict.waiting,
            Some(Outcome::Conforming) => self.verdict.conforming,
            Some(Outcome::Mismatch) => self.verdict.mismatch,
            Some(Outcome::NotInspected { .. }) => self.verdict.not_inspected,
        }
    }

    pub(super) fn health(&self, health: Health) -> &'static str {
        match health {
            Health::Starting => self.health.starting,
            Health::Running => self.health.running,
            Health::Degraded => self.health.degraded,
            Health::Held => self.health.held,
            Health::Faulted => self.health.faulted,
        }
    }

    pub(super) fn notice(&self, kind: NoticeKind) -> &'static str {
        match kind {
            NoticeKind::Starting => self.health.starting,
            NoticeKind::Held => self.health.held,
            NoticeKind::Faulted => self.health.faulted,
        }
    }

    pub(super) fn quantity(&self, quantity: Quantity) -> &'static str {
        match quantity {
            Quantity::Focus => self.captions.focus,
            Quantity::Exposure => self.captions.exposure,
            Quantity::Framing => self.captions.framing,
            Quantity::Embedding => self.captions.embedding,
            Quantity::Score => self.captions.scores,
        }
    }

    pub(super) fn remedy(&self, remedy: Remedy) -> &'static str {
        let words = &self.remedies;
        match remedy {
            Remedy::Wait => words.wait,
            Remedy::InspectRejects => words.inspect_rejects,
            Remedy::CheckCamera => words.check_camera,
            Remedy::CheckPhoto => words.check_photo,
            Remedy::CheckTrigger => words.check_trigger,
            Remedy::CheckOutputs => words.check_outputs,
            Remedy::CheckDisk => words.check_disk,
            Remedy::RunChallenge => words.run_challenge,
            Remedy::Resume => words.resume,
            Remedy::Restart => words.restart,
            Remedy::CallService => words.call_service,
        }
    }

    pub(super) fn cause(&self, cause: Cause) -> &'static str {
        let words = &self.causes;
        match cause {
            Cause::TestCamera => words.test_camera,
            Cause::ReferenceCamera => words.reference_camera,
            Cause::Inspection => words.inspection,
            Cause::Trigger => words.trigger,
            Cause::Encoder => words.encoder,
            Cause::Confirmation => words.confirmation,
            Cause::Journal => words.journal,
            Cause::Clock => words.clock,
            Cause::Temperature => words.temperature,
            Cause::Drift => words.drift,
            Cause::Outputs => words.outputs,
            Cause::ByHand => words.by_hand,
            Cause::Ejection => words.ejection,
            Cause::NotInspected => words.not_inspected,
            Cause::ChallengeFailed => words.challenge_failed,
            Cause::Challenging => words.challenging,
            Cause::Recipe => words.recipe,
            Cause::Cameras => words.cameras,
            Cause::NotStarted => words.not_started,
            Cause::GivenUp => words.given_up,
            Cause::NoFrame => words.no_frame,
            Cause::Photo => words.photo,
            Cause::Alignment => words.alignment,
            Cause::Regions => words.regions,
            Cause::Model => words.model,
            Cause::Variant => words.variant,
            Cause::Thresholds => words.thresholds,
            Cause::Overload => words.overload,
            Cause::Deadline => words.deadline,
            Cause::Late => words.late,
            Cause::Held => words.held,
            Cause::Stopped => words.stopped,
        }
    }

    /// Why nothing was done for a press.
    pub(super) fn refusal<'a>(&self, refused: &'a Refused) -> &'a str {
        let words = &self.refusals;
        match refused {
            Refused::RecipeLocked => words.recipe_locked,
            Refused::ChallengeFailed => words.challenge_failed,
            Refused::Busy => words.busy,
            Refused::NothingChosen => words.nothing_chosen,
            Refused::Other(reason) => reason,
        }
    }

    /// How long something lasts, in minutes or hours.
    pub(super) fn lasting(&self, time: Duration) -> String {
        let captions = &self.captions;
        match time.as_secs() / 60 {
            0 => format!("< 1 {}", captions.minutes),
            minutes @ 1..60 => format!("{minutes} {}", captions.minutes),
            minutes => format!("{} {}", minutes / 60, captions.hours),
        }
    }

    pub(super) fn button(&self, kind: ButtonKind) -> &'static str {
        let words = &self.buttons;
        match kind {
            ButtonKind::Acknowledge => words.acknowledge,
            ButtonKind::Hold => words.hold,
            ButtonKind::Resume => words.resume,
            ButtonKind::Challenge => words.challenge,
            ButtonKind::NextRecipe => words.next_recipe,
            ButtonKind::SelectRecipe => words.select_recipe,
            ButtonKind::NextScreen => words.next_screen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panel::face::{self, Face};

    #[test]
    fn the_faces_have_every_character_of_both_languages() {
        for words in [&en::WORDS, &ja::WORDS] {
            // Every string of the structure is in its debug text; escapes are ASCII.
            for character in format!("{words:?}").chars() {
                for face in [Face::Regular, Face::Bold] {
                    assert!(face::has(face, character), "{face:?} lacks {character:?}");
                }
                assert!(!face::is_made_bolder(character), "{character:?}");
            }
        }
    }

    #[test]
    fn how_long_something_lasts_is_told_in_minutes_or_hours() {
        let told = [0, 59, 60, 3_599, 3_600, 90_000]
            .map(|seconds| Words::of(Language::En).lasting(Duration::from_secs(seconds)));
        assert_eq!(told, ["< 1 min", "< 1 min", "1 min", "59 min", "1 h", "25 h"]);
    }

    #[test]
    fn no_word_is_missing_or_left_in_the_other_language() {
        let texts = |words: &Words| {
            let text = format!("{words:?}");
            text.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
        };
        let (english, japanese) = (texts(&en::WORDS), texts(&ja::WORDS));
        assert_eq!(english.len(), japanese.len());
        for (english, japanese) in english.iter().zip(&japanese) {
            assert!(!english.trim().is_empty() && !japanese.trim().is_empty());
            assert!(english.is_ascii(), "{english}");
            assert!(!japanese.is_ascii(), "{japanese}");
        }
    }
}

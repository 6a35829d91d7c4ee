//! What is the matter, as the panel has words for it.

use crate::panel::Cause;
use crate::station::core::{Component, HoldKind};
use crate::station::{Health, Status};

/// Of a station where nothing passes.
pub(super) fn of_standstill(status: &Status) -> Option<Cause> {
    match (status.health, status.held_by) {
        (Health::Starting, _) => Some(Cause::NotStarted),
        (Health::Held, Some(kind)) => Some(of_hold(kind)),
        (Health::Faulted, _) if status.missing.contains(&Component::Outputs) => {
            Some(Cause::Outputs)
        }
        (Health::Faulted, _) => Some(Cause::GivenUp),
        _ => None,
    }
}

pub(super) fn of_component(component: Component) -> Cause {
    match component {
        Component::TestCamera => Cause::TestCamera,
        Component::ReferenceCamera => Cause::ReferenceCamera,
        Component::Inspector => Cause::Inspection,
        Component::Trigger => Cause::Trigger,
        Component::Encoder => Cause::Encoder,
        Component::Confirmation => Cause::Confirmation,
        Component::Journal => Cause::Journal,
        Component::Clock => Cause::Clock,
        Component::Temperature => Cause::Temperature,
        Component::Drift => Cause::Drift,
        Component::Outputs => Cause::Outputs,
    }
}

/// Of a part that was not inspected, by the stage that the journal has.
pub(super) fn of_stage(stage: &str) -> Option<Cause> {
    Some(match stage {
        "frame" | "capture" => Cause::NoFrame,
        "photo" => Cause::Photo,
        "align" => Cause::Alignment,
        "region" => Cause::Regions,
        "encode" => Cause::Model,
        "variant" => Cause::Variant,
        "thresholds" => Cause::Thresholds,
        "inspection" => Cause::Inspection,
        "overload" => Cause::Overload,
        "deadline" => Cause::Deadline,
        "late" => Cause::Late,
        "clock" => Cause::Clock,
        "output" => Cause::Outputs,
        "held" => Cause::Held,
        "starting" => Cause::NotStarted,
        "fault" => Cause::GivenUp,
        "stopped" => Cause::Stopped,
        _ => return None,
    })
}

fn of_hold(kind: HoldKind) -> Cause {
    match kind {
        HoldKind::Hand => Cause::ByHand,
        HoldKind::Drift => Cause::Drift,
        HoldKind::Ejection => Cause::Ejection,
        HoldKind::NotInspected => Cause::NotInspected,
        HoldKind::FailedChallenge => Cause::ChallengeFailed,
        HoldKind::Challenging => Cause::Challenging,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Stage;

    #[test]
    fn every_stage_of_a_judgement_has_words() {
        let stages = [
            Stage::Frame,
            Stage::Photo,
            Stage::Align,
            Stage::Region,
            Stage::Encode,
            Stage::Variant,
            Stage::Thresholds,
        ];
        for stage in stages {
            assert!(of_stage(&stage.to_string()).is_some(), "{stage}");
        }
        assert_eq!(of_stage("elsewhere"), None);
    }
}

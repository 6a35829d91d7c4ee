use std::fmt;

use serde::{Deserialize, Serialize};

/// How the station is, as one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Not ready yet: nothing passes.
    Starting,
    /// As it should be.
    Running,
    /// Something is missing; parts it concerns are rejected.
    Degraded,
    /// Nothing passes until somebody resumes.
    Held,
    /// The station cannot do its work: nothing passes.
    Faulted,
}

/// What holds a station.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldKind {
    /// Somebody.
    Hand,
    /// Photos or scores that are not as they usually are.
    Drift,
    /// An ejection that no sensor saw.
    Ejection,
    /// A part that was not inspected, where the station file says that this holds.
    NotInspected,
    /// Known parts that were judged wrongly.
    FailedChallenge,
    /// Known parts that are being judged.
    Challenging,
    /// A recipe that is not what was in force before the start, or nobody knows which that was.
    Recipe,
    /// Cameras that are not set to the recipe in force.
    Cameras,
}

/// What can be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Component {
    /// The camera of the part under test.
    TestCamera,
    /// The camera of the reference.
    ReferenceCamera,
    /// The thread that judges.
    Inspector,
    /// The line or socket that triggers.
    Trigger,
    /// The encoder.
    Encoder,
    /// The sensor behind the ejector.
    Confirmation,
    /// The evidence.
    Journal,
    /// Comparable times.
    Clock,
    /// Photos and scores as they usually are.
    Drift,
    /// The output lines: without them the station is faulted.
    Outputs,
    /// A processor that is cool enough to be as fast as it was measured.
    Temperature,
}

const COMPONENTS: [Component; 11] = [
    Component::TestCamera,
    Component::ReferenceCamera,
    Component::Inspector,
    Component::Trigger,
    Component::Encoder,
    Component::Confirmation,
    Component::Journal,
    Component::Clock,
    Component::Drift,
    Component::Outputs,
    Component::Temperature,
];

/// What is missing now, and what holds the line.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    is_started: bool,
    hold: Option<(HoldKind, String)>,
    challenge: Option<(HoldKind, String)>,
    fault: Option<String>,
    missing: [Option<String>; COMPONENTS.len()],
}

impl Conditions {
    pub(super) fn start(&mut self) {
        self.is_started = true;
    }

    pub(super) fn set(&mut self, component: Component, reason: Option<String>) {
        self.missing[component.index()] = reason;
    }

    pub(super) fn is_missing(&self, component: Component) -> bool {
        self.missing[component.index()].is_some()
    }

    /// The first reason stays: what came after may be its consequence.
    pub(super) fn hold(&mut self, kind: HoldKind, reason: String) {
        self.hold.get_or_insert((kind, reason));
    }

    /// What somebody has to resume from.
    pub(super) fn held(&self) -> Option<(HoldKind, &str)> {
        self.hold.as_ref().map(|(kind, reason)| (*kind, reason.as_str()))
    }

    pub(super) fn resume(&mut self) {
        self.hold = None;
    }

    /// The goldens are being judged.
    pub(super) fn begin_challenge(&mut self) {
        let reason = "a challenge is under way".to_owned();
        self.challenge = Some((HoldKind::Challenging, reason));
    }

    /// Why the goldens do not stand for the judge; nobody resumes from that but they.
    pub(super) fn challenge(&mut self, reason: Option<String>) {
        self.challenge = reason.map(|reason| (HoldKind::FailedChallenge, reason));
    }

    pub(super) fn missing(&self) -> impl Iterator<Item = Component> {
        COMPONENTS.into_iter().filter(|component| self.is_missing(*component))
    }

    pub(super) fn is_challenge_failed(&self) -> bool {
        self.is_challenge(HoldKind::FailedChallenge)
    }

    pub(super) fn is_challenging(&self) -> bool {
        self.is_challenge(HoldKind::Challenging)
    }

    fn is_challenge(&self, wanted: HoldKind) -> bool {
        self.challenge.as_ref().is_some_and(|(kind, _)| *kind == wanted)
    }

    /// What holds the station, if it is held.
    pub(super) fn held_by(&self) -> Option<HoldKind> {
        let (kind, _) = self.hold.as_ref().or(self.challenge.as_ref())?;
        (self.state().0 == Health::Held).then_some(*kind)
    }

    pub(super) fn fault(&mut self, reason: String) {
        self.fault.get_or_insert(reason);
    }

    /// The state and its reason; [`Health::Running`] has none.
    pub(super) fn health(&self) -> (Health, Option<String>) {
        let (health, reason) = self.state();
        let named = |component: &Component| {
            let reason = self.missing[component.index()].as_ref()?;
            Some(format!("{component}: {reason}"))
        };
        let reason = match health {
            Health::Running => None,
            Health::Starting => Some("the challenge has not been passed yet".to_owned()),
            Health::Degraded => {
                Some(COMPONENTS.iter().filter_map(named).collect::<Vec<String>>().join("; "))
            }
            Health::Held | Health::Faulted => reason.cloned(),
        };
        (health, reason)
    }

    /// Why nothing passes now.
    pub(super) fn refusal(&self) -> Option<(&'static str, String)> {
        let (health, reason) = self.state();
        let stage = match health {
            Health::Running | Health::Degraded => return None,
            Health::Starting => "starting",
            Health::Held => "held",
            Health::Faulted => "fault",
        };
        Some((stage, reason.cloned().unwrap_or_else(|| "the station is not ready".to_owned())))
    }

    /// As [`Conditions::health`], cheap enough for every part and every turn.
    pub(super) fn state(&self) -> (Health, Option<&String>) {
        let outputs = self.missing[Component::Outputs.index()].as_ref();
        if let Some(reason) = self.fault.as_ref().or(outputs) {
            return (Health::Faulted, Some(reason));
        }
        if let Some((_, reason)) = self.hold.as_ref().or(self.challenge.as_ref()) {
            return (Health::Held, Some(reason));
        }
        if !self.is_started {
            return (Health::Starting, None);
        }
        match self.missing.iter().flatten().next() {
            Some(reason) => (Health::Degraded, Some(reason)),
            None => (Health::Running, None),
        }
    }
}

impl Component {
    /// The camera with this number, the test's being 0.
    pub fn camera(camera: usize) -> Self {
        if camera == 0 { Self::TestCamera } else { Self::ReferenceCamera }
    }

    fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Component {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TestCamera => "test camera",
            Self::ReferenceCamera => "reference camera",
            Self::Inspector => "inspection",
            Self::Trigger => "trigger",
            Self::Encoder => "encoder",
            Self::Confirmation => "confirmation",
            Self::Journal => "journal",
            Self::Drift => "drift",
            Self::Clock => "clock",
            Self::Outputs => "outputs",
            Self::Temperature => "temperature",
        })
    }
}

impl fmt::Display for Health {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Degraded => "degraded",
            Self::Held => "held",
            Self::Faulted => "faulted",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(conditions: &Conditions) -> (Health, String) {
        let (health, reason) = conditions.health();
        assert_eq!(conditions.state().0, health);
        let passes = matches!(health, Health::Running | Health::Degraded);
        assert_eq!(conditions.refusal().is_none(), passes);
        (health, reason.unwrap_or_default())
    }

    #[test]
    fn the_gravest_condition_is_told_and_the_others_come_back_after_it() {
        let mut conditions = Conditions::default();
        assert_eq!(state(&conditions).0, Health::Starting);
        conditions.start();
        assert_eq!(state(&conditions), (Health::Running, String::new()));
        conditions.set(Component::Journal, Some("disk full".to_owned()));
        conditions.set(Component::TestCamera, Some("unplugged".to_owned()));
        let both = "test camera: unplugged; journal: disk full".to_owned();
        assert_eq!(state(&conditions), (Health::Degraded, both));
        conditions.hold(HoldKind::Hand, "by hand".to_owned());
        conditions.hold(HoldKind::Drift, "something later".to_owned());
        assert_eq!(state(&conditions), (Health::Held, "by hand".to_owned()));
        assert_eq!(conditions.held_by(), Some(HoldKind::Hand));
        conditions.set(Component::Outputs, Some("line 4".to_owned()));
        assert_eq!(state(&conditions).0, Health::Faulted);
        assert_eq!(conditions.held_by(), None, "the fault is what is told");
        conditions.set(Component::Outputs, None);
        conditions.resume();
        assert_eq!(state(&conditions).0, Health::Degraded);
    }

    #[test]
    fn every_component_has_a_place_of_its_own() {
        for (index, component) in COMPONENTS.iter().enumerate() {
            assert_eq!(component.index(), index);
        }
    }

    #[test]
    fn a_failed_challenge_is_not_resumed_from() {
        let mut conditions = Conditions::default();
        conditions.start();
        conditions.challenge(Some("golden 2 was passed".to_owned()));
        conditions.hold(HoldKind::Hand, "by hand".to_owned());
        conditions.resume();
        assert_eq!(state(&conditions), (Health::Held, "golden 2 was passed".to_owned()));
        conditions.challenge(None);
        assert_eq!(state(&conditions).0, Health::Running);
    }

    #[test]
    fn a_challenge_that_runs_holds_the_line_and_has_not_failed() {
        let mut conditions = Conditions::default();
        conditions.start();
        conditions.begin_challenge();
        conditions.resume();
        assert_eq!(state(&conditions), (Health::Held, "a challenge is under way".to_owned()));
        assert!(conditions.is_challenging() && !conditions.is_challenge_failed());
        conditions.challenge(Some("golden 2 was passed".to_owned()));
        assert!(!conditions.is_challenging() && conditions.is_challenge_failed());
        assert_eq!(conditions.held_by(), Some(HoldKind::FailedChallenge));
    }

    #[test]
    fn a_fault_is_for_good() {
        let mut conditions = Conditions::default();
        conditions.start();
        conditions.fault("three inspections hang".to_owned());
        conditions.resume();
        assert_eq!(state(&conditions).0, Health::Faulted);
    }
}

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::frame::{Frame, Rect};

/// Everything that the screen shows at one moment; plain data that whoever has it fills in.
///
/// Pictures are shared, so that a scene is cheap to make for each part.
#[derive(Debug, Clone)]
pub struct Scene {
    /// The language of all words that the panel adds.
    pub language: Language,
    /// The station's name.
    pub station: String,
    /// The recipe in force.
    pub recipe: String,
    /// The state of the station, shown at the top of every screen.
    pub health: Health,
    /// What happened to parts.
    pub counters: Counters,
    /// One line below the header, where there is something to tell beside the screen.
    pub strip: Option<Strip>,
    /// What is shown below.
    pub screen: Screen,
    /// Buttons along the lower edge, from the left; none where nobody can press them.
    pub buttons: Vec<Button>,
}

/// What the operator reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Japanese.
    Ja,
}

/// How the station is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Health {
    /// Not ready yet.
    Starting,
    /// As it should be.
    Running,
    /// Something is missing.
    Degraded,
    /// Nothing passes until somebody resumes.
    Held,
    /// It cannot do its work.
    Faulted,
}

/// What happened to parts since the counters were last cleared.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Counters {
    /// Parts that were triggered and have left.
    pub parts: u64,
    /// Of these, conforming.
    pub conforming: u64,
    /// Of these, mismatches.
    pub mismatch: u64,
    /// Of these, not inspected.
    pub not_inspected: u64,
    /// Parts a minute now.
    pub per_minute: f64,
}

impl Counters {
    /// Conforming parts of all parts, 0 to 1; `None` before the first.
    pub fn yield_ratio(&self) -> Option<f64> {
        (self.parts > 0).then(|| self.conforming as f64 / self.parts as f64)
    }
}

/// What is told beside the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strip {
    /// The station works without something.
    Degraded {
        /// What.
        causes: Vec<Cause>,
        /// Why, as the journal has it.
        detail: String,
    },
    /// Nothing was done for a press.
    Refused(Refused),
}

/// Why nothing was done for a press.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The operator may not change recipes.
    RecipeLocked,
    /// Known parts were judged wrongly.
    ChallengeFailed,
    /// Something else takes its time.
    Busy,
    /// No recipe is pointed at.
    NothingChosen,
    /// The station's own words.
    Other(String),
}

/// What is the matter, in words that the operator's language has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The camera of the part under test.
    TestCamera,
    /// The camera of the reference.
    ReferenceCamera,
    /// What judges.
    Inspection,
    /// What triggers.
    Trigger,
    /// The encoder.
    Encoder,
    /// The sensor behind the ejector.
    Confirmation,
    /// The evidence.
    Journal,
    /// Times of frames.
    Clock,
    /// The box is too hot.
    Temperature,
    /// Photos and scores as they usually are.
    Drift,
    /// The output lines.
    Outputs,
    /// Somebody held the line.
    ByHand,
    /// An ejection that no sensor saw.
    Ejection,
    /// A part that could not be judged held the line.
    NotInspected,
    /// Known parts were judged wrongly.
    ChallengeFailed,
    /// Known parts are being judged.
    Challenging,
    /// The station has not begun.
    NotStarted,
    /// The station cannot go on.
    GivenUp,
    /// There is no usable frame.
    NoFrame,
    /// The photo is not as the recipe wants it.
    Photo,
    /// Part and reference cannot be laid over each other.
    Alignment,
    /// What changed cannot be told, or is too much.
    Regions,
    /// The model gave nothing that can be used.
    Model,
    /// Similar products cannot be told apart.
    Variant,
    /// There are no thresholds.
    Thresholds,
    /// Parts come faster than they are judged.
    Overload,
    /// The verdict did not come in time.
    Deadline,
    /// The output would have been too late.
    Late,
    /// The line was held when the part left.
    Held,
    /// The station was being stopped.
    Stopped,
}

/// What fills the screen.
#[derive(Debug, Clone)]
pub enum Screen {
    /// The last part, or that none came yet.
    Running(Option<Part>),
    /// Nothing passes: why, and what to do.
    Notice(Notice),
    /// Known parts are shown to the station.
    Challenge(Challenge),
    /// Another recipe is chosen or taken into force.
    RecipeChange(RecipeChange),
    /// The last scores, and the conditions of the photos.
    Trend(Trend),
}

/// One part that left.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its number in the journal.
    pub number: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// The reference frame.
    pub reference: Option<Arc<Frame>>,
    /// The frame of the part, registered to the reference.
    pub test: Option<Arc<Frame>>,
    /// Where the two differ, 0 to 255; without it the panel takes their absolute difference.
    pub difference: Option<Arc<Frame>>,
    /// Where the faults are, in pixels of the test frame.
    pub boxes: Vec<FaultBox>,
    /// The sentence that decided: the violated one, or the one that came closest.
    pub finding: Option<Finding>,
}

/// What became of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It fits the specification.
    Conforming,
    /// It breaks the specification.
    Mismatch,
    /// It could not be judged.
    NotInspected {
        /// What is the matter, where that is known.
        cause: Option<Cause>,
        /// Why, as the journal has it.
        detail: String,
    },
}

/// Where a fault is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultBox {
    /// In pixels of the test frame.
    pub area: Rect,
    /// What it is, from the spec sheet's label.
    pub label: String,
}

/// A sentence of the spec sheet with what it scored.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The spec sheet's label in the operator's language.
    pub label: String,
    /// The sentence itself; may be long.
    pub sentence: String,
    /// Its score, 0 to 1.
    pub score: f32,
    /// From here on it is a mismatch, 0 to 1.
    pub threshold: f32,
}

/// Why nothing passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Which kind of standstill.
    pub kind: NoticeKind,
    /// What is the matter, where that is known.
    pub cause: Option<Cause>,
    /// The reason, as the journal has it.
    pub reason: String,
    /// For how long.
    pub standing: Option<Duration>,
    /// What to do, in order.
    pub remedies: Vec<Remedy>,
}

/// Kinds of standstill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// Not ready yet.
    Starting,
    /// Held until somebody resumes.
    Held,
    /// Cannot work.
    Faulted,
}

/// What an operator can do about a standstill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Wait until the station is ready.
    Wait,
    /// Remove the rejected parts and look at them.
    InspectRejects,
    /// Check camera cable and power.
    CheckCamera,
    /// Check lens, light and position.
    CheckPhoto,
    /// Check the sensor that triggers, and its cable.
    CheckTrigger,
    /// Check the output lines and what they are connected to.
    CheckOutputs,
    /// Free or replace the disk of the evidence.
    CheckDisk,
    /// Show the known parts again.
    RunChallenge,
    /// Press resume.
    Resume,
    /// Restart the station.
    Restart,
    /// Call whoever services the station.
    CallService,
}

/// Known parts and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Every known part, in order.
    pub samples: Vec<Sample>,
    /// How it goes.
    pub state: ChallengeState,
}

/// A known part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Its name.
    pub name: String,
    /// The label of its fault; `None` for a conforming one.
    pub fault: Option<String>,
    /// What was found, once it was judged.
    pub found: Option<SampleResult>,
}

/// What a known part came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleResult {
    /// Judged as it is known to be.
    AsExpected,
    /// Judged otherwise.
    Otherwise,
    /// Not inspected.
    NotInspected,
}

/// How a challenge goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengeState {
    /// Parts are being judged.
    Running,
    /// Every part was judged as it is known to be.
    Passed,
    /// Some were not: the line stays held.
    Failed,
}

/// Another recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipeChange {
    /// The recipe that was asked for or is pointed at.
    pub requested: String,
    /// What there is to choose from, in order.
    pub available: Vec<String>,
    /// How far it is.
    pub state: ChangeState,
}

/// How far a change of recipe is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeState {
    /// The operator is choosing.
    Choosing,
    /// It is loaded and challenged; the old one is still in force.
    Preparing,
    /// It is in force and was read back.
    InForce,
    /// It was refused for this reason; the old one is in force.
    Refused(String),
}

/// Scores and conditions over time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trend {
    /// The last parts, oldest first; the newest [`TREND_PARTS`] are shown.
    pub scores: Vec<TrendScore>,
    /// Conditions of the photos.
    pub drift: Vec<Drift>,
}

/// So many scores a trend shows.
pub const TREND_PARTS: usize = 200;

/// The score of one part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrendScore {
    /// Of the sentence that came closest, 0 to 1; `None`: not inspected.
    pub score: Option<f32>,
    /// That sentence's threshold, 0 to 1.
    pub threshold: f32,
}

/// One condition of the photos over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// Which.
    pub quantity: Quantity,
    /// Its values, oldest first.
    pub values: Vec<f32>,
    /// Warned at, once what is usual is known; the low one, the high one.
    pub limits: Option<(f32, f32)>,
    /// What was made of it.
    pub state: DriftState,
}

/// Conditions of the photos.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Sharpness.
    Focus,
    /// Brightness.
    Exposure,
    /// Shift against the reference.
    Framing,
    /// Distance of the mean embedding of conforming parts.
    Embedding,
    /// Scores of conforming parts over their threshold.
    Score,
}

/// What was made of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriftState {
    /// What is usual is being learned.
    Learning,
    /// Inside its limits.
    Good,
    /// Somebody should look.
    Warned,
    /// The line is held.
    Held,
}

/// A button on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Button {
    /// What it does.
    pub kind: ButtonKind,
    /// Whether pressing it does anything now.
    pub is_enabled: bool,
}

/// What a button does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ButtonKind {
    /// Says that the message was seen.
    Acknowledge,
    /// Holds the line.
    Hold,
    /// Lets it go on.
    Resume,
    /// Shows known parts.
    Challenge,
    /// Goes to the next recipe of the list.
    NextRecipe,
    /// Takes the recipe that is pointed at.
    SelectRecipe,
    /// Goes to the next screen.
    NextScreen,
}

/// What the operator may do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    /// Go on after a hold.
    pub resume: bool,
    /// Show known parts.
    pub challenge: bool,
    /// Take another recipe.
    pub recipe: bool,
}

/// The buttons of a screen: the same places on every one, and what would do nothing now is shown so.
pub fn operator_buttons(health: Health, screen: &Screen, allowed: Allowed) -> Vec<Button> {
    let is_choosing =
        matches!(screen, Screen::RecipeChange(change) if change.state == ChangeState::Choosing);
    let button = |kind, is_enabled| Button { kind, is_enabled };
    vec![
        button(ButtonKind::Acknowledge, true),
        match health {
            Health::Held => button(ButtonKind::Resume, allowed.resume),
            _ => button(ButtonKind::Hold, true),
        },
        button(ButtonKind::Challenge, allowed.challenge),
        button(ButtonKind::NextRecipe, allowed.recipe),
        match is_choosing {
            true => button(ButtonKind::SelectRecipe, allowed.recipe && allowed.challenge),
            false => button(ButtonKind::NextScreen, true),
        },
    ]
}

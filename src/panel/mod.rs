//! The operator's screen: what failed and why, to be seen in one second.
//!
//! Owns what a screen shows ([`Scene`], plain data), its layout from 320x240 to 1280x800 in both
//! orientations, its words in English and Japanese, its font, the drawing of changed areas
//! on any `DrawTarget` ([`Panel`]), the displays of the box ([`Display`]) and the thread that draws
//! on one ([`PanelThread`]).
//!
//! It does not know the station: whoever runs one fills in scenes, and never waits for the screen.

mod budget;
mod canvas;
mod demo;
mod display;
mod drawing;
mod error;
mod face;
mod ink;
mod layout;
mod locale;
mod mailbox;
mod picture;
mod scene;
mod screen;
mod sign;
#[cfg(test)]
mod tests;
mod text;
mod theme;
mod thread;
mod widget;
mod wrap;

pub use embedded_graphics::geometry::Size;

pub use demo::{DemoFrames, scenes as demo_scenes};
pub use display::{
    Display, DisplayConfig, DisplayDevice, Framebuffer, Kms, Memory, SpiModel, SpiPanel, Turn,
};
pub use drawing::{Drawn, Panel};
pub use error::Error;
pub use scene::{
    Allowed, Button, ButtonKind, Cause, Challenge, ChallengeState, ChangeState, Counters, Drift,
    DriftState, FaultBox, Finding, Health, Language, Notice, NoticeKind, Outcome, Part, Quantity,
    RecipeChange, Refused, Remedy, Sample, SampleResult, Scene, Screen, Strip, TREND_PARTS, Trend,
    TrendScore, operator_buttons,
};
pub use screen::buttons;
pub use thread::{PanelCounts, PanelThread};

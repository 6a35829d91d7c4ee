//! CLIP with gradients: both towers, their weights under Hugging Face's names.
//!
//! Owns the forward passes that training needs, the parameters, and reading and writing them as a
//! Hugging Face directory's `model.safetensors`. What a model looks like is said by
//! [`pairspec::clip::Config`], as at import.
//!
//! It knows no loss and no data.

mod clip;
mod init;
mod ops;
mod parameters;
mod text;
mod tower;
mod vision;

pub(crate) use clip::Clip;
pub(crate) use parameters::{LOGIT_SCALE, NO_CHANGE_LOGIT, Parameters, Trained};
pub(crate) use text::{END, START, Sentences, TextTower};
pub(crate) use vision::{VisionTower, patches};

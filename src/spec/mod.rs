//! Spec sheets: what is written about a product, and its sentences as cached text embeddings.
//!
//! Owns the TOML of spec sheets and of class lists, the rules that turn paraphrases and
//! comparative partners into one unit vector per sentence, and the cache file those vectors live
//! in, so that inspection never loads a text tower.
//!
//! It sees no image; the text encoder is handed in as a function.

mod cache;
mod embed;
mod error;
mod sheet;

pub use cache::Cache;
pub use embed::embed;
pub use error::Error;
pub use sheet::{
    Class, ClassList, Comparative, Kind, Label, Partner, Prompt, Severity, Sheet, Spec,
};

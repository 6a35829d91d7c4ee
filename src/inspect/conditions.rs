//! What must hold of a pair's photos before anything is judged by them.

use crate::align::{self, Aligned, PhotoFigures};
use crate::frame::Frame;
use crate::recipe::Recipe;
use crate::verdict::{NotInspected, Stage};

/// The photo's figures if they are within the recipe's conditions; `role` names the frame in the pair.
pub(super) fn photo(
    frame: &Frame,
    role: &str,
    recipe: &Recipe,
) -> Result<PhotoFigures, NotInspected> {
    let config = &recipe.photo;
    let figures = align::measure(frame, config.profile);
    let faults = align::check(&figures, config);
    if faults.is_empty() {
        return Ok(figures);
    }
    let facts: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
    let detail = format!("{} ({role}): {}", frame.origin(), facts.join("; "));
    Err(NotInspected::new(Stage::Photo, detail))
}

/// The test frame in the reference's coordinates.
pub(super) fn aligned(
    reference: &Frame,
    test: &Frame,
    recipe: &Recipe,
) -> Result<Aligned, NotInspected> {
    align::align(reference, test, &recipe.align)
        .map_err(|error| NotInspected::new(Stage::Align, error))
}

/// All that is wrong with the photos of a pair by its recipe, without a model: a pair that has none of
/// it is one that inspection takes.
///
/// Registration is tried where both photos are within their conditions.
pub fn complaints(reference: &Frame, test: &Frame, recipe: &Recipe) -> Vec<NotInspected> {
    let photos = [(reference, "reference"), (test, "test")];
    let mut found: Vec<NotInspected> =
        photos.iter().filter_map(|(frame, role)| photo(frame, role, recipe).err()).collect();
    if found.is_empty() {
        found.extend(aligned(reference, test, recipe).err());
    }
    found
}

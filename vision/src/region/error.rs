/// Why no region can be named.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The frames of the pair are not aligned with each other.
    #[error(
        "{reference} is {reference_px:?} pixels and {test} is {test_px:?}; \
         regions need frames of one size, register the pair first"
    )]
    SizeMismatch {
        /// Origin of the reference frame.
        reference: String,
        /// Its width and height.
        reference_px: (u32, u32),
        /// Origin of the test frame.
        test: String,
        /// Its width and height.
        test_px: (u32, u32),
    },
    /// The frames share no pixel that can be compared.
    #[error("{origin}: nothing left to compare inside {overlap:?}; is the part in the frame?")]
    NoOverlap {
        /// Origin of the test frame.
        origin: String,
        /// The overlap as given: x, y, width, height.
        overlap: [u32; 4],
    },
    /// Too few pixels to tell a change from a moved edge.
    #[error(
        "{origin}: {width}x{height} pixels to compare, changes with an edge tolerance of \
         {edge_tolerance_px} px need at least {least}x{least}; use mode = \"frame\""
    )]
    TooSmall {
        /// Origin of the test frame.
        origin: String,
        /// Columns of the overlap.
        width: u32,
        /// Rows of the overlap.
        height: u32,
        /// The tolerance of the recipe.
        edge_tolerance_px: u32,
        /// The least width and height.
        least: u32,
    },
    /// A value of the `[region]` section that cannot work.
    #[error("region.{key} = {found}: {expected}")]
    BadConfig {
        /// The key.
        key: &'static str,
        /// Its value.
        found: u64,
        /// What it may be.
        expected: String,
    },
}

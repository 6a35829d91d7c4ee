/// Why a pair could not be aligned, or a section of the recipe is not usable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value of the recipe out of its range.
    #[error("[{section}] {key} = {found}, must be {} to {}", range[0], range[1])]
    Config {
        /// The section of the recipe.
        section: &'static str,
        /// The key in it.
        key: &'static str,
        /// The value.
        found: f32,
        /// Least and largest value.
        range: [f32; 2],
    },
    /// Sizes that no permitted motion explains.
    #[error(
        "{test}: {}x{} pixels, the reference {}x{}; is it the same camera, crop and recipe?",
        test_size[0], test_size[1], reference_size[0], reference_size[1]
    )]
    Sizes {
        /// Where the test frame came from.
        test: String,
        /// Its columns and rows.
        test_size: [u32; 2],
        /// Those of the reference.
        reference_size: [u32; 2],
    },
    /// Fewer pixels than registration needs.
    #[error(
        "{origin}: {}x{} pixels, at least {limit}x{limit} are needed to align; \
         use mode = \"none\" for smaller frames", size[0], size[1]
    )]
    TooSmall {
        /// Where the frame came from.
        origin: String,
        /// Its columns and rows.
        size: [u32; 2],
        /// The least side.
        limit: u32,
    },
    /// Nothing to align by.
    #[error(
        "{origin}: too little structure to align by ({found} textured blocks, at least {limit}); \
         is the lamp on and the lens uncovered? use mode = \"none\" for plain surfaces"
    )]
    NoTexture {
        /// Where the frame came from.
        origin: String,
        /// Blocks with structure.
        found: usize,
        /// Blocks needed.
        limit: usize,
    },
    /// The frames do not show the same thing, or not well enough.
    #[error(
        "{test}: does not align with the reference: residual {residual:.2}, at most {limit:.2}; \
         is it the same part and side, within the limits of [align]?"
    )]
    NotAligned {
        /// Where the test frame came from.
        test: String,
        /// The residual of the best alignment found.
        residual: f32,
        /// The recipe's limit.
        limit: f32,
    },
    /// Aligned, but moved further than the recipe allows.
    #[error("{test}: {quantity} {found:.2} {unit}, at most {limit:.2}; check the fixture")]
    Beyond {
        /// Where the test frame came from.
        test: String,
        /// What was measured: "shift", "rotation", "change of size", "local shift".
        quantity: &'static str,
        /// The value measured.
        found: f32,
        /// The recipe's limit.
        limit: f32,
        /// Its unit.
        unit: &'static str,
    },
    /// Two shifts fit equally well and neither is clearly the smaller.
    #[error(
        "{test}: a repeating pattern fits at a shift of ({:.1}, {:.1}) and of ({:.1}, {:.1}) px; \
         set max_shift_px below half its period", first[0], first[1], second[0], second[1]
    )]
    Ambiguous {
        /// Where the test frame came from.
        test: String,
        /// One shift, in pixels.
        first: [f32; 2],
        /// The other.
        second: [f32; 2],
    },
    /// Too little of the reference is covered by the aligned test frame.
    #[error(
        "{test}: covers {found:.0} % of the reference once aligned, at least {limit:.0} %; \
         check the framing"
    )]
    Overlap {
        /// Where the test frame came from.
        test: String,
        /// Percent of the reference covered.
        found: f32,
        /// The recipe's limit.
        limit: f32,
    },
}

/// The six ways in which an etched board goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BoardFault {
    /// A trace is interrupted.
    Open,
    /// Two nets are joined.
    Short,
    /// The contour of copper has a notch.
    Mousebite,
    /// The contour of copper has a bump.
    Spur,
    /// Copper lies where there should be none.
    Copper,
    /// Copper has a hole that was not drilled.
    PinHole,
}

impl BoardFault {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Open, Self::Short, Self::Mousebite, Self::Spur, Self::Copper, Self::PinHole];

    /// The spec id that it violates.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Short => "short",
            Self::Mousebite => "mousebite",
            Self::Spur => "spur",
            Self::Copper => "copper",
            Self::PinHole => "pin-hole",
        }
    }

    /// What a caption says of a board with one of it.
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Open => "a broken trace",
            Self::Short => "a short between two traces",
            Self::Mousebite => "a notch in the edge of a trace",
            Self::Spur => "a spur on the edge of a trace",
            Self::Copper => "a spot of spurious copper",
            Self::PinHole => "a pin-hole in the copper",
        }
    }

    /// Whether it is copper too much rather than too little.
    pub(crate) const fn adds(self) -> bool {
        matches!(self, Self::Short | Self::Spur | Self::Copper)
    }
}

/// The ways in which the mounting of a cap or gasket goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CapFault {
    /// The seat is empty.
    Missing,
    /// The part is not level or not in its seat.
    Crooked,
    /// A line is scratched into the part.
    Scratch,
    /// Something else lies there: a fibre, a chip, a drop.
    ForeignBody,
}

impl CapFault {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Missing, Self::Crooked, Self::Scratch, Self::ForeignBody];

    /// The spec id that it violates.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Missing => "missing-part",
            Self::Crooked => "crooked-part",
            Self::Scratch => "scratch",
            Self::ForeignBody => "foreign-body",
        }
    }

    /// What a caption says of a part with it.
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Missing => "an empty seat",
            Self::Crooked => "a crooked part",
            Self::Scratch => "a scratch",
            Self::ForeignBody => "a foreign body",
        }
    }
}

/// The ways in which a printed label goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LabelFault {
    /// A line, code or mark was not printed.
    Missing,
    /// The ink was wiped before it was dry.
    Smeared,
    /// Another text or mark was printed.
    Wrong,
    /// The print is not where it should be.
    Shifted,
    /// The code is that of another product.
    WrongCode,
}

impl LabelFault {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Missing, Self::Smeared, Self::Wrong, Self::Shifted, Self::WrongCode];

    /// The spec id that it violates.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Missing => "missing-print",
            Self::Smeared => "smeared-print",
            Self::Wrong => "wrong-print",
            Self::Shifted => "shifted-print",
            Self::WrongCode => "wrong-code",
        }
    }

    /// What a caption says of a label with it.
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Missing => "missing print",
            Self::Smeared => "smeared print",
            Self::Wrong => "wrong print",
            Self::Shifted => "shifted print",
            Self::WrongCode => "a wrong code",
        }
    }
}

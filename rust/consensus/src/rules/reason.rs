//! Why a block is rejected, and by how many of the rules it is judged.

use crate::python::value::Value;

/// Why a block is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A required field is missing or evaluating a rule raised an exception.
    Malformed,
    /// Rule 1.
    UnknownParent,
    /// Rule 2.
    BadHeight,
    /// Rule 3.
    BadTimestamp,
    /// Rule 4.
    MissingProof,
    /// Rule 5.
    BadMerkleRoot,
    /// Rule 6, first half.
    MissingComplexity,
    /// Rule 6, second half.
    NoWork,
    /// Rule 7.
    BadBlockHash,
    /// Rule 8.
    BadProof,
    /// Rule 9.
    BadTierSize,
}

impl Reason {
    /// The reason code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownParent => "unknown_parent",
            Self::BadHeight => "bad_height",
            Self::BadTimestamp => "bad_timestamp",
            Self::MissingProof => "missing_proof",
            Self::BadMerkleRoot => "bad_merkle_root",
            Self::MissingComplexity => "missing_complexity",
            Self::NoWork => "no_work",
            Self::BadBlockHash => "bad_block_hash",
            Self::BadProof => "bad_proof",
            Self::BadTierSize => "bad_tier_size",
        }
    }
}

/// How many of the rules are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Rules 1 to 6.
    Header,
    /// Rules 1 to 9.
    Full,
}

impl Profile {
    /// The profile of a name in settings and calls.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "header" => Some(Self::Header),
            "full" => Some(Self::Full),
            _ => None,
        }
    }
}

/// A rule that a block breaks.
#[derive(Debug, Clone)]
pub struct Reject {
    /// Which one.
    pub reason: Reason,
    /// What the block has.
    pub value: Value<'static>,
    /// What the rule holds it against: a bound, both bounds, or what it should be; null where there is none.
    pub limit: Value<'static>,
}

impl Reject {
    /// A value that does not keep to a limit.
    pub(crate) fn of(reason: Reason, value: Value<'_>, limit: Value<'_>) -> Box<Self> {
        Box::new(Self { reason, value: value.into_owned(), limit: limit.into_owned() })
    }

    /// A block that evaluating a rule raised on, or that lacks a field.
    pub(crate) fn malformed() -> Box<Self> {
        Self::of(Reason::Malformed, Value::Null, Value::Null)
    }
}

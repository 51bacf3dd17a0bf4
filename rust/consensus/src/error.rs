//! What can stop an evaluation: a Python exception (a verdict) or a failure of the engine (never a verdict).

use thiserror::Error;

/// Kind of the Python exception that an expression of the rules raises.
///
/// Only some kinds are swallowed by some expressions; the rest makes the block `malformed` whatever its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Exception {
    /// An operation on values of the wrong types, or an unhashable value hashed.
    #[error("TypeError")]
    Type,
    /// A right type with a wrong value.
    #[error("ValueError")]
    Value,
    /// An integer too large for a double, or a power out of range.
    #[error("OverflowError")]
    Overflow,
    /// Division by zero, or zero to a negative power.
    #[error("ZeroDivisionError")]
    ZeroDivision,
    /// A value that has no such method.
    #[error("AttributeError")]
    Attribute,
    /// A key that is read and missing.
    #[error("KeyError")]
    Key,
}

/// Failure of the engine itself. The caller must not take it for a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EngineError {
    /// The evaluation needed more steps than it was given.
    #[error("work budget of {0} steps is used up; judge this block by the other engine and report it")]
    BudgetExceeded(u64),
    /// The tree changed after this judgement was made.
    #[error("judgement of tree generation {judged} applied to generation {current}; judge the block again")]
    StaleJudgement {
        /// Generation the judgement was made for.
        judged: u64,
        /// Generation of the tree now.
        current: u64,
    },
    /// The block lies outside the parity domain: only the legacy engine can judge it.
    #[error("outside the parity domain: {0}")]
    OutOfDomain(String),
    /// The caller gave something that cannot be a node, a genesis or an export.
    #[error("{0}")]
    Invalid(String),
    /// A deliberate fault of a fault build.
    #[error("deliberate fault: {0}")]
    Fault(&'static str),
}

/// Why an evaluation stopped early.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Halt {
    /// Python would have raised.
    #[error(transparent)]
    Raised(#[from] Exception),
    /// The engine failed.
    #[error(transparent)]
    Failed(#[from] EngineError),
}

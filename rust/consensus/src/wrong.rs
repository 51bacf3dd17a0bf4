//! Deliberately wrong rules, to show that the comparison with the Python engine finds them.
//!
//! Compiled only with the feature `wrong-rules`; without it [`is`] is constantly false and nothing of them is left.
//! `COINJECTURE_WRONG_RULE` chooses one, once per process, so that one build serves them all.

use crate::tree::Node;

/// One small mistake in a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// A comparison: a block may be as old as its parent.
    Timestamp,
    /// A comparison: of equal sums the later one wins too, if it arrives in the same moment.
    Tie,
    /// A comparison: the largest size of a tier is outside.
    TierBound,
    /// An order of evaluation: the sum becomes an integer before the node is in the tree.
    SumFirst,
    /// An order of evaluation: two factors of the score are multiplied first.
    Association,
    /// A rounding: a product and a sum are rounded once instead of twice.
    Fused,
    /// An argument order: the larger of a NaN and zero.
    LargerOfNan,
    /// An escape: DEL is written as it is.
    Delete,
    /// A layout: the exponent form begins one power of ten late; until then a library writes its own.
    Exponent,
    /// A summation: floats are added as later Pythons add them.
    Compensated,
}

/// Whether this mistake is the chosen one.
#[cfg(not(feature = "wrong-rules"))]
#[must_use]
pub const fn is(_: Wrong) -> bool {
    false
}

/// Whether this mistake is the chosen one.
#[cfg(feature = "wrong-rules")]
#[must_use]
pub fn is(wrong: Wrong) -> bool {
    static CHOSEN: std::sync::OnceLock<Option<Wrong>> = std::sync::OnceLock::new();
    let chosen = CHOSEN.get_or_init(|| {
        let name = std::env::var("COINJECTURE_WRONG_RULE").unwrap_or_default();
        NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, wrong)| wrong)
    });
    *chosen == Some(wrong)
}

/// A tie that a block wins as well if it arrived in the same moment as the tip.
#[must_use]
#[allow(clippy::float_cmp)] // as the rule compares them
pub fn late_tie(node: &Node, tip: &Node) -> bool {
    node.cumulative == tip.cumulative && node.received_at <= tip.received_at
}

/// A sum that becomes no integer.
#[must_use]
pub const fn endless(sum: f64) -> bool {
    !sum.is_finite()
}

/// The product of three factors, the last two multiplied first.
#[must_use]
pub fn associated(first: f64, second: f64, third: f64) -> f64 {
    first * (second * third)
}

/// A bound that leaves itself out.
#[must_use]
pub const fn one_less(bound: i64) -> i64 {
    bound - 1
}

/// The power of ten after this one.
#[must_use]
pub const fn a_power_later(power: f64) -> f64 {
    power * 10.0
}

/// The names by which one is chosen.
#[cfg(feature = "wrong-rules")]
pub const NAMES: [(&str, Wrong); 10] = [
    ("timestamp", Wrong::Timestamp),
    ("tie", Wrong::Tie),
    ("tier_bound", Wrong::TierBound),
    ("sum_first", Wrong::SumFirst),
    ("association", Wrong::Association),
    ("fused", Wrong::Fused),
    ("larger_of_nan", Wrong::LargerOfNan),
    ("delete", Wrong::Delete),
    ("exponent", Wrong::Exponent),
    ("compensated", Wrong::Compensated),
];

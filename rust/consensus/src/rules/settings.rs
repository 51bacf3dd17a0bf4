//! What of the surroundings the rules depend on.

use std::ops::RangeInclusive;

use super::reason::Profile;
use crate::budget::DEFAULT_BUDGET;

/// Minors of the Python 3 whose rules are known: the oldest that a node runs on, and the newest whose `sum` and whose
/// digits were looked at. What another one does with a block is not known, so no engine may claim to judge as it does.
pub const PYTHON_MINORS: RangeInclusive<u8> = 11..=14;

/// What of the surroundings the rules depend on.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Minor of the Python 3 whose semantics hold: `sum` changed in 3.12 and 3.14.
    pub python_minor: u8,
    /// Steps one judgement may take.
    pub work_budget: u64,
    /// Profile that a network uses for every call, if it pins one.
    pub pin_profile: Option<Profile>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { python_minor: 11, work_budget: DEFAULT_BUDGET, pin_profile: None }
    }
}

impl Rules {
    /// The profile by which a call that asks for one is judged.
    #[must_use]
    pub fn profile(&self, asked: Profile) -> Profile {
        self.pin_profile.unwrap_or(asked)
    }
}

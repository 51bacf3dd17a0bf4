//! The work budget: a count of steps after which an evaluation gives up by itself.
//!
//! Native code that holds the interpreter lock cannot be stopped from outside, so every loop whose length a block
//! decides is paid for here. A step is about one element looked at or [`BYTES_PER_STEP`] bytes read.

use crate::error::EngineError;

/// Budget of one judgement where nothing else is configured. No block of the domain comes near: whatever is looked
/// up is hashed or searched in one go, so there are at most a few steps for each of its bytes, a mebibyte of them.
pub const DEFAULT_BUDGET: u64 = 200_000_000;

/// Bytes that count as one step where text is searched or hashed.
pub const BYTES_PER_STEP: u64 = 16;

/// Steps left for one evaluation.
#[derive(Debug, Clone)]
pub struct Budget {
    limit: u64,
    left: u64,
}

impl Budget {
    /// A budget of `limit` steps.
    #[must_use]
    pub const fn new(limit: u64) -> Self {
        Self { limit, left: limit }
    }

    /// Pays `steps`.
    ///
    /// # Errors
    /// [`EngineError::BudgetExceeded`] if fewer are left.
    pub fn spend(&mut self, steps: u64) -> Result<(), EngineError> {
        match self.left.checked_sub(steps) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                Err(EngineError::BudgetExceeded(self.limit))
            }
        }
    }

    /// Pays for looking at `count` elements.
    ///
    /// # Errors
    /// [`EngineError::BudgetExceeded`] if too few steps are left.
    pub fn spend_elements(&mut self, count: usize) -> Result<(), EngineError> {
        self.spend(u64::try_from(count).unwrap_or(u64::MAX))
    }

    /// Pays for reading `count` bytes.
    ///
    /// # Errors
    /// [`EngineError::BudgetExceeded`] if too few steps are left.
    pub fn spend_bytes(&mut self, count: usize) -> Result<(), EngineError> {
        self.spend(u64::try_from(count).unwrap_or(u64::MAX) / BYTES_PER_STEP + 1)
    }

    /// Steps used so far.
    #[must_use]
    pub const fn used(&self) -> u64 {
        self.limit.saturating_sub(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_used_up_exactly_once_it_is_short() {
        let mut budget = Budget::new(10);
        assert_eq!(budget.spend(10), Ok(()));
        assert_eq!(budget.used(), 10);
        assert_eq!(budget.spend(1), Err(EngineError::BudgetExceeded(10)));
    }
}

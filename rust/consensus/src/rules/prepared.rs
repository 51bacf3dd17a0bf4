//! A block that was read and checked where no tree is known.

use super::evaluated::Evaluated;
use super::reason::Profile;
use super::settings::Rules;
use super::verdict::{self, Checked};
use crate::block::Block;

/// A block with all that is known of it without a tree.
#[derive(Debug)]
pub enum Prepared<'a> {
    /// The usual one.
    Checked(Evaluated, Checked),
    /// One that lacks a field or lies outside the domain.
    Other(Block<'a>),
}

impl<'a> Prepared<'a> {
    /// Reads a block and checks it by the rules of `profile` that need no tree.
    pub fn read(raw: &'a [u8], rules: &Rules, profile: Profile) -> Self {
        let block = Block::read(raw);
        let checked = block.fields().filter(|_| block.out_of_domain().is_none()).map(|fields| {
            let evaluated = Evaluated::of(&block, &fields, rules.python_minor);
            let checked = verdict::check_content(&evaluated, &fields, rules, profile);
            Self::Checked(evaluated, checked)
        });
        checked.unwrap_or(Self::Other(block))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{EngineError, Halt};
    use crate::fixtures::child;
    use crate::rules::reason::Reason;

    /// Added one by one these are 1e16; where the errors are carried along, 2 more.
    fn checked(minor: u8, budget: u64) -> Option<Result<Option<Reason>, Halt>> {
        let text = child(1, 0, 1)
            .replace("{\"size\": 9}", "{\"size\": 9, \"numbers\": [1e16, 1.0, 0.75], \"target\": 1e16}")
            .replace("\"solution\": [1]", "\"solution\": [1e16, 1.0, 0.75]");
        let hash = crate::python::key::hex(&Block::read(text.as_bytes()).computed_hash().ok()?);
        let text = text.replace("\"block_hash\": \"1\"", &format!("\"block_hash\": \"{hash}\""));
        let rules = Rules { python_minor: minor, work_budget: budget, pin_profile: None };
        match Prepared::read(text.as_bytes(), &rules, Profile::Full) {
            Prepared::Checked(_, checked) => Some(checked.map(|reject| reject.map(|reject| reject.reason))),
            Prepared::Other(_) => None,
        }
    }

    #[test]
    fn a_proof_is_checked_as_the_rules_say() {
        assert_eq!(checked(11, 1000), Some(Ok(None)));
        assert_eq!(checked(12, 1000), Some(Ok(Some(Reason::BadProof))));
        assert_eq!(checked(11, 1), Some(Err(Halt::Failed(EngineError::BudgetExceeded(1)))));
    }

    #[test]
    fn what_lacks_a_field_or_lies_outside_the_domain_is_left_to_the_engine() {
        let far = child(1, 0, 1).replace("\"problem_size\": 1", "\"problem_size\": 5000").replace("O(1)", "O(2^n)");
        for text in ["no block", "{}", far.as_str()] {
            let prepared = Prepared::read(text.as_bytes(), &Rules::default(), Profile::Full);
            assert!(matches!(prepared, Prepared::Other(_)), "{text}");
        }
    }
}

//! What of a block its verdict takes, whatever the tree: its keys, its hash, its work score, and rules 4 to 9.
//!
//! It is small and owns what it holds. So a thread that knows no tree can compute it, and the block, with all its
//! numbers and texts, is done with before the tree is asked.

use crate::block::{tier_bounds, Block, Fields};
use crate::budget::Budget;
use crate::engine::Rules;
use crate::error::{Exception, Halt};
use crate::key::{Key, Named};
use crate::proof;
use crate::value::Value;
use crate::verdict::{Claim, Profile, Reason};
use crate::work::work;
use crate::wrong::{self, Wrong};

/// What is left of a block that has all its fields.
#[derive(Debug)]
pub struct Content {
    /// The hash that the block claims.
    pub claim: Claim,
    /// Its parent's key, or what making a key of it raises.
    pub parent: Result<Named, Exception>,
    /// Its position as it says it.
    pub index: Value<'static>,
    /// Its time as it says it.
    pub timestamp: Value<'static>,
    /// The hash of its content, or what computing it raises.
    pub hash: Result<[u8; 32], Exception>,
    /// Its work score, or what computing it raises; `None` without a complexity.
    pub work: Option<Result<f64, Exception>>,
}

/// What rules 4 to 9, or 4 to 6, say: the first one that is broken, or what evaluating them raises.
pub type Checked = Result<Option<Reason>, Halt>;

impl Content {
    /// The content of a block with these fields, on Python 3.`minor`.
    pub fn of(block: &Block<'_>, fields: &Fields<'_, '_>, minor: u8) -> Self {
        Self {
            claim: Claim::of(fields.block_hash),
            parent: Named::of(fields.previous_hash),
            index: fields.index.clone().into_owned(),
            timestamp: fields.timestamp.clone().into_owned(),
            hash: block.hash_of(fields),
            work: fields.complexity.truthy().then(|| work(fields.complexity, minor)),
        }
    }

    /// Rules 4 to 6 or 4 to 9 of the block with these fields.
    pub fn check(&self, fields: &Fields<'_, '_>, rules: &Rules, profile: Profile) -> Checked {
        if !fields.problem.truthy() || !fields.solution.truthy() {
            return Ok(Some(Reason::MissingProof));
        }
        if !fields.merkle_root.truthy() || fields.merkle_root.length()? != 64 {
            return Ok(Some(Reason::BadMerkleRoot));
        }
        let Some(work) = self.work else { return Ok(Some(Reason::MissingComplexity)) };
        if work? <= 0.0 {
            return Ok(Some(Reason::NoWork));
        }
        match rules.profile(profile) {
            Profile::Header => Ok(None),
            Profile::Full => self.check_proof(fields, rules),
        }
    }

    /// Rules 7 to 9.
    fn check_proof(&self, fields: &Fields<'_, '_>, rules: &Rules) -> Checked {
        let computed = Key::Hash(self.hash?);
        if !matches!(&self.claim, Claim::Key(own) if own.key == computed) {
            return Ok(Some(Reason::BadBlockHash));
        }
        let mut budget = Budget::new(rules.work_budget);
        if !proof::solves(fields.problem, fields.solution, rules.python_minor, &mut budget)? {
            return Ok(Some(Reason::BadProof));
        }
        let (low, high) = tier_bounds(fields.mining_capacity).ok_or(Exception::Key)?;
        let size = fields.problem.dict()?.get(b"size").unwrap_or(&Value::Int(0));
        let high = if wrong::is(Wrong::TierBound) { wrong::one_less(high) } else { high };
        if Value::Int(low).at_most(size)? && size.at_most(&Value::Int(high))? {
            return Ok(None);
        }
        Ok(Some(Reason::BadTierSize))
    }
}

/// A block with all that is known of it without a tree.
#[derive(Debug)]
pub enum Prepared<'a> {
    /// The usual one.
    Checked(Content, Checked),
    /// One that lacks a field or lies outside the domain.
    Other(Block<'a>),
}

impl<'a> Prepared<'a> {
    /// Reads a block and checks it by the rules of `profile` that need no tree.
    pub fn read(raw: &'a [u8], rules: &Rules, profile: Profile) -> Self {
        let block = Block::read(raw);
        let checked = block.fields().filter(|_| block.out_of_domain().is_none()).map(|fields| {
            let content = Content::of(&block, &fields, rules.python_minor);
            let checked = content.check(&fields, rules, profile);
            Self::Checked(content, checked)
        });
        checked.unwrap_or(Self::Other(block))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::EngineError;
    use crate::fixtures::child;

    /// Added one by one these are 1e16; where the errors are carried along, 2 more.
    fn checked(minor: u8, budget: u64) -> Option<Checked> {
        let text = child(1, 0, 1)
            .replace("{\"size\": 9}", "{\"size\": 9, \"numbers\": [1e16, 1.0, 0.75], \"target\": 1e16}")
            .replace("\"solution\": [1]", "\"solution\": [1e16, 1.0, 0.75]");
        let hash = crate::key::hex(&Block::read(text.as_bytes()).computed_hash().ok()?);
        let text = text.replace("\"block_hash\": \"1\"", &format!("\"block_hash\": \"{hash}\""));
        let rules = Rules { python_minor: minor, work_budget: budget, pin_profile: None };
        match Prepared::read(text.as_bytes(), &rules, Profile::Full) {
            Prepared::Checked(_, checked) => Some(checked),
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

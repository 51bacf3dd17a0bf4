//! The nine rules, in their order. The first one that is broken is the verdict.
//!
//! Rules 1 to 3 ask the tree, 4 to 9 only the block. Whatever Python raises while a rule is evaluated makes the block
//! `malformed`; where the engine itself fails there is no verdict.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::evaluated::{Claim, Evaluated};
use super::reason::{Profile, Reason, Reject};
use super::settings::Rules;
use super::subset_sum;
use crate::block::schema::Fields;
use crate::block::tier::tier_bounds;
use crate::budget::Budget;
use crate::chain::node::Parent;
use crate::error::{Exception, Halt};
use crate::python::key::{hex_digits, Key};
use crate::python::number::Num;
use crate::python::value::Value;

/// What some of the rules say of a block: the first one that is broken, or what evaluating them raises.
pub type Checked = Result<Option<Box<Reject>>, Halt>;

/// Length of a Merkle root, in hex digits.
const MERKLE_ROOT_LENGTH: usize = 64;

/// Rules 1 to 3: the place under the parent.
pub fn check_place(block: &Evaluated, parent: Option<&Parent>) -> Checked {
    let index = block.index.num()?;
    if !index.greater(&Num::Int(0)) {
        return Ok(None);
    }
    let key = block.parent.as_ref().map_err(|error| *error)?;
    let Some(parent) = parent else { return broken(Reason::UnknownParent, key.value(), Value::Null) }; // rule 1
    let height = next_height(parent)?;
    if index.compare(&height) != Some(Ordering::Equal) {
        return broken(Reason::BadHeight, index.into(), height.into()); // rule 2
    }
    if block.timestamp.at_most(&parent.timestamp)? {
        return broken(Reason::BadTimestamp, block.timestamp.clone(), parent.timestamp.clone());
        // rule 3
    }
    Ok(None)
}

/// Rules 4 to 6, or 4 to 9: the content.
pub fn check_content(block: &Evaluated, fields: &Fields<'_, '_>, rules: &Rules, profile: Profile) -> Checked {
    for part in [fields.problem, fields.solution] {
        if !part.truthy() {
            return broken(Reason::MissingProof, part.clone(), Value::Null); // rule 4
        }
    }
    let root = fields.merkle_root;
    if !root.truthy() || root.length()? != MERKLE_ROOT_LENGTH {
        return broken(Reason::BadMerkleRoot, root.clone(), whole(MERKLE_ROOT_LENGTH));
        // rule 5
    }
    let Some(work) = block.work else {
        return broken(Reason::MissingComplexity, fields.complexity.clone(), Value::Null);
        // rule 6
    };
    let work = work?;
    if work <= 0.0 {
        return broken(Reason::NoWork, Value::Float(work), Value::Float(0.0)); // rule 6
    }
    match rules.profile(profile) {
        Profile::Header => Ok(None),
        Profile::Full => check_proof(block, fields, rules),
    }
}

/// Rules 7 to 9: hash, subset sum, size.
fn check_proof(block: &Evaluated, fields: &Fields<'_, '_>, rules: &Rules) -> Checked {
    let hash = block.hash?;
    let computed = Key::Hash(hash);
    if !matches!(&block.claim, Claim::Key(own) if own.key == computed) {
        let digits = hex_digits(&hash);
        return broken(Reason::BadBlockHash, fields.block_hash.clone(), Value::Str(Cow::Borrowed(&digits)));
        // rule 7
    }
    let mut budget = Budget::new(rules.work_budget);
    if !subset_sum::solves(fields.problem, fields.solution, rules.python_minor, &mut budget)? {
        let target = fields.problem.dict()?.get(b"target").cloned();
        return broken(Reason::BadProof, fields.solution.clone(), target.unwrap_or_default());
        // rule 8
    }
    let (low, high) = tier_bounds(fields.mining_capacity).ok_or(Exception::Key)?;
    let size = fields.problem.dict()?.get(b"size").unwrap_or(&Value::Int(0));
    if Value::Int(low).at_most(size)? && size.at_most(&Value::Int(high))? {
        return Ok(None);
    }
    broken(Reason::BadTierSize, size.clone(), Value::List(vec![Value::Int(low), Value::Int(high)]))
    // rule 9
}

fn broken(reason: Reason, value: Value<'_>, limit: Value<'_>) -> Checked {
    Ok(Some(Reject::of(reason, value, limit)))
}

fn whole(count: usize) -> Value<'static> {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// `parent.height + 1`
pub fn next_height(parent: &Parent) -> Result<Num, Exception> {
    parent.height.num()?.add(&Num::Int(1))
}

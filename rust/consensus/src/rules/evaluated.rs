//! What of a block its verdict takes, whatever the tree: its keys, its hash, its work score.
//!
//! It is small and owns what it holds. So a thread that knows no tree can compute it, and the block, with all its
//! numbers and texts, is done with before the tree is asked.

use super::work::work;
use crate::block::schema::Fields;
use crate::block::Block;
use crate::error::Exception;
use crate::python::key::Named;
use crate::python::value::Value;

/// The hash that a block claims, whatever it is.
#[derive(Debug, Clone)]
pub enum Claim {
    /// The block has none.
    Missing,
    /// What can be a key of the tree.
    Key(Named),
    /// A list or a dict.
    Other(Value<'static>),
}

impl Claim {
    pub(crate) fn of(value: &Value<'_>) -> Self {
        Named::of(value).map_or_else(|_| Self::Other(value.clone().into_owned()), Self::Key)
    }
}

/// What a block that has all its fields evaluates to.
#[derive(Debug)]
pub struct Evaluated {
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

impl Evaluated {
    /// Evaluates a block with these fields, on Python 3.`minor`.
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
}

//! A node of the block tree.

use crate::python::key::Named;
use crate::python::value::Value;

/// A node with its keys spelled out.
#[derive(Debug, Clone)]
pub struct Node {
    /// The block's hash, as the block says it.
    pub hash: Named,
    /// The block's `previous_hash`.
    pub parent: Named,
    /// Height: the parent's plus one, of a root its `index` (so it may be any Python number).
    pub height: Value<'static>,
    /// Sum of the work scores.
    pub cumulative: f64,
    /// When the block arrived, in seconds.
    pub received_at: f64,
    /// The block's own time: rule 3 compares children with it.
    pub timestamp: Value<'static>,
    /// Number of the insertion; a replaced node and its replacement differ in it.
    pub serial: u64,
}

/// What a child's verdict depends on.
#[derive(Debug)]
pub struct Parent {
    pub(crate) slot: Slot,
    /// Its height.
    pub height: Value<'static>,
    /// Sum of the work scores up to it.
    pub cumulative: f64,
    /// Its block's own time.
    pub timestamp: Value<'static>,
}

/// Number of a key's slot.
pub(crate) type Slot = u32;

//! Fork choice: which node is the tip, and which nodes are final below it.

use std::cmp::Ordering;

use super::node::Node;
use crate::error::EngineError;
use crate::python::number::Num;
use crate::python::value::Value;

/// Whether a node takes the place of the tip: by a larger sum, or an equal one that arrived earlier.
#[must_use]
#[allow(clippy::float_cmp)] // as the rule compares them
pub fn beats(node: &Node, tip: &Node) -> bool {
    node.cumulative > tip.cumulative || (node.cumulative == tip.cumulative && node.received_at < tip.received_at)
}

/// `tip.height - node.height >= depth`, as Python evaluates it.
///
/// # Errors
/// [`EngineError::Invalid`] where Python raises: a height that fits no double beside one that is a double.
pub fn is_buried(tip: &Value<'_>, node: &Value<'_>, depth: i64) -> Result<bool, EngineError> {
    let difference = || tip.num()?.subtract(&node.num()?);
    let difference =
        difference().map_err(|error| EngineError::Invalid(format!("heights cannot be subtracted: {error}")))?;
    Ok(!matches!(difference.compare(&Num::Int(depth)), None | Some(Ordering::Less)))
}

//! `Judgement` and `Node`.

use coinjecture_consensus as core;
use coinjecture_consensus::python::hex;
use coinjecture_consensus::rules::Claim;
use coinjecture_consensus::Value;
use pyo3::prelude::*;

use crate::convert::{key_to_python, to_python};

/// Longest text of a value in a `repr`, in characters.
const SHOWN: usize = 80;

/// A value as `repr` shows it, if it is not too long.
pub fn shown(py: Python<'_>, value: &Value<'_>) -> PyResult<String> {
    let text = to_python(py, value)?.bind(py).repr()?.to_string_lossy().into_owned();
    Ok(match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    })
}

/// The value that breaks a rule, and the rule's limit.
pub fn value_and_limit(py: Python<'_>, reject: &core::rules::Reject) -> PyResult<(Py<PyAny>, Py<PyAny>)> {
    Ok((to_python(py, &reject.value)?, to_python(py, &reject.limit)?))
}

/// What a `repr` shows of a node.
pub fn node_text(py: Python<'_>, node: &core::chain::Node) -> PyResult<String> {
    let (hash, height) = (shown(py, &node.hash.value())?, shown(py, &node.height)?);
    let cumulative = shown(py, &Value::Float(node.cumulative))?;
    Ok(format!("block_hash={hash} height={height} cumulative={cumulative}"))
}

/// Python's hash of what an object says.
fn hash_of(text: &[u8]) -> u64 {
    use std::hash::{DefaultHasher, Hasher};
    let mut hasher = DefaultHasher::new();
    hasher.write(text);
    hasher.finish()
}

/// A node of the tree, without its block.
#[pyclass(frozen, module = "coinjecture._core")]
pub struct Node(pub core::chain::Node);

#[pymethods]
impl Node {
    /// The hash its block claims.
    #[getter]
    fn block_hash(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        key_to_python(py, &self.0.hash)
    }

    /// Its block's `previous_hash`.
    #[getter]
    fn parent(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        key_to_python(py, &self.0.parent)
    }

    /// The parent's height plus one, of a root its `index`.
    #[getter]
    fn height(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        to_python(py, &self.0.height)
    }

    /// Sum of the work scores.
    #[getter]
    fn cumulative(&self) -> f64 {
        self.0.cumulative
    }

    /// Receipt time in seconds.
    #[getter]
    fn received_at(&self) -> f64 {
        self.0.received_at
    }

    /// The block's own time.
    #[getter]
    fn timestamp(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        to_python(py, &self.0.timestamp)
    }

    /// Number of the insertion: a node and the one that replaced it differ in it.
    #[getter]
    fn serial(&self) -> u64 {
        self.0.serial
    }

    /// Equal are nodes that say the same, numbers to the bit; the number of the insertion does not count.
    fn __eq__(&self, other: &Self) -> bool {
        self.0.looks_like(&other.0)
    }

    fn __hash__(&self) -> u64 {
        hash_of(&self.0.to_text())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<Node {}>", node_text(py, &self.0)?))
    }
}

/// A verdict and what applying it does.
#[pyclass(frozen, module = "coinjecture._core")]
pub struct Judgement(pub core::Judgement);

#[pymethods]
impl Judgement {
    /// Whether the block is accepted.
    #[getter]
    fn accepted(&self) -> bool {
        self.0.accepted()
    }

    /// The reason code of a reject, else None.
    #[getter]
    fn reason(&self) -> Option<&'static str> {
        self.0.reason().map(core::Reason::code)
    }

    /// What the block has that breaks the rule of a reject; None where it is accepted or malformed.
    #[getter]
    fn value(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.0.reject.as_ref().map(|reject| to_python(py, &reject.value)).transpose()
    }

    /// What that rule holds it against: a bound, both bounds, or what it should be; None where there is none.
    #[getter]
    fn limit(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.0.reject.as_ref().map(|reject| to_python(py, &reject.limit)).transpose()
    }

    /// Equal are judgements that say the same of a block, numbers to the bit.
    fn __eq__(&self, other: &Self) -> bool {
        self.0.to_text() == other.0.to_text()
    }

    fn __hash__(&self) -> u64 {
        hash_of(&self.0.to_text())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let verdict = match (&self.0.reject, &self.0.node) {
            (Some(reject), _) => {
                let (value, limit) = (shown(py, &reject.value)?, shown(py, &reject.limit)?);
                format!("reject reason={} value={value} limit={limit}", reject.reason.code())
            }
            (None, Some(node)) => format!("accept {}", node_text(py, node)?),
            (None, None) => "accept".to_owned(),
        };
        Ok(format!("<Judgement {verdict}>"))
    }

    /// The hash the block claims, whatever it is.
    #[getter]
    fn block_hash(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match &self.0.block_hash {
            Claim::Missing => Ok(py.None()),
            Claim::Key(key) => key_to_python(py, key),
            Claim::Other(value) => to_python(py, value),
        }
    }

    /// Hash of the content as hex; None where the rules compute none.
    #[getter]
    fn computed_hash(&self) -> Option<String> {
        self.0.computed_hash.map(|hash| hex(&hash))
    }

    /// Work score; None where the rules compute none.
    #[getter]
    fn work(&self) -> Option<f64> {
        self.0.work
    }

    /// Whether applying puts a node into the tree. So it does for a reject whose sum is not finite.
    #[getter]
    fn inserts(&self) -> bool {
        self.0.node.is_some()
    }

    /// Height of the node that is put, else None.
    #[getter]
    fn height(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.0.node.as_ref().map_or_else(|| Ok(py.None()), |node| to_python(py, &node.height))
    }

    /// Sum of the node that is put, else None.
    #[getter]
    fn cumulative(&self) -> Option<f64> {
        self.0.node.as_ref().map(|node| node.cumulative)
    }

    /// `previous_hash` of the node that is put, else None.
    #[getter]
    fn parent(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.0.node.as_ref().map_or_else(|| Ok(py.None()), |node| key_to_python(py, &node.parent))
    }

    /// Whether the node becomes the tip.
    #[getter]
    fn moves_tip(&self) -> bool {
        self.0.moves_tip
    }

    /// Hash of the tip as it is after applying.
    #[getter]
    fn tip_hash(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        key_to_python(py, &self.0.tip_hash)
    }

    /// Sum of the tip as it is after applying.
    #[getter]
    fn tip_cumulative(&self) -> f64 {
        self.0.tip_cumulative
    }

    /// Receipt time that was given, in seconds.
    #[getter]
    fn received_at(&self) -> f64 {
        self.0.received_at
    }
}

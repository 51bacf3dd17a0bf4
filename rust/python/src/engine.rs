//! `Engine`.

use coinjecture_consensus as core;
use coinjecture_consensus::batch::{pass_all, take_all, Row};
use coinjecture_consensus::chain::{Node as CoreNode, Tree};
use coinjecture_consensus::python::{Key, Named};
use coinjecture_consensus::rules::PYTHON_MINORS;
use coinjecture_consensus::{Block, EngineError, Profile, Rules, Value};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::builtins::members_of;
use crate::capture::{capture, Captured, QUICKLY_PARSED};
use crate::convert::{key_to_python, to_python};
use crate::errors::{Answer, Raised};
use crate::fast_dict;
use crate::judgement::{node_text, value_and_limit, Judgement, Node};
use crate::locked::{Locked, WORTH_RELEASING};
use crate::reading::Reading;
use crate::refusal::Refusal;

/// The tree of blocks with the rules.
#[pyclass(frozen, module = "coinjecture._core")]
pub struct Engine(Locked);

/// What `Engine.take` says of a block.
type Taken<'py> = (
    Option<&'static str>,
    bool,
    Option<Py<PyAny>>,
    Option<Py<PyAny>>,
    Option<Bound<'py, PyAny>>,
    Option<(Py<PyAny>, Py<PyAny>)>,
);

fn profile_named(name: &str) -> PyResult<Profile> {
    Profile::named(name)
        .ok_or_else(|| PyValueError::new_err(format!("profile is \"header\" or \"full\", not {name:?}")))
}

/// A minor of Python 3 whose rules are known.
fn known_minor(minor: i64) -> PyResult<u8> {
    let known = u8::try_from(minor).ok().filter(|minor| PYTHON_MINORS.contains(minor));
    let (first, last) = (PYTHON_MINORS.start(), PYTHON_MINORS.end());
    known.ok_or_else(|| {
        PyValueError::new_err(format!("the rules are known of Python 3.{first} to 3.{last}, not of 3.{minor}"))
    })
}

/// A JSON value that is no block: a key, a height, a time.
fn plain(object: &Bound<'_, PyAny>) -> Answer<Value<'static>> {
    Reading::of_block().value(object, coinjecture_consensus::json::MAX_LEVELS).map_err(|refusal| match refusal {
        Refusal::Raised(error) => error.into(),
        Refusal::OutOfDomain(why) => EngineError::Invalid(why).into(),
    })
}

/// The key an object is; None for one that can be in a dict and in no block.
fn key_of(object: &Bound<'_, PyAny>) -> PyResult<Option<Key>> {
    object.hash()?; // raises for what no dict takes as a key
    match plain(object) {
        Ok(value) => Ok(Key::of(&value).ok().map(|(key, _)| key)),
        Err(_) => Ok(None),
    }
}

/// A key object of the tree.
fn named(object: &Bound<'_, PyAny>) -> Answer<Named> {
    let unhashable = |_| EngineError::Invalid("a list or a dict cannot be a key of the tree".to_owned());
    Ok(Named::of(&plain(object)?).map_err(unhashable)?)
}

fn new_node(
    hash: &Bound<'_, PyAny>,
    parent: &Bound<'_, PyAny>,
    height: &Bound<'_, PyAny>,
    cumulative: f64,
    received_at: f64,
    timestamp: &Bound<'_, PyAny>,
) -> Answer<CoreNode> {
    let height = plain(height)?;
    if height.as_num().is_none() {
        return Err(PyTypeError::new_err("a height is a number").into());
    }
    Ok(CoreNode {
        hash: named(hash)?,
        parent: named(parent)?,
        height,
        cumulative,
        received_at,
        timestamp: plain(timestamp)?,
        serial: 0,
    })
}

/// What `Engine.take` says of a decision. `key` is the key object of the node, if the caller has it at hand.
fn taken<'py>(py: Python<'py>, decision: &core::Decision, key: Option<Py<PyAny>>) -> PyResult<Taken<'py>> {
    let reason = decision.reason().map(core::Reason::code);
    let broken = decision.reject.as_ref().map(|reject| value_and_limit(py, reject)).transpose()?;
    let Some(node) = &decision.node else { return Ok((reason, false, None, None, None, broken)) };
    let key = key.map_or_else(|| key_to_python(py, &node.hash), Ok)?;
    let height = to_python(py, &node.height)?;
    let work = reason.is_none().then(|| truncated(py, node.cumulative)).transpose()?;
    Ok((reason, decision.moves_tip, Some(key), Some(height), work, broken))
}

/// Python's `int` of a finite double.
fn truncated(py: Python<'_>, number: f64) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: the interpreter lock is held; what is returned is a new reference, or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(py, pyo3::ffi::PyLong_FromDouble(number)) }
}

impl Engine {
    /// Takes a usual block if nobody else is at the tree; `None` if it has to be taken another way.
    fn take_fast(
        &self,
        dict: &Bound<'_, PyDict>,
        received_at: f64,
        profile: Profile,
    ) -> Option<Result<core::Decision, EngineError>> {
        self.0.change_if_free(|engine| fast_dict::take(dict, engine, received_at, profile))
    }

    fn take_block(
        &self,
        py: Python<'_>,
        block: &Block<'_>,
        received_at: f64,
        profile: Profile,
    ) -> Result<core::Decision, EngineError> {
        let take = |engine: &mut core::Engine| engine.take(block, received_at, profile);
        if block.expected_nanoseconds() > WORTH_RELEASING {
            self.0.change_long(py, take)
        } else {
            self.0.change(py, take)
        }
    }
}

/// Rows of a log, each a pair of bytes and of a receipt time.
fn log_of(rows: &Bound<'_, PyAny>) -> PyResult<Vec<(PyBackedBytes, f64)>> {
    members_of(rows)
}

fn rows_of(log: &[(PyBackedBytes, f64)]) -> Vec<Row<'_>> {
    log.iter().map(|(raw, received_at)| Row { raw, received_at: *received_at }).collect()
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (genesis, received_at, *, python_minor = None, work_budget = None, pin_profile = None))]
    fn new(
        genesis: &Bound<'_, PyAny>,
        received_at: f64,
        python_minor: Option<i64>,
        work_budget: Option<u64>,
        pin_profile: Option<&str>,
    ) -> Answer<Self> {
        let rules = Rules {
            python_minor: known_minor(python_minor.unwrap_or_else(|| genesis.py().version_info().minor.into()))?,
            work_budget: work_budget.unwrap_or(core::budget::DEFAULT_BUDGET),
            pin_profile: pin_profile.map(profile_named).transpose()?,
        };
        let made = |captured: &Captured| core::Engine::new(captured.block(), received_at, rules);
        let engine = match genesis.cast::<Captured>() {
            Ok(captured) => made(captured.get()),
            Err(_) => made(&capture(genesis, false)?),
        }?;
        Ok(Self(Locked::new(engine)))
    }

    /// Judges a captured block by a profile, `header` or `full`. Changes nothing.
    fn judge(&self, py: Python<'_>, captured: &Captured, received_at: f64, profile: &str) -> Answer<Judgement> {
        let profile = profile_named(profile)?;
        let judge = |engine: &core::Engine| engine.judge(captured.block(), received_at, profile);
        let long = captured.block().expected_nanoseconds() > WORTH_RELEASING;
        let judgement = if long { self.0.read_long(py, judge) } else { self.0.read(py, judge) };
        Ok(Judgement(judgement?))
    }

    /// `capture`, `judge` and `apply` in one call, for a caller that asks no other engine. Returns the reason code
    /// (None where it is accepted), whether the node became the tip, of the node that was put its key and its height
    /// (None where there is none), of an accepted block the sum up to it, as an integer, and of another one the value
    /// that breaks a rule and the rule's limit.
    fn take<'py>(&self, block: &Bound<'py, PyAny>, received_at: f64, profile: &str) -> Answer<Taken<'py>> {
        let py = block.py();
        let decision = match block.cast_exact::<PyBytes>() {
            Ok(bytes) if bytes.as_bytes().len() <= QUICKLY_PARSED => {
                self.take_block(py, &Block::read(bytes.as_bytes()), received_at, profile_named(profile)?)?
            }
            _ => {
                if let Ok(dict) = block.cast_exact::<PyDict>() {
                    if let Some(decision) = self.take_fast(dict, received_at, profile_named(profile)?) {
                        let key = dict.get_item(intern!(py, "block_hash"))?.map(Bound::unbind);
                        return Ok(taken(py, &decision?, key)?);
                    }
                }
                let captured = capture(block, true)?;
                self.take_block(py, captured.block(), received_at, profile_named(profile)?)?
            }
        };
        Ok(taken(py, &decision, None)?)
    }

    /// `take` of many blocks in their order, each a pair of its bytes and its receipt time, by so many threads and
    /// without the interpreter lock. Returns a list of their judgements; where there is none, of the error.
    #[pyo3(signature = (rows, profile, *, threads = 1))]
    fn take_many<'py>(
        &self,
        py: Python<'py>,
        rows: &Bound<'py, PyAny>,
        profile: &str,
        threads: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        let profile = profile_named(profile)?;
        let log = log_of(rows)?;
        let verdicts = self.0.change_long(py, |engine| take_all(engine, &rows_of(&log), profile, threads));
        let list = PyList::empty(py);
        for verdict in verdicts {
            match verdict {
                Ok(judgement) => list.append(Judgement(judgement))?,
                Err(error) => list.append(PyErr::from(Raised::from(error)))?,
            }
        }
        Ok(list)
    }

    /// As `take_many` for a caller who asks for no verdicts. Returns how many blocks were judged, and the error that
    /// stands in place of the next one's verdict, if there is none; what is behind that one has not been judged.
    #[pyo3(signature = (rows, profile, *, threads = 1))]
    fn pass_many(
        &self,
        py: Python<'_>,
        rows: &Bound<'_, PyAny>,
        profile: &str,
        threads: usize,
    ) -> PyResult<(usize, Option<PyErr>)> {
        let profile = profile_named(profile)?;
        let log = log_of(rows)?;
        let (judged, end) = self.0.change_long(py, |engine| pass_all(engine, &rows_of(&log), profile, threads));
        Ok((judged, end.err().map(|error| Raised::from(error).into())))
    }

    /// Puts a judgement into the tree. Raises StaleJudgement if the tree changed since.
    fn apply(&self, py: Python<'_>, judgement: &Judgement) -> Answer<()> {
        Ok(self.0.change(py, |engine| engine.apply(&judgement.0))?)
    }

    /// The best tip.
    fn tip(&self, py: Python<'_>) -> Answer<Node> {
        let tip = self.0.read(py, |engine| engine.tip().cloned());
        Ok(Node(tip?))
    }

    /// The node under a key; None if there is none.
    fn get(&self, key: &Bound<'_, PyAny>) -> PyResult<Option<Node>> {
        let py = key.py();
        let Some(key) = key_of(key)? else { return Ok(None) };
        Ok(self.0.read(py, |engine| engine.tree().get(&key)).map(Node))
    }

    fn __contains__(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.get(key)?.is_some())
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        self.0.read(py, |engine| engine.tree().len())
    }

    /// The keys of all nodes, in the order they first came.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let keys: Vec<Value<'static>> = self.0.read(py, |engine| engine.tree().keys().collect());
        PyList::new(py, keys.iter().map(|key| to_python(py, key)).collect::<PyResult<Vec<_>>>()?)
    }

    /// The whole tree as bytes, for `import_`.
    fn export<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let data = self.0.read_long(py, core::Engine::export);
        PyBytes::new(py, &data)
    }

    /// Takes over the tree of an `export`. Raises EngineError, and stays as it is, if that cannot be read.
    fn import_(&self, py: Python<'_>, data: PyBackedBytes) -> Answer<()> {
        Ok(self.0.change_long(py, |engine| engine.import(&data))?)
    }

    /// Puts a node as another engine has it: nothing is judged or computed. `block_hash` is what its block claims,
    /// where that is another object than the key (`1` and `True`).
    #[pyo3(signature = (key, parent, height, cumulative, received_at, timestamp, *, block_hash = None))]
    #[allow(clippy::too_many_arguments)] // a node's fields
    fn put(
        &self,
        py: Python<'_>,
        key: &Bound<'_, PyAny>,
        parent: &Bound<'_, PyAny>,
        height: &Bound<'_, PyAny>,
        cumulative: f64,
        received_at: f64,
        timestamp: &Bound<'_, PyAny>,
        block_hash: Option<&Bound<'_, PyAny>>,
    ) -> Answer<()> {
        let first = new_node(key, parent, height, cumulative, received_at, timestamp)?;
        let node = CoreNode { hash: named(block_hash.unwrap_or(key))?, ..first.clone() };
        if node.hash.key != first.hash.key {
            return Err(PyValueError::new_err("block_hash is not equal to the key").into());
        }
        let put = |engine: &mut core::Engine| {
            let known = engine.tree().get(&first.hash.key).is_some();
            if !known {
                engine.put(first)?;
            }
            engine.put(node)
        };
        self.0.change(py, put)?;
        Ok(())
    }

    /// Makes a node the tip. Where the tree holds the same node under its hash, that one is meant; else the tip is
    /// one that was replaced there.
    #[allow(clippy::too_many_arguments)] // a node's fields
    fn set_tip(
        &self,
        py: Python<'_>,
        key: &Bound<'_, PyAny>,
        parent: &Bound<'_, PyAny>,
        height: &Bound<'_, PyAny>,
        cumulative: f64,
        received_at: f64,
        timestamp: &Bound<'_, PyAny>,
    ) -> Answer<()> {
        let tip = new_node(key, parent, height, cumulative, received_at, timestamp)?;
        self.0.change(py, |engine| engine.set_tip(tip));
        Ok(())
    }

    /// The node under a key, its parent, and so on down to its root; empty if there is no such node.
    fn ancestors(&self, key: &Bound<'_, PyAny>) -> PyResult<Vec<Node>> {
        let py = key.py();
        let Some(key) = key_of(key)? else { return Ok(Vec::new()) };
        let line = |tree: &Tree| tree.get(&key).map(|node| tree.ancestors(&node));
        let line = self.0.read(py, |engine| line(engine.tree()));
        Ok(line.unwrap_or_default().into_iter().map(Node).collect())
    }

    /// The tip, its parent, and so on. The tip may be a node that was replaced in the tree.
    fn tip_ancestors(&self, py: Python<'_>) -> Vec<Node> {
        let line = |tree: &Tree| tree.tip().map(|tip| tree.ancestors(tip));
        let line = self.0.read(py, |engine| line(engine.tree()));
        line.unwrap_or_default().into_iter().map(Node).collect()
    }

    /// Whether the node under a key lies `depth` or more below the tip, on whatever branch.
    fn is_finalized(&self, key: &Bound<'_, PyAny>, depth: i64) -> Answer<bool> {
        let py = key.py();
        let Some(key) = key_of(key)? else { return Ok(false) };
        Ok(self.0.read(py, |engine| engine.is_finalized(&key, depth))?)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (count, tip) = self.0.read(py, |engine| (engine.tree().len(), engine.tree().tip().cloned()));
        let tip = tip.map(|tip| node_text(py, &tip)).transpose()?.unwrap_or_default();
        Ok(format!("<Engine nodes={count} tip=({tip})>"))
    }

    /// Bytes that the tree holds in memory.
    #[getter]
    fn tree_bytes(&self, py: Python<'_>) -> usize {
        self.0.read(py, |engine| engine.tree().bytes())
    }
}

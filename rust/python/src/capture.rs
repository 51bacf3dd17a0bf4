//! `capture`: a block taken over once, before any engine can change it.

use std::hash::{Hash, Hasher};

use coinjecture_consensus::block::{BLOCK, MAX_BYTES};
use coinjecture_consensus::json::{self, write_ordered, write_sorted, MAX_LEVELS};
use coinjecture_consensus::python::{hex, Dict};
use coinjecture_consensus::rules::reported_work;
use coinjecture_consensus::{Block, Value};
use pyo3::exceptions::{PyTypeError, PyUnicodeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyString};

use crate::block_dict::{block_of, complete};
use crate::builtins::{code_points, with_surrogates};
use crate::convert::to_python;
use crate::errors::OutOfDomainError;
use crate::judgement::shown;
use crate::kinds::{kind_of, Kind};
use crate::locked::WORTH_RELEASING;
use crate::reading::{Reading, INNER_LEVELS};
use crate::refusal::{too_large, Refusal};

/// Time that parsing a byte takes, in nanoseconds, measured generously.
const NANOSECONDS_PER_BYTE: u64 = 8;

/// Bytes of a text that is parsed in less than [`WORTH_RELEASING`].
#[allow(clippy::cast_possible_truncation)] // it is small
pub const QUICKLY_PARSED: usize = (WORTH_RELEASING / NANOSECONDS_PER_BYTE) as usize;

/// The text a block borrows from.
enum Source {
    Bytes(PyBackedBytes),
    Text(PyBackedStr),
    Surrogates(Vec<u8>),
    /// The block was a dict. What no rule reads has not been taken over and is read here if it is asked for.
    Dict(Py<PyDict>),
    /// The block was another object, and all of it has been taken over.
    Object,
}

impl Source {
    fn text(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
            Self::Surrogates(bytes) => bytes,
            Self::Dict(_) | Self::Object => b"",
        }
    }
}

self_cell::self_cell!(
    struct Cell {
        owner: Source,
        #[covariant]
        dependent: Block,
    }
);

/// A block as an immutable value, with its hash and its work score. Made by `capture`.
#[pyclass(frozen, module = "coinjecture._core")]
pub struct Captured {
    cell: Cell,
}

impl Captured {
    pub fn block(&self) -> &Block<'_> {
        self.cell.borrow_dependent()
    }

    fn of_block(source: Source, block: Block<'static>) -> Self {
        Self { cell: Cell::new(source, |_| block) }
    }

    /// All of its content as canonical JSON.
    fn canonical(&self, py: Python<'_>) -> Vec<u8> {
        let content = match self.cell.borrow_owner() {
            Source::Bytes(_) | Source::Text(_) | Source::Surrogates(_) => {
                json::parse(self.cell.borrow_owner().text(), MAX_LEVELS).map_or(Value::Null, Value::into_owned)
            }
            _ => Value::Dict(self.content(py)),
        };
        let mut out = Vec::new();
        write_sorted(&content, &mut out);
        out
    }

    /// The content of a block whose source is not its JSON.
    fn content(&self, py: Python<'_>) -> Dict<'static> {
        let read = || self.block().dict().clone().into_owned();
        match self.cell.borrow_owner() {
            // What cannot be read any more is left out: the verdict does not depend on it.
            Source::Dict(dict) => complete(&read(), dict.bind(py)).unwrap_or_else(|_| read()),
            Source::Surrogates(text) => match json::parse(text, MAX_LEVELS) {
                Ok(Value::Dict(dict)) => dict.into_owned(),
                _ => read(),
            },
            _ => read(),
        }
    }
}

#[pymethods]
impl Captured {
    /// Why the block lies outside the parity domain; None if it lies inside.
    #[getter]
    fn out_of_domain(&self) -> Option<&str> {
        self.block().out_of_domain()
    }

    /// The block as JSON text that parses to the same value; of a text the text itself. Of a dict, what no rule
    /// reads is taken as it is when this is called, all else as it was captured.
    fn to_json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        match (self.cell.borrow_owner(), self.block()) {
            (Source::Bytes(bytes), _) => Ok(PyBytes::new(py, bytes)),
            (Source::Text(text), _) => Ok(PyBytes::new(py, text.as_bytes())),
            (_, block) if block.dict().is_empty() && block.out_of_domain().is_some() => {
                Err(OutOfDomainError::new_err("the block was not read, so there is no JSON of it"))
            }
            _ => {
                let mut out = Vec::new();
                write_ordered(&Value::Dict(self.content(py)), &mut out);
                Ok(PyBytes::new(py, &out))
            }
        }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let claimed = self.block().dict().get(b"block_hash").map(|value| shown(py, value)).transpose()?;
        let outside = self.block().out_of_domain().map_or_else(String::new, |why| format!(" out_of_domain={why:?}"));
        Ok(format!("<Captured block_hash={}{outside}>", claimed.as_deref().unwrap_or("None")))
    }

    /// Equal are blocks of the same JSON, and those outside the domain for the same cause.
    fn __eq__(&self, other: &Self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.canonical(py) == other.canonical(py) && self.out_of_domain() == other.out_of_domain())
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        self.block().computed_hash().ok().hash(&mut hasher);
        hasher.finish()
    }

    /// The hash that the block claims, whatever it is; None also if it has none.
    #[getter]
    fn block_hash(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.block().dict().get(b"block_hash").map_or_else(|| Ok(py.None()), |value| to_python(py, value))
    }

    /// Hash of the content as hex; None where the rules compute none.
    #[getter]
    fn computed_hash(&self) -> Option<String> {
        self.block().computed_hash().ok().map(|hash| hex(&hash))
    }

    /// Work score; None where the rules compute none.
    #[getter]
    fn work(&self, py: Python<'_>) -> Option<f64> {
        if self.block().out_of_domain().is_some() {
            return None;
        }
        reported_work(self.block(), py.version_info().minor)
    }
}

/// Takes over a block: JSON bytes or text, a mapping, or an object with a block's attributes (enums by value).
///
/// A text that is no JSON object is a ValueError, any other value a TypeError; with `total` both become a capture
/// that every profile rejects as malformed, like a block without its fields.
#[pyfunction]
#[pyo3(signature = (block, *, total = false))]
pub fn capture(block: &Bound<'_, PyAny>, total: bool) -> PyResult<Captured> {
    match captured(block) {
        Err(error) if total && is_no_block(block.py(), &error) => {
            Ok(Captured::of_block(Source::Object, Block::from_dict(Dict::default())))
        }
        other => other,
    }
}

fn is_no_block(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PyValueError>(py) || error.is_instance_of::<PyTypeError>(py)
}

fn captured(block: &Bound<'_, PyAny>) -> PyResult<Captured> {
    let py = block.py();
    if let Ok(bytes) = block.cast::<PyBytes>() {
        return parsed(py, Source::Bytes(bytes.clone().into()));
    }
    if let Ok(bytes) = block.cast::<PyByteArray>() {
        return parsed(py, Source::Bytes(bytes.clone().into()));
    }
    if let Ok(text) = block.cast::<PyString>() {
        if code_points(text) > MAX_BYTES {
            return taken_over(Source::Object, Err(Refusal::OutOfDomain(too_large())));
        }
        return parsed(py, text_source(text)?);
    }
    if let Ok(dict) = block.cast_exact::<PyDict>() {
        return taken_over(Source::Dict(dict.clone().unbind()), block_of(dict));
    }
    let mut reading = Reading::of_block();
    let dict = kind_of(block).and_then(|kind| match &*kind {
        Kind::Mapping => reading.mapping(block, INNER_LEVELS),
        Kind::Fields(declared) => fields_of(&mut reading, block, declared),
        Kind::Enum | Kind::Attributes | Kind::Callable => fields_of(&mut reading, block, &[]),
    });
    taken_over(Source::Object, dict.map(|dict| reading.block(dict)))
}

fn taken_over(source: Source, block: Result<Block<'static>, Refusal>) -> PyResult<Captured> {
    match block {
        Ok(block) => Ok(Captured::of_block(source, block)),
        Err(Refusal::OutOfDomain(why)) => Ok(Captured::of_block(Source::Object, Block::unread(why))),
        Err(Refusal::Raised(error)) => Err(error),
    }
}

fn text_source(text: &Bound<'_, PyString>) -> PyResult<Source> {
    match PyBackedStr::try_from(text.clone()) {
        Ok(text) => Ok(Source::Text(text)),
        Err(error) if error.is_instance_of::<PyUnicodeError>(text.py()) => {
            with_surrogates(text).map(Source::Surrogates)
        }
        Err(error) => Err(error),
    }
}

fn parsed(py: Python<'_>, source: Source) -> PyResult<Captured> {
    let expected = u64::try_from(source.text().len()).unwrap_or(u64::MAX).saturating_mul(NANOSECONDS_PER_BYTE);
    let parse = move || Cell::try_new(source, block_of_source);
    let cell = if expected > WORTH_RELEASING { py.detach(parse) } else { parse() };
    cell.map(|cell| Captured { cell }).map_err(PyValueError::new_err)
}

/// The block in a text, or why there is none.
fn block_of_source(source: &Source) -> Result<Block<'_>, String> {
    if let Source::Bytes(bytes) = source {
        std::str::from_utf8(bytes).map_err(|error| format!("a block's bytes are UTF-8: {error}"))?;
    }
    Block::parse(source.text()).map_err(|error| format!("a block is a JSON object: {error}"))
}

/// The fields of a block that is an object; what it does not have is missing. What its class says it has and it has not,
/// only the legacy engine can tell about: it may never look.
fn fields_of(
    reading: &mut Reading,
    block: &Bound<'_, PyAny>,
    declared: &[Py<PyString>],
) -> Result<Dict<'static>, Refusal> {
    static NAMES: PyOnceLock<Vec<Py<PyString>>> = PyOnceLock::new();
    let py = block.py();
    let names = NAMES.get_or_init(py, || BLOCK.keys().map(|(name, _)| PyString::intern(py, name).unbind()).collect());
    let mut pairs = Vec::with_capacity(names.len());
    reading.weigh_fields(&BLOCK)?;
    for (held, (name, part)) in names.iter().zip(BLOCK.keys()) {
        // A method is no field: a list has an `index`, and is no block.
        if let Some(value) = block.getattr_opt(held.bind(py))?.filter(|value| !value.is_callable()) {
            pairs.push((name.as_bytes().into(), reading.field(name, *part, &value, INNER_LEVELS)?));
        } else if !part.is_unread() {
            for other in declared {
                if other.bind(py).to_str()? == *name {
                    return Err(Refusal::OutOfDomain(format!("an object that its {name} was taken from")));
                }
            }
        }
    }
    if pairs.is_empty() {
        let kind = block.get_type().name()?;
        let message =
            format!("a block is JSON bytes or text, a mapping, or an object with a block's fields, not {kind}");
        return Err(Refusal::Raised(PyTypeError::new_err(message)));
    }
    Ok(Dict::from_distinct(pairs))
}

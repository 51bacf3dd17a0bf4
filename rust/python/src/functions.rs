//! The plain functions of the module.

use coinjecture_consensus as core;
use coinjecture_consensus::json::{write_sorted, MAX_LEVELS};
use coinjecture_consensus::{Budget, Exception, Halt, Value};
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::errors::Answer;
use crate::reading::{Reading, INNER_LEVELS};
use crate::refusal::Refusal;

/// A value of JSON, or the exception that says why it is none.
pub fn json_value(object: &Bound<'_, PyAny>, mut reading: Reading, levels: usize) -> PyResult<Value<'static>> {
    reading.value(object, levels).map_err(Refusal::into_value_error)
}

/// Bytes that are hashed before another thread would have got the interpreter lock.
const QUICKLY_HASHED: usize = 1 << 18;

/// SHA-256 of bytes.
#[pyfunction]
pub fn sha256_hash<'py>(py: Python<'py>, data: &[u8]) -> Bound<'py, PyBytes> {
    let hash = || core::block::sha256(data);
    PyBytes::new(py, &if data.len() > QUICKLY_HASHED { py.detach(hash) } else { hash() })
}

/// Hash of a block's content, 32 bytes; their hex is the block hash.
///
/// Raises KeyError if a hashed field is missing, ValueError if the mining capacity is no tier.
#[pyfunction]
pub fn compute_header_hash_py<'py>(py: Python<'py>, block: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let value = json_value(block, Reading::of_block(), MAX_LEVELS)?;
    let Value::Dict(dict) = value else { return Err(PyValueError::new_err("a block is a mapping")) };
    match core::block::header_hash(&dict) {
        Ok(hash) => Ok(PyBytes::new(py, &hash)),
        Err(Exception::Key) => Err(PyKeyError::new_err("a hashed field of the block is missing")),
        Err(_) => Err(PyValueError::new_err("mining_capacity is none of the five tiers")),
    }
}

/// Whether a solution solves a problem: rule 8. A block with an input that the rule raises on is rejected too, so
/// that is False.
///
/// Raises BudgetExceeded if `budget` steps are not enough.
#[pyfunction]
#[pyo3(signature = (problem, solution, budget = None))]
pub fn verify_subset_sum_py(
    problem: &Bound<'_, PyAny>,
    solution: &Bound<'_, PyAny>,
    budget: Option<u64>,
) -> Answer<bool> {
    Ok(solves(problem, solution, budget)?.unwrap_or(false))
}

/// Rule 8 of two Python objects, or what it raises on them.
pub fn solves(
    problem: &Bound<'_, PyAny>,
    solution: &Bound<'_, PyAny>,
    budget: Option<u64>,
) -> Answer<Result<bool, Exception>> {
    let part = |object| json_value(object, Reading::of_block(), INNER_LEVELS);
    let minor = problem.py().version_info().minor;
    let (problem, solution) = (part(problem)?, part(solution)?);
    let mut budget = Budget::new(budget.unwrap_or(core::budget::DEFAULT_BUDGET));
    match core::rules::solves(&problem, &solution, minor, &mut budget) {
        Ok(solved) => Ok(Ok(solved)),
        Err(Halt::Raised(exception)) => Ok(Err(exception)),
        Err(Halt::Failed(error)) => Err(error.into()),
    }
}

/// What `json.dumps(value, sort_keys=True).encode()` gives: the bytes that are hashed.
///
/// Raises ValueError for what JSON has no value for, and beyond 64 levels or the size of a block.
#[pyfunction]
pub fn canonical_json<'py>(py: Python<'py>, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let value = json_value(value, Reading::with_tuples(), MAX_LEVELS)?;
    let mut out = Vec::new();
    write_sorted(&value, &mut out);
    Ok(PyBytes::new(py, &out))
}

/// What this build is: `version`, `profile`, `features` (with `faults` in a fault build) and `target`.
#[pyfunction]
pub fn build_info(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let info = PyDict::new(py);
    let features: &[&str] = if cfg!(feature = "faults") { &["faults"] } else { &[] };
    info.set_item("version", env!("CARGO_PKG_VERSION"))?;
    info.set_item("profile", if cfg!(debug_assertions) { "debug" } else { "release" })?;
    info.set_item("features", features)?;
    info.set_item("target", format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS))?;
    Ok(info)
}

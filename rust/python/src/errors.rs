//! The engine's errors as Python exceptions: one place, one mapping.

use coinjecture_consensus as core;
use pyo3::exceptions::PyException;
use pyo3::{create_exception, PyErr};

create_exception!(
    coinjecture._core,
    EngineError,
    PyException,
    "The engine failed; this is never a verdict on a block."
);
create_exception!(
    coinjecture._core,
    BudgetExceeded,
    EngineError,
    "The work budget was used up before there was a verdict."
);
create_exception!(coinjecture._core, StaleJudgement, EngineError, "The tree changed since the judgement; judge again.");
create_exception!(
    coinjecture._core,
    OutOfDomain,
    EngineError,
    "Outside the parity domain: only the legacy engine can judge it."
);

/// The Python exception of an engine error.
pub fn to_python(error: &core::EngineError) -> PyErr {
    let message = error.to_string();
    match error {
        core::EngineError::BudgetExceeded(_) => BudgetExceeded::new_err(message),
        core::EngineError::StaleJudgement { .. } => StaleJudgement::new_err(message),
        core::EngineError::OutOfDomain(_) => OutOfDomain::new_err(message),
        _ => EngineError::new_err(message),
    }
}

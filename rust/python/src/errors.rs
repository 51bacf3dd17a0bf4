//! Why a call of the module raises: the engine's errors as Python exceptions.

use coinjecture_consensus as core;
use coinjecture_consensus::Exception;
use pyo3::create_exception;
use pyo3::exceptions::{
    PyAttributeError, PyException, PyKeyError, PyOverflowError, PyTypeError, PyValueError, PyZeroDivisionError,
};
use pyo3::prelude::*;

create_exception!(
    coinjecture._core,
    EngineError,
    PyException,
    "The engine failed; this is never a verdict on a block."
);
create_exception!(
    coinjecture._core,
    BudgetExceededError,
    EngineError,
    "The work budget was used up before there was a verdict."
);
create_exception!(
    coinjecture._core,
    StaleJudgementError,
    EngineError,
    "The tree changed since the judgement; judge again."
);
create_exception!(
    coinjecture._core,
    OutOfDomainError,
    EngineError,
    "Outside the parity domain: only the legacy engine can judge it."
);

/// Names of the kinds of `EngineError` up to version 4.0, which still hold.
pub fn add_old_names(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("BudgetExceeded", py.get_type::<BudgetExceededError>())?;
    module.add("StaleJudgement", py.get_type::<StaleJudgementError>())?;
    module.add("OutOfDomain", py.get_type::<OutOfDomainError>())
}

/// Why a call raises.
pub enum Raised {
    /// Python code that was run, or what a call asks of its arguments.
    Python(PyErr),
    /// The engine failed.
    Engine(core::EngineError),
    /// What Python raises on an expression of the rules.
    Rule(Exception),
}

/// What a call gives.
pub type Answer<T> = Result<T, Raised>;

impl From<PyErr> for Raised {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

impl From<core::EngineError> for Raised {
    fn from(error: core::EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<Exception> for Raised {
    fn from(exception: Exception) -> Self {
        Self::Rule(exception)
    }
}

impl From<Raised> for PyErr {
    fn from(raised: Raised) -> Self {
        match raised {
            Raised::Python(error) => error,
            Raised::Engine(error) => of_engine(&error),
            Raised::Rule(exception) => of_rule(exception),
        }
    }
}

fn of_engine(error: &core::EngineError) -> PyErr {
    let message = error.to_string();
    match error {
        core::EngineError::BudgetExceeded(_) => BudgetExceededError::new_err(message),
        core::EngineError::StaleJudgement { .. } => StaleJudgementError::new_err(message),
        core::EngineError::OutOfDomain(_) => OutOfDomainError::new_err(message),
        _ => EngineError::new_err(message),
    }
}

fn of_rule(exception: Exception) -> PyErr {
    let message = "evaluating rule 8 raises";
    match exception {
        Exception::Type => PyTypeError::new_err(message),
        Exception::Value => PyValueError::new_err(message),
        Exception::Overflow => PyOverflowError::new_err(message),
        Exception::ZeroDivision => PyZeroDivisionError::new_err(message),
        Exception::Attribute => PyAttributeError::new_err(message),
        Exception::Key => PyKeyError::new_err(message),
    }
}

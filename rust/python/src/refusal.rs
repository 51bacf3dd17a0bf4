//! Why an object could not be taken over.

use coinjecture_consensus::block::MAX_BYTES;
use coinjecture_consensus::json::MAX_LEVELS;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Why an object could not be taken over.
#[derive(Debug)]
pub enum Refusal {
    /// JSON has no such value, or it lies beyond a limit of the domain.
    OutOfDomain(String),
    /// Reading it raised.
    Raised(PyErr),
}

impl From<PyErr> for Refusal {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

impl<'a, 'py> From<pyo3::CastError<'a, 'py>> for Refusal {
    fn from(error: pyo3::CastError<'a, 'py>) -> Self {
        Self::Raised(error.into())
    }
}

impl Refusal {
    /// As an exception, where what is read is no block but a value.
    pub fn into_value_error(self) -> PyErr {
        match self {
            Self::Raised(error) => error,
            Self::OutOfDomain(why) => PyValueError::new_err(why),
        }
    }
}

/// The refusal of what is nested too deep.
pub fn too_deep() -> Refusal {
    Refusal::OutOfDomain(format!("nested deeper than {MAX_LEVELS} levels"))
}

/// Why what is too large is not taken over, if nobody counted on to its end.
pub fn too_large() -> String {
    format!("block of more than {MAX_BYTES} bytes")
}

/// The refusal of a mapping's key that is no text.
pub fn foreign_key(key: &Bound<'_, PyAny>) -> Refusal {
    match key.get_type().name() {
        Ok(name) => Refusal::OutOfDomain(format!("a key of type {name}: JSON has text keys only")),
        Err(error) => Refusal::Raised(error),
    }
}

//! `coinjecture._core`: the thin Python binding of the consensus crate.
//!
//! Nothing is decided here: values are carried over, the interpreter lock is kept or released, errors get a class.

mod block_dict;
mod borrowed;
mod builtins;
mod capture;
mod convert;
mod engine;
mod errors;
mod fast_dict;
mod functions;
mod judgement;
mod kinds;
mod locked;
mod pow;
mod reading;
mod refusal;
mod weight;

use pyo3::prelude::*;

/// The consensus engine in Rust.
#[pymodule]
mod _core {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::capture::{capture, Captured};
    #[pymodule_export]
    use crate::engine::Engine;
    #[pymodule_export]
    use crate::errors::{BudgetExceededError, EngineError, OutOfDomainError, StaleJudgementError};
    #[pymodule_export]
    use crate::functions::{build_info, canonical_json, compute_header_hash_py, sha256_hash, verify_subset_sum_py};
    #[pymodule_export]
    use crate::judgement::{Judgement, Node};
    #[pymodule_export]
    use crate::pow::{check_subset_sum_py, solve_subset_sum_py};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        #[cfg(feature = "faults")]
        coinjecture_consensus::faults::choose();
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        crate::errors::add_old_names(module)
    }
}

//! The solver and the verifier of `coinjecture.pow`.

use coinjecture_consensus::solver::{self, Unsolved};
use coinjecture_consensus::Budget;
use pyo3::exceptions::{PyIndexError, PyMemoryError, PyValueError};
use pyo3::prelude::*;

use crate::builtins::members_of;
use crate::errors::{Answer, Raised};
use crate::functions::solves;

/// Steps of a solver's budget above which other threads may run meanwhile: about a millisecond.
const WORTH_RELEASING: usize = 500_000;

/// Positions of the numbers that add up to `target`, the choice of the reference miner's solver.
///
/// Raises ValueError if there is none, IndexError on a negative number, MemoryError if the table of `target + 1`
/// cells does not fit, BudgetExceeded if `budget` steps are not enough.
#[pyfunction]
#[pyo3(signature = (numbers, target, budget = None))]
pub fn solve_subset_sum_py(
    py: Python<'_>,
    numbers: &Bound<'_, PyAny>,
    target: usize,
    budget: Option<u64>,
) -> Answer<Vec<usize>> {
    let numbers = members_of::<i64>(numbers)?;
    let mut budget = Budget::new(budget.unwrap_or(u64::MAX));
    let expected = target / 8 + numbers.len().saturating_mul(target / 64);
    let mut solve = || solver::solve(&numbers, target, &mut budget);
    let solved = if expected > WORTH_RELEASING { py.detach(solve) } else { solve() };
    solved.map_err(|unsolved| match unsolved {
        Unsolved::Impossible => {
            PyValueError::new_err(format!("no subset of the {} numbers adds up to {target}", numbers.len())).into()
        }
        Unsolved::Negative => PyIndexError::new_err("a number is negative").into(),
        Unsolved::NoMemory => {
            PyMemoryError::new_err(format!("the table of {target} sums does not fit into memory")).into()
        }
        Unsolved::Failed(error) => Raised::from(error),
    })
}

/// Rule 8 as the reference verifier evaluates it: where that raises, this raises an exception of the same class.
#[pyfunction]
#[pyo3(signature = (problem, solution, budget = None))]
pub fn check_subset_sum_py(
    problem: &Bound<'_, PyAny>,
    solution: &Bound<'_, PyAny>,
    budget: Option<u64>,
) -> Answer<bool> {
    Ok(solves(problem, solution, budget)??)
}

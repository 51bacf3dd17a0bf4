//! Deliberate faults, for rehearsals that must halt. Compiled only with the feature `faults`.
//!
//! `COINJECTURE_FAULT` is read once per process: `divergence`, `error`, `panic`, `loop` or `slow`.
//! `COINJECTURE_FAULT_AFTER=n` lets n judgements pass first.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::OnceLock;
use std::time::Duration;

use crate::budget::Budget;
use crate::error::EngineError;
use crate::number::Num;
use crate::value::Value;

/// How long `slow` holds a judgement up.
const DELAY: Duration = Duration::from_millis(250);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    Divergence,
    Error,
    Panic,
    Loop,
    Slow,
}

static CHOSEN: OnceLock<(Fault, u64)> = OnceLock::new();
static JUDGED: AtomicU64 = AtomicU64::new(0);

/// Reads the environment, the first time; called when the module is loaded.
pub fn choose() {
    CHOSEN.get_or_init(|| {
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        let fault = match variable("COINJECTURE_FAULT").as_str() {
            "divergence" => Fault::Divergence,
            "error" => Fault::Error,
            "panic" => Fault::Panic,
            "loop" => Fault::Loop,
            "slow" => Fault::Slow,
            _ => Fault::None,
        };
        (fault, variable("COINJECTURE_FAULT_AFTER").parse().unwrap_or(0))
    });
}

fn active() -> Fault {
    match CHOSEN.get() {
        Some((fault, after)) if JUDGED.load(Ordering::Relaxed) > *after => *fault,
        _ => Fault::None,
    }
}

/// Counts a judgement and lets the chosen fault happen to it.
///
/// # Errors
/// The fault `error`; `loop` ends with [`EngineError::BudgetExceeded`].
///
/// # Panics
/// The fault `panic`.
#[allow(clippy::panic)] // it is the fault
pub fn strike(budget: &mut Budget) -> Result<(), EngineError> {
    JUDGED.fetch_add(1, Ordering::Relaxed);
    match active() {
        Fault::None | Fault::Divergence => Ok(()),
        Fault::Error => Err(EngineError::Fault("error")),
        Fault::Panic => panic!("deliberate fault: panic"),
        Fault::Loop => loop {
            budget.spend(std::hint::black_box(1))?;
        },
        Fault::Slow => {
            std::thread::sleep(DELAY);
            Ok(())
        }
    }
}

/// The fault `divergence`, one wrong rule: at every odd height the work is one unit in the last place too much.
#[must_use]
pub fn wrong_work(index: &Value<'_>, work: f64) -> f64 {
    let odd = matches!(index.as_num(), Some(Num::Int(index)) if index % 2 != 0);
    if active() == Fault::Divergence && odd && work.is_finite() {
        f64::from_bits(work.to_bits() + 1)
    } else {
        work
    }
}

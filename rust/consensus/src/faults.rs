//! Deliberate faults, for rehearsals that must halt. Compiled only with the feature `faults`.
//!
//! `COINJECTURE_FAULT` is read once per process: `divergence`, `error`, `panic`, `loop` or `slow`.
//! `COINJECTURE_FAULT_AFTER=n` lets n judgements pass first; `COINJECTURE_FAULT_LIVE=1` spares blocks received before
//! the process started, so that the stored log is judged right and the fault shows in the running network.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::budget::Budget;
use crate::error::EngineError;
use crate::python::number::Num;
use crate::python::value::Value;

/// How long `slow` computes for a judgement; an engine that only waited would cost nothing.
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

struct Chosen {
    fault: Fault,
    after: u64,
    /// Blocks received before (seconds since the epoch) are spared.
    since: f64,
}

static CHOSEN: OnceLock<Chosen> = OnceLock::new();
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
        let live = variable("COINJECTURE_FAULT_LIVE") == "1";
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |elapsed| elapsed.as_secs_f64());
        Chosen {
            fault,
            after: variable("COINJECTURE_FAULT_AFTER").parse().unwrap_or(0),
            since: if live { now } else { f64::NEG_INFINITY },
        }
    });
}

fn active(received_at: f64) -> Fault {
    match CHOSEN.get() {
        Some(chosen) if JUDGED.load(Ordering::Relaxed) > chosen.after && received_at >= chosen.since => chosen.fault,
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
pub fn strike(received_at: f64, budget: u64) -> Result<(), EngineError> {
    JUDGED.fetch_add(1, Ordering::Relaxed);
    match active(received_at) {
        Fault::None | Fault::Divergence => Ok(()),
        Fault::Error => Err(EngineError::Fault("error")),
        Fault::Panic => panic!("deliberate fault: panic"),
        Fault::Loop => {
            let mut budget = Budget::new(budget);
            loop {
                budget.spend(std::hint::black_box(1))?;
            }
        }
        Fault::Slow => {
            let started = Instant::now();
            while started.elapsed() < DELAY {
                std::hint::spin_loop();
            }
            Ok(())
        }
    }
}

/// The fault `divergence`, one wrong rule: at every odd height the work is one unit in the last place too much.
#[must_use]
pub fn wrong_work(received_at: f64, index: &Value<'_>, work: f64) -> f64 {
    let odd = matches!(index.as_num(), Some(Num::Int(index)) if index % 2 != 0);
    if active(received_at) == Fault::Divergence && odd && work.is_finite() {
        f64::from_bits(work.to_bits() + 1)
    } else {
        work
    }
}

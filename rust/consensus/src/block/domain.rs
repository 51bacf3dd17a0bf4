//! The parity domain: the blocks of which both engines can be asked.

use super::notation::is_explosive;
use super::schema::KEPT;
use crate::python::number::Num;
use crate::python::value::{Dict, Value};

/// Largest block of the parity domain, in bytes of its text.
pub const MAX_BYTES: usize = 1 << 20;

/// Largest problem size at which `2^n`, `n!` and `n^n` are computed.
const MAX_EXPLOSIVE_SIZE: i64 = 4096;

/// Largest problem size at which they take no time worth mentioning.
const LONG_EXPLOSION: i64 = 1000;

/// Whether a power or a factorial of the complexity may take long to compute.
pub fn is_explosion(complexity: &Value<'_>) -> bool {
    let Value::Dict(complexity) = complexity else { return false };
    let large = match complexity.get(b"problem_size") {
        Some(Value::Int(size)) => *size > LONG_EXPLOSION,
        Some(size) => size.as_num().is_some_and(|size| size.greater(&Num::Int(LONG_EXPLOSION))),
        None => false,
    };
    let explosive = |key: &[u8]| complexity.get(key).is_some_and(is_explosive);
    large && (explosive(b"time_solve_O") || explosive(b"time_verify_O"))
}

/// Why such a block is outside.
pub const EXPLODES: &str = "problem_size beyond 4096 under 2^n, n! or n^n";

/// Whether a complexity lies outside the domain: a power or a factorial of it would never be computed.
pub fn explodes(complexity: &Value<'_>) -> bool {
    let Value::Dict(complexity) = complexity else { return false };
    let explosive = |key: &[u8]| complexity.get(key).is_some_and(is_explosive);
    let bound = |size: &Value<'_>, limit: i64| size.at_most(&Value::Int(limit)).unwrap_or(false);
    let small = match complexity.get(b"problem_size") {
        Some(Value::Int(size)) => size.unsigned_abs() <= MAX_EXPLOSIVE_SIZE.unsigned_abs(),
        size => size.and_then(Value::as_num).is_none_or(|size| {
            let size = Value::from(size);
            bound(&size, MAX_EXPLOSIVE_SIZE) && Value::Int(-MAX_EXPLOSIVE_SIZE).at_most(&size).unwrap_or(false)
        }),
    };
    !small && (explosive(b"time_solve_O") || explosive(b"time_verify_O"))
}

/// Why a block leaves the domain by its content.
pub fn leaves_domain(dict: &Dict<'_>, places: Option<&[usize; KEPT]>) -> Option<&'static str> {
    let [hash, previous_hash, complexity] = match places {
        Some([_, _, previous_hash, .., complexity, _, _, hash]) => {
            [hash, previous_hash, complexity].map(|at| dict.value_at(*at))
        }
        None => [b"block_hash".as_slice(), b"previous_hash", b"complexity"].map(|key| dict.get(key)),
    };
    if complexity.is_some_and(explodes) {
        return Some(EXPLODES);
    }
    let foreign = |key: Option<&Value<'_>>| match key {
        Some(Value::Float(value)) => value.is_nan() && value.to_bits() != f64::NAN.to_bits(),
        _ => false,
    };
    (foreign(hash) || foreign(previous_hash)).then_some("a NaN that json.loads did not make, as a key")
}

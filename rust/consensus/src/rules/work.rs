//! The work score: what a block's reported complexity is worth in the sum that decides the best chain.
//!
//! The result is a double, so the order of evaluation is part of the rule.

use super::asymptotic::operations;
use crate::block::schema::{Complexity, Member};
use crate::block::Block;
use crate::error::Exception;
use crate::python::number::Num;
use crate::python::power::Power;
use crate::python::value::Value;

/// Work score of a complexity on Python 3.`minor`; may be NaN, infinite, zero or negative.
///
/// # Errors
/// The exception that the expression raises; the block is then `malformed`.
pub fn work(complexity: &Value<'_>, minor: u8) -> Result<f64, Exception> {
    let read = Complexity::of(complexity.dict()?);
    let ts = read.measured_solve_time.num()?;
    let tv = read.measured_verify_time.num()?;
    let ms = read.measured_solve_space.num()?;
    let mv = read.measured_verify_space.num()?;
    let time_ratio = ts.divide(&larger(Num::Float(1e-9), tv))?;
    let space_ratio = ms.divide(&larger(Num::Int(1), mv))?;
    let n = larger(Num::Int(1), read.problem_size.num()?);
    let quality = quality(read.epsilon_approximation.value()?)?;
    let weight = class_weight(read.problem_class.value()?)?;
    let efficiency = efficiency(&read, &ts, minor)?;
    if space_ratio < 0.0 {
        return Err(Exception::Value); // math.sqrt
    }
    let root = space_ratio.sqrt();
    let score = time_ratio * root * weight * n.to_f64()? * quality * efficiency;
    match bonus(&read, minor) {
        Ok(bonus) => Ok(score + bonus),
        // The score stands without the bonus, to the bit: adding 0.0 would turn -0.0 into 0.0.
        Err(Exception::Value | Exception::ZeroDivision) => Ok(score),
        Err(escaping) => Err(escaping),
    }
}

/// Work score of a block as it is reported: `None` where there is none.
#[must_use]
pub fn reported_work(block: &Block<'_>, minor: u8) -> Option<f64> {
    let complexity = block.fields()?.complexity;
    complexity.truthy().then(|| work(complexity, minor).ok()).flatten()
}

/// Python's `max(a, b)`: `a` unless `b > a`, so a NaN second never wins.
fn larger(a: Num, b: Num) -> Num {
    if b.greater(&a) {
        b
    } else {
        a
    }
}

fn quality(epsilon: &Value<'_>) -> Result<f64, Exception> {
    if matches!(epsilon, Value::Null) {
        return Ok(1.0);
    }
    let loss = larger(Num::Float(0.0), epsilon.num()?);
    Ok(1.0 / (1.0 + loss.to_f64()?))
}

fn class_weight(class: &Value<'_>) -> Result<f64, Exception> {
    if !class.hashable() {
        return Err(Exception::Type);
    }
    let Value::Str(name) = class else { return Ok(1.0) };
    Ok(match name.as_ref() {
        b"NP" => 10.0,
        b"NP-Complete" | b"NP-Hard" => 100.0,
        b"PSPACE" => 500.0,
        b"EXPTIME" => 1000.0,
        _ => 1.0,
    })
}

/// Factor 0.1 to 2.0 for the energy spent per operation; 1.0 where it cannot be told.
fn efficiency(complexity: &Complexity<'_, '_>, ts: &Num, minor: u8) -> Result<f64, Exception> {
    let joules = complexity.energy_metrics.value()?.dict()?.read("solve_energy_joules")?.num()?;
    let zero = Num::Int(0);
    if !joules.greater(&zero) || !ts.greater(&zero) {
        return Ok(1.0);
    }
    let ops = match operations(complexity.time_solve.value()?, complexity.problem_size.value()?, minor) {
        Ok(Power::Real(ops)) => ops,
        Ok(Power::Complex) => return Err(Exception::Type),
        Err(Exception::Value) => return Ok(1.0),
        Err(escaping) => return Err(escaping),
    };
    if !ops.greater(&zero) {
        return Ok(1.0);
    }
    let per_operation = joules.divide(&ops)?;
    if per_operation > 0.0 {
        return Ok((1e-9 / per_operation).clamp(0.1, 2.0)); // never a NaN
    }
    Ok(1.0)
}

/// Logarithmic bonus for being harder to solve than to verify.
fn bonus(complexity: &Complexity<'_, '_>, minor: u8) -> Result<f64, Exception> {
    let size = complexity.problem_size.value()?;
    let solve = operations(complexity.time_solve.value()?, size, minor)?;
    let Power::Real(verify) = operations(complexity.time_verify.value()?, size, minor)? else {
        return Err(Exception::Type); // max() compares
    };
    let divisor = larger(Num::Float(1e-9), verify);
    // The quotient counts for nothing; whether it can be computed decides whether there is a bonus.
    match solve {
        Power::Real(solve) => solve.divide(&divisor)?,
        Power::Complex => divisor.to_f64()?,
    };
    let log = |asymmetry: Member<'_, '_>| larger(Num::Int(1), asymmetry.num()?).logarithm(f64::ln);
    Ok(log(complexity.asymmetry_time)? + log(complexity.asymmetry_space)? * 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::limits::MAX_LEVELS;
    use crate::json::parser::parse;

    const WORKED: &str = r#"{"problem_class": "NP-Complete", "time_solve_O": "O(2^n)", "time_verify_O": "O(n)",
        "problem_size": 32, "measured_solve_time": 0.25, "measured_verify_time": 1.5e-6,
        "measured_solve_space": 3145728, "measured_verify_space": 0, "epsilon_approximation": null,
        "asymmetry_time": 134217728.0, "asymmetry_space": 1744, "energy_metrics": {"solve_energy_joules": 25}}"#;

    fn score(text: &str) -> Result<u64, Exception> {
        let value = parse(text.as_bytes(), MAX_LEVELS).unwrap_or_default();
        work(&value, 11).map(f64::to_bits)
    }

    #[test]
    fn the_worked_example_has_these_bits() {
        // 0x1.2eb2a432e3e71p+37
        assert_eq!(score(WORKED), Ok(0x4242_eb2a_432e_3e71));
    }

    #[test]
    fn what_the_bonus_raises_is_swallowed_only_where_python_swallows_it() {
        let without = |old: &str, new: &str| score(&WORKED.replace(old, new));
        let unknown_form = without("O(n)", "O(nonsense)");
        assert!(unknown_form.is_ok_and(|bits| bits != 0x4242_eb2a_432e_3e71));
        assert_eq!(without("\"O(n)\"", "5"), Err(Exception::Attribute));
        assert_eq!(without("\"asymmetry_space\": 1744, ", ""), Err(Exception::Key));
        let missing_but_unread = WORKED.replace("O(2^n)", "?").replace("\"asymmetry_space\": 1744, ", "");
        assert!(score(&missing_but_unread).is_ok());
        assert_eq!(without("3145728", "-1"), Err(Exception::Value));
    }

    #[test]
    fn energy_too_small_to_be_divided_counts_as_no_energy() {
        let with = |joules: &str| score(&WORKED.replace("\"solve_energy_joules\": 25", joules));
        let none = with("\"solve_energy_joules\": 0");
        assert!(none.is_ok());
        assert_eq!(with("\"solve_energy_joules\": 5e-324"), none);
        assert_ne!(with("\"solve_energy_joules\": 1e-300"), none);
    }
}

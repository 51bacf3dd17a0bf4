//! Operation counts of asymptotic strings such as `O(n log n)`.

use crate::block::notation::form;
use crate::error::Exception;
use crate::python::number::Num;
use crate::python::power::{factorial, power, Power};
use crate::python::unicode;
use crate::python::value::Value;

/// Operations of an asymptotic string at problem size `size`, on Python 3.`minor`.
pub fn operations(asymptotic: &Value<'_>, size: &Value<'_>, minor: u8) -> Result<Power, Exception> {
    let Value::Str(text) = asymptotic else { return Err(Exception::Attribute) };
    let n = size.num()?;
    // With a lone surrogate it is none of the forms, and neither part of it is a number.
    let form = form(text).ok_or(Exception::Value)?;
    match form.as_ref() {
        "1" => Ok(Power::Real(Num::Int(1))),
        "log n" if !n.greater(&Num::Int(1)) => Ok(Power::Real(Num::Int(0))),
        "log n" => log2(&n).map(|log| Power::Real(Num::Float(log))),
        "n log n" if !n.greater(&Num::Int(1)) => Ok(Power::Real(Num::Int(0))),
        "n log n" => Ok(Power::Real(Num::Float(log2(&n).and_then(|log| Ok(n.to_f64()? * log))?))),
        "n" => Ok(Power::Real(n)),
        "n^2" => power(&n, &Num::Int(2)),
        "n^3" => power(&n, &Num::Int(3)),
        "2^n" => power(&Num::Int(2), &n),
        "n!" => factorial(&n).map(Power::Real),
        _ => {
            let (base, exponent) = form.split_once('^').ok_or(Exception::Value)?;
            if exponent.contains('^') {
                return Err(Exception::Value);
            }
            let part = |text: &str| match text {
                "n" => Ok(n.clone()),
                _ => unicode::parse_float(text, minor).map(Num::Float).ok_or(Exception::Value),
            };
            power(&part(base)?, &part(exponent)?)
        }
    }
}

fn log2(n: &Num) -> Result<f64, Exception> {
    n.logarithm(f64::log2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &'static str, n: Value<'_>) -> Result<f64, Exception> {
        match operations(&Value::text(text), &n, 11)? {
            Power::Real(number) => number.to_f64(),
            Power::Complex => Ok(f64::NAN),
        }
    }

    #[test]
    fn forms_are_evaluated_as_python_does() {
        for (text, n, expected) in [
            ("O(2^n)", 10, Ok(1024.0)),
            ("Omega(n!)", 5, Ok(120.0)),
            ("Theta( n log n )", 8, Ok(24.0)),
            ("log n", 1, Ok(0.0)),
            ("OO((n)", 7, Err(Exception::Value)),
            ("2^n", -3, Ok(0.125)),
            ("n!", -1, Err(Exception::Value)),
            ("n^n", 0, Ok(1.0)),
            ("n^-1", 0, Err(Exception::ZeroDivision)),
            ("n^1_0", 2, Ok(1024.0)),
            ("2^ n", 2, Err(Exception::Value)),
            ("n^2^2", 2, Err(Exception::Value)),
            ("nonsense", 2, Err(Exception::Value)),
            ("10^309", 2, Err(Exception::Overflow)),
            ("\u{1c}n\u{3000}", 3, Ok(3.0)),
        ] {
            assert_eq!(at(text, Value::Int(n)), expected, "{text} at {n}");
        }
        assert_eq!(at("n!", Value::Float(3.0)), Err(Exception::Type));
        assert_eq!(at("n^0.5", Value::Int(-4)).map(f64::is_nan), Ok(true));
    }

    #[test]
    fn whole_numbers_stay_whole_beyond_what_a_double_holds() {
        for (text, n, expected) in [
            ("n^2", 94_906_267, 9_007_199_515_875_289),
            ("n^3", 208_065, 9_007_351_116_674_625),
            ("2^n", 62, 1 << 62),
            ("n^n", 15, 437_893_890_380_859_375),
            ("n!", 19, 121_645_100_408_832_000),
            ("n!", 0, 1),
            ("log n", 0, 0),
            ("n log n", 0, 0),
        ] {
            let exact = match operations(&Value::text(text), &Value::Int(n), 11) {
                Ok(Power::Real(Num::Int(number))) => Some(number),
                _ => None,
            };
            assert_eq!(exact, Some(expected), "{text} at {n}");
        }
        assert!(operations(&Value::text("n!"), &Value::Int((1 << 16) + 1), 11).is_err());
        assert!(operations(&Value::text("2^n"), &Value::Int((1 << 16) + 1), 11).is_err());
        assert!(operations(&Value::text("2^n"), &Value::Int(1 << 16), 11).is_ok());
    }

    #[test]
    fn a_logarithm_counts_from_one_on() {
        for (n, log, times) in [(0.5, 0.0, 0.0), (1.0, 0.0, 0.0), (8.0, 3.0, 24.0)] {
            assert_eq!(at("log n", Value::Float(n)), Ok(log), "{n}");
            assert_eq!(at("n log n", Value::Float(n)), Ok(times), "{n}");
        }
    }

    #[test]
    fn a_surrogate_is_a_value_error() {
        let text = Value::Str(std::borrow::Cow::Borrowed(b"n^\xed\xa0\x80"));
        assert!(matches!(operations(&text, &Value::Int(1), 11), Err(Exception::Value)));
    }
}

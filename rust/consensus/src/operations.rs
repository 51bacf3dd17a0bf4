//! Operation counts of asymptotic strings such as `O(n log n)`, and Python's `**`.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::hint::black_box;

use num_bigint::BigInt;

use crate::error::Exception;
use crate::number::Num;
use crate::unicode;
use crate::value::Value;

/// A count of operations; a negative base under a fractional power gives a complex number.
#[derive(Debug, Clone)]
pub enum Operations {
    /// An int or a float.
    Real(Num),
    /// A complex number. Nothing asks for its value: it cannot be compared, only divided.
    Complex,
}

/// The forms that are computed for minutes where `n` is large, so they are outside the parity domain there.
const EXPLOSIVE: [&str; 3] = ["2^n", "n!", "n^n"];

/// What miners write, to spare the general way.
const USUAL: [(&[u8], &str); 5] =
    [(b"O(1)", "1"), (b"O(n)", "n"), (b"O(n^2)", "n^2"), (b"O(2^n)", "2^n"), (b"O(n log n)", "n log n")];

/// The text without its `O(`, `Omega(`, `Theta(` and `)`, stripped; `None` if it holds a lone surrogate.
fn form(text: &[u8]) -> Option<Cow<'static, str>> {
    if let Some((_, form)) = USUAL.iter().find(|(usual, _)| *usual == text) {
        return Some(Cow::Borrowed(form));
    }
    let text = std::str::from_utf8(text).ok()?;
    let bare = text.replace("O(", "").replace("Omega(", "").replace("Theta(", "").replace(')', "");
    Some(Cow::Owned(bare.trim_matches(unicode::is_space).to_owned()))
}

/// Whether an asymptotic string, if it is one, is of a form that explodes with the problem size.
pub fn is_explosive(asymptotic: &Value<'_>) -> bool {
    match asymptotic {
        Value::Str(text) => form(text).is_some_and(|form| EXPLOSIVE.contains(&form.as_ref())),
        _ => false,
    }
}

/// Operations of an asymptotic string at problem size `size`, on Python 3.`minor`.
pub fn operations(asymptotic: &Value<'_>, size: &Value<'_>, minor: u8) -> Result<Operations, Exception> {
    let Value::Str(text) = asymptotic else { return Err(Exception::Attribute) };
    let n = size.num()?;
    // With a lone surrogate it is none of the forms, and neither part of it is a number.
    let form = form(text).ok_or(Exception::Value)?;
    match form.as_ref() {
        "1" => Ok(Operations::Real(Num::Int(1))),
        "log n" if !n.greater(&Num::Int(1)) => Ok(Operations::Real(Num::Int(0))),
        "log n" => log2(&n).map(|log| Operations::Real(Num::Float(log))),
        "n log n" if !n.greater(&Num::Int(1)) => Ok(Operations::Real(Num::Int(0))),
        "n log n" => Ok(Operations::Real(Num::Float(log2(&n).and_then(|log| Ok(n.to_f64()? * log))?))),
        "n" => Ok(Operations::Real(n)),
        "n^2" => power(&n, &Num::Int(2)),
        "n^3" => power(&n, &Num::Int(3)),
        "2^n" => power(&Num::Int(2), &n),
        "n!" => factorial(&n).map(Operations::Real),
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

fn factorial(n: &Num) -> Result<Num, Exception> {
    match n {
        Num::Float(_) => Err(Exception::Type),
        Num::Int(n) if *n < 0 => Err(Exception::Value),
        // The domain ends far below.
        Num::Int(n) if *n <= 1 << 16 => {
            Ok(Num::from((2..=*n).fold(BigInt::from(1), |product, factor| product * factor)))
        }
        _ => Err(Exception::Overflow),
    }
}

/// Python's `base ** exponent`.
pub fn power(base: &Num, exponent: &Num) -> Result<Operations, Exception> {
    if let (Num::Int(base), Num::Int(exponent)) = (base, exponent) {
        let small = u32::try_from(*exponent).ok().and_then(|exponent| base.checked_pow(exponent));
        if let Some(power) = small {
            return Ok(Operations::Real(Num::Int(power)));
        }
    }
    if let (Some(base), Num::Int(exponent)) = (base.to_bigint(), exponent) {
        if *exponent >= 0 {
            // The domain ends far below.
            let exponent = u32::try_from(*exponent).ok().filter(|e| *e <= 1 << 16).ok_or(Exception::Overflow)?;
            return Ok(Operations::Real(Num::from(base.pow(exponent))));
        }
    }
    float_power(base.to_f64()?, exponent.to_f64()?)
}

/// The cases that `CPython` decides before it asks the C library, then `pow`.
fn float_power(base: f64, exponent: f64) -> Result<Operations, Exception> {
    let real = |value: f64| Ok(Operations::Real(Num::Float(value)));
    let odd = exponent.abs() % 2.0 == 1.0;
    if exponent == 0.0 {
        return real(1.0);
    }
    if base.is_nan() || exponent.is_nan() {
        return real(if base == 1.0 { 1.0 } else { f64::NAN });
    }
    let rises = exponent.is_sign_positive();
    if exponent.is_infinite() {
        return real(match base.abs().partial_cmp(&1.0) {
            Some(Ordering::Equal) => 1.0,
            Some(Ordering::Greater) if rises => f64::INFINITY,
            Some(Ordering::Less) if !rises => f64::INFINITY,
            _ => 0.0,
        });
    }
    if base.is_infinite() {
        let size = if rises { f64::INFINITY } else { 0.0 };
        return real(if odd { size.copysign(base) } else { size });
    }
    if base == 0.0 {
        if !rises {
            return Err(Exception::ZeroDivision);
        }
        return real(if odd { base } else { 0.0 });
    }
    let negative = base.is_sign_negative();
    if negative && exponent != exponent.floor() {
        return complex_power(base, exponent);
    }
    // The C library's function as it is: a compiler that knew the exponent would turn it into something else.
    let size = black_box(base.abs()).powf(black_box(exponent));
    if size.is_infinite() {
        return Err(Exception::Overflow);
    }
    real(if negative && odd { -size } else { size })
}

/// A negative base under a fractional exponent: only whether it can be computed matters.
fn complex_power(base: f64, exponent: f64) -> Result<Operations, Exception> {
    // Neither the sine nor the cosine of the angle is ever zero: an infinite size makes both parts infinite.
    let size = black_box(base.abs()).powf(black_box(exponent));
    if size.is_infinite() {
        return Err(Exception::Overflow);
    }
    Ok(Operations::Complex)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &'static str, n: Value<'_>) -> Result<f64, Exception> {
        match operations(&Value::text(text), &n, 11)? {
            Operations::Real(number) => number.to_f64(),
            Operations::Complex => Ok(f64::NAN),
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
                Ok(Operations::Real(Num::Int(number))) => Some(number),
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

    /// Under each exponent of [`EXPONENTS`] what CPython 3.11 gives: a double, or what it raises.
    const POWERS: [(&str, &str); 13] = [
        ("0.0", "1.0 1.0 0.0 0.0 zero 0.0 zero 0.0 zero 0.0 zero 0.0 inf NaN"),
        ("-0.0", "1.0 1.0 -0.0 0.0 zero -0.0 zero 0.0 zero 0.0 zero 0.0 inf NaN"),
        ("1.0", "1.0 1.0 1.0 1.0 1.0 1.0 1.0 1.0 1.0 1.0 1.0 1.0 1.0 1.0"),
        ("-1.0", "1.0 1.0 -1.0 1.0 1.0 -1.0 -1.0 complex complex complex complex 1.0 1.0 NaN"),
        ("2.0", "1.0 1.0 2.0 4.0 0.25 8.0 0.125 1.4142135623730951 0.7071067811865476 5.656854249492381 0.1767766952966369 inf 0.0 NaN"),
        ("-2.0", "1.0 1.0 -2.0 4.0 0.25 -8.0 -0.125 complex complex complex complex inf 0.0 NaN"),
        ("0.5", "1.0 1.0 0.5 0.25 4.0 0.125 8.0 0.7071067811865476 1.4142135623730951 0.1767766952966369 5.656854249492381 0.0 inf NaN"),
        ("-0.5", "1.0 1.0 -0.5 0.25 4.0 -0.125 -8.0 complex complex complex complex 0.0 inf NaN"),
        ("inf", "1.0 1.0 inf inf 0.0 inf 0.0 inf 0.0 inf 0.0 inf 0.0 NaN"),
        ("-inf", "1.0 1.0 -inf inf 0.0 -inf -0.0 inf 0.0 inf 0.0 inf 0.0 NaN"),
        ("NaN", "1.0 1.0 NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN"),
        ("1e200", "1.0 1.0 1e200 big 0.0 big 0.0 1e100 1e-100 big 0.0 inf 0.0 NaN"),
        ("-1e200", "1.0 1.0 -1e200 big 0.0 big -0.0 complex complex big complex inf 0.0 NaN"),
    ];
    const EXPONENTS: &str = "0.0 -0.0 1.0 2.0 -2.0 3.0 -3.0 0.5 -0.5 2.5 -2.5 inf -inf NaN";

    #[test]
    fn powers_of_doubles_are_those_of_cpython() {
        let double = |text: &str| text.parse().map_or(Num::Int(0), Num::Float);
        for (base, expected) in POWERS {
            assert_eq!(expected.split(' ').count(), EXPONENTS.split(' ').count(), "{base}");
            for (exponent, expected) in EXPONENTS.split(' ').zip(expected.split(' ')) {
                let told = match power(&double(base), &double(exponent)) {
                    Ok(Operations::Real(number)) => {
                        number.to_f64().map_or("no double".to_owned(), |it| format!("{it:?}"))
                    }
                    Ok(Operations::Complex) => "complex".to_owned(),
                    Err(Exception::ZeroDivision) => "zero".to_owned(),
                    Err(Exception::Overflow) => "big".to_owned(),
                    Err(other) => format!("{other:?}"),
                };
                assert_eq!(told, expected, "{base} ** {exponent}");
            }
        }
    }

    #[test]
    fn a_surrogate_is_a_value_error() {
        let text = Value::Str(std::borrow::Cow::Borrowed(b"n^\xed\xa0\x80"));
        assert!(matches!(operations(&text, &Value::Int(1), 11), Err(Exception::Value)));
    }
}

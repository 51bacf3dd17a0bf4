//! Python's `**` and `math.factorial`.

use std::cmp::Ordering;
use std::hint::black_box;

use num_bigint::BigInt;

use super::number::Num;
use crate::error::Exception;

/// What a power is: a negative base under a fractional exponent gives a complex number.
#[derive(Debug, Clone)]
pub enum Power {
    /// An int or a float.
    Real(Num),
    /// A complex number. Nothing asks for its value: it cannot be compared, only divided.
    Complex,
}

/// Python's `math.factorial(n)`.
///
/// # Errors
/// [`Exception::Type`] for a double, [`Exception::Value`] below zero, [`Exception::Overflow`] beyond the domain.
pub fn factorial(n: &Num) -> Result<Num, Exception> {
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
///
/// # Errors
/// [`Exception::Overflow`], and [`Exception::ZeroDivision`] for zero under a negative exponent.
pub fn power(base: &Num, exponent: &Num) -> Result<Power, Exception> {
    if let (Num::Int(base), Num::Int(exponent)) = (base, exponent) {
        let small = u32::try_from(*exponent).ok().and_then(|exponent| base.checked_pow(exponent));
        if let Some(power) = small {
            return Ok(Power::Real(Num::Int(power)));
        }
    }
    if let (Some(base), Num::Int(exponent)) = (base.to_bigint(), exponent) {
        if *exponent >= 0 {
            // The domain ends far below.
            let exponent = u32::try_from(*exponent).ok().filter(|e| *e <= 1 << 16).ok_or(Exception::Overflow)?;
            return Ok(Power::Real(Num::from(base.pow(exponent))));
        }
    }
    float_power(base.to_f64()?, exponent.to_f64()?)
}

/// The cases that `CPython` decides before it asks the C library, then `pow`.
fn float_power(base: f64, exponent: f64) -> Result<Power, Exception> {
    let real = |value: f64| Ok(Power::Real(Num::Float(value)));
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
fn complex_power(base: f64, exponent: f64) -> Result<Power, Exception> {
    // Neither the sine nor the cosine of the angle is ever zero: an infinite size makes both parts infinite.
    let size = black_box(base.abs()).powf(black_box(exponent));
    if size.is_infinite() {
        return Err(Exception::Overflow);
    }
    Ok(Power::Complex)
}

#[cfg(test)]
mod tests {
    use super::*;

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
                    Ok(Power::Real(number)) => number.to_f64().map_or("no double".to_owned(), |it| format!("{it:?}")),
                    Ok(Power::Complex) => "complex".to_owned(),
                    Err(Exception::ZeroDivision) => "zero".to_owned(),
                    Err(Exception::Overflow) => "big".to_owned(),
                    Err(other) => format!("{other:?}"),
                };
                assert_eq!(told, expected, "{base} ** {exponent}");
            }
        }
    }
}

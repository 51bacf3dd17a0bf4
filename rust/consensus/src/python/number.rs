//! Python's numbers: exact integers of any size and doubles, with Python's conversions and comparisons.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};

use crate::error::Exception;

/// An `int` or a `float`. A `bool` is the integer 0 or 1 here.
#[derive(Debug, Clone)]
pub enum Num {
    /// An integer that fits 64 bits.
    Int(i64),
    /// Any other integer.
    Big(BigInt),
    /// A double.
    Float(f64),
}

impl From<BigInt> for Num {
    fn from(value: BigInt) -> Self {
        i64::try_from(&value).map_or(Self::Big(value), Self::Int)
    }
}

impl Num {
    /// Python's `float(x)`: an exact integer is rounded to the nearest double, ties to even.
    ///
    /// # Errors
    /// [`Exception::Overflow`] for an integer that no double can hold.
    pub fn to_f64(&self) -> Result<f64, Exception> {
        match self {
            #[allow(clippy::cast_precision_loss)] // rounds to nearest even, as Python does
            Self::Int(value) => Ok(*value as f64),
            Self::Big(value) => {
                let (mantissa, exponent) = normalized(value);
                round_to_f64(value.sign() == Sign::Minus, mantissa, exponent).ok_or(Exception::Overflow)
            }
            Self::Float(value) => Ok(*value),
        }
    }

    /// This number as an exact integer, if it is an `int`.
    #[must_use]
    pub fn to_bigint(&self) -> Option<BigInt> {
        match self {
            Self::Int(value) => Some(BigInt::from(*value)),
            Self::Big(value) => Some(value.clone()),
            Self::Float(_) => None,
        }
    }

    /// Exact comparison; `None` if one of the two is NaN.
    #[must_use]
    #[inline]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self.to_exact_f64(), other.to_exact_f64()) {
            (Some(a), Some(b)) => a.partial_cmp(&b),
            _ => self.compare_any(other),
        }
    }

    /// The same where one of the two may be no double.
    fn compare_any(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b),
            (Self::Float(a), b) => b.to_exact_f64().map_or_else(|| compare_float(*a, b), |b| a.partial_cmp(&b)),
            (_, Self::Float(_)) => other.compare_any(self).map(Ordering::reverse),
            (Self::Int(_), Self::Big(b)) => {
                Some(if b.sign() == Sign::Minus { Ordering::Greater } else { Ordering::Less })
            }
            (Self::Big(a), Self::Int(_)) => {
                Some(if a.sign() == Sign::Minus { Ordering::Less } else { Ordering::Greater })
            }
            (Self::Big(a), Self::Big(b)) => Some(a.cmp(b)),
        }
    }

    /// Python's `a > b`.
    #[must_use]
    pub fn greater(&self, other: &Self) -> bool {
        self.compare(other) == Some(Ordering::Greater)
    }

    /// Python's `a + b`.
    ///
    /// # Errors
    /// [`Exception::Overflow`] where an integer has to become a double and cannot.
    pub fn add(&self, other: &Self) -> Result<Self, Exception> {
        if let (Self::Int(a), Self::Int(b)) = (self, other) {
            if let Some(sum) = a.checked_add(*b) {
                return Ok(Self::Int(sum));
            }
        }
        match (self.to_bigint(), other.to_bigint()) {
            (Some(a), Some(b)) => Ok(Self::from(a + b)),
            _ => Ok(Self::Float(self.to_f64()? + other.to_f64()?)),
        }
    }

    /// Python's `a - b`.
    ///
    /// # Errors
    /// As [`Num::add`].
    pub fn subtract(&self, other: &Self) -> Result<Self, Exception> {
        match (self.to_bigint(), other.to_bigint()) {
            (Some(a), Some(b)) => Ok(Self::from(a - b)),
            _ => Ok(Self::Float(self.to_f64()? - other.to_f64()?)),
        }
    }

    /// Python's `a / b`: exact and correctly rounded for two integers.
    ///
    /// # Errors
    /// [`Exception::ZeroDivision`], and [`Exception::Overflow`] where an operand or the quotient fits no double.
    pub fn divide(&self, other: &Self) -> Result<f64, Exception> {
        match (self.to_exact_f64(), other.to_exact_f64()) {
            (_, Some(0.0)) => {
                // Beside a double an integer becomes one first, and may be too large for it.
                if matches!(other, Self::Float(_)) {
                    self.to_f64()?;
                }
                Err(Exception::ZeroDivision)
            }
            (Some(exact_a), Some(exact_b)) => Ok(exact_a / exact_b),
            _ => match (self.to_bigint(), other.to_bigint()) {
                (Some(a), Some(b)) => divide_integers(&a, &b),
                _ => Ok(self.to_f64()? / other.to_f64()?),
            },
        }
    }

    /// This number as a double if that loses nothing and takes no time to see.
    #[inline]
    fn to_exact_f64(&self) -> Option<f64> {
        const EXACT: i64 = 1 << 53;
        match self {
            #[allow(clippy::cast_precision_loss)] // exact in this range
            Self::Int(value) if (-EXACT..=EXACT).contains(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// Python's `math.log` of a number above zero: also of integers that no double can hold.
    ///
    /// `log` is the C library's function; the caller chooses the base.
    ///
    /// # Errors
    /// [`Exception::Value`] for zero and below.
    pub fn logarithm(&self, log: fn(f64) -> f64) -> Result<f64, Exception> {
        match self {
            Self::Float(value) if value.is_nan() => Ok(*value),
            Self::Float(value) if *value > 0.0 => Ok(log(*value)),
            Self::Int(value) if *value > 0 => Ok(log(self.to_f64()?)),
            Self::Big(value) if value.sign() == Sign::Plus => self.to_f64().map_or_else(
                |_| {
                    let (fraction, exponent) = fraction_and_exponent(value);
                    Ok(log(fraction) + log(std::hint::black_box(2.0)) * exponent)
                },
                |double| Ok(log(double)),
            ),
            _ => Err(Exception::Value),
        }
    }
}

/// Compares a double with an integer exactly.
fn compare_float(float: f64, int: &Num) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    if float.is_infinite() {
        return Some(if float.is_sign_positive() { Ordering::Greater } else { Ordering::Less });
    }
    match (int, truncated(float)) {
        (Num::Int(int), Num::Int(whole)) => Some(whole.cmp(int).then(fraction_order(float))),
        (int, whole) => whole.compare(int).map(|order| order.then(fraction_order(float))),
    }
}

/// How a finite double lies to its own whole part.
fn fraction_order(float: f64) -> Ordering {
    float.partial_cmp(&float.trunc()).unwrap_or(Ordering::Equal)
}

/// Whole part of a finite double as an integer; of anything else 0.
#[must_use]
pub fn truncated(float: f64) -> Num {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0; // 2^63
    if float.abs() < LIMIT {
        #[allow(clippy::cast_possible_truncation)] // in range, and truncation is meant
        return Num::Int(float.trunc() as i64);
    }
    if !float.is_finite() {
        return Num::Int(0);
    }
    let bits = float.to_bits();
    let exponent = (bits >> 52) & 0x7ff;
    let mantissa = (bits & ((1 << 52) - 1)) | (1 << 52);
    let magnitude = BigInt::from(mantissa) << exponent.saturating_sub(1075);
    Num::from(if float.is_sign_negative() { -magnitude } else { magnitude })
}

/// Top 64 bits of an integer's magnitude, the highest one set unless it is zero and the lowest one sticky, and the power
/// of two they are scaled by.
fn normalized(value: &BigInt) -> (u64, i64) {
    let magnitude = value.magnitude();
    let bits = i64::try_from(magnitude.bits()).unwrap_or(i64::MAX);
    let shift = bits - 64;
    if shift <= 0 {
        let small = u64::try_from(magnitude).unwrap_or(0);
        return (small.rotate_left(small.leading_zeros()), shift);
    }
    let top = u64::try_from(&(magnitude >> shift.unsigned_abs())).unwrap_or(u64::MAX);
    let exact = magnitude.trailing_zeros().is_some_and(|zeros| zeros >= shift.unsigned_abs());
    (top | u64::from(!exact), shift)
}

/// The double nearest to `mantissa * 2^exponent`, ties to even; `None` if it is out of range.
///
/// Of a mantissa that is not zero the highest bit is set. The lowest one may be sticky: set where lower bits were lost.
fn round_to_f64(negative: bool, mantissa: u64, exponent: i64) -> Option<f64> {
    const BELOW_MANTISSA: i64 = 64 - 53;
    const LOWEST: i64 = -1074;
    if mantissa == 0 {
        return Some(if negative { -0.0 } else { 0.0 });
    }
    // Bits below the last one that the result can hold: more of them if the result is subnormal.
    let drop = BELOW_MANTISSA.max(LOWEST - exponent);
    let rounded = if drop <= 64 {
        let wide = u128::from(mantissa);
        let half = 1_u128 << (drop - 1);
        let kept = wide >> drop;
        let rest = wide & ((half << 1) - 1);
        let up = rest > half || (rest == half && kept & 1 == 1);
        u64::try_from(kept).unwrap_or(u64::MAX) + u64::from(up)
    } else {
        0
    };
    let magnitude = scale(rounded, exponent.saturating_add(drop));
    magnitude.is_finite().then_some(if negative { -magnitude } else { magnitude })
}

/// `value * 2^exponent` where the result is exact or infinite; `value` has at most 54 bits.
fn scale(value: u64, exponent: i64) -> f64 {
    #[allow(clippy::cast_precision_loss)] // at most 53 significant bits
    let mut result = value as f64;
    let mut left = exponent.clamp(-5000, 5000);
    while left != 0 {
        let step = left.clamp(-500, 500);
        #[allow(clippy::cast_possible_truncation)] // within +-500
        let factor = 2.0_f64.powi(step as i32);
        result *= factor;
        left -= step;
    }
    result
}

/// `(x, e)` with `x` in `[0.5, 1)` and `x * 2^e` the integer, rounded to 53 bits; the integer is not zero.
#[allow(clippy::cast_precision_loss)] // exponents are far below 2^53
fn fraction_and_exponent(value: &BigInt) -> (f64, f64) {
    let (mantissa, exponent) = normalized(value);
    let rounded = round_to_f64(false, mantissa, 0).unwrap_or(0.0);
    // Rounding up may carry to 2^64: then the fraction is 0.5 and the exponent one more.
    let carried = rounded >= 18_446_744_073_709_551_616.0;
    let width = 64 + i64::from(carried);
    (scale_down(rounded, width), (exponent + width) as f64)
}

fn scale_down(value: f64, width: i64) -> f64 {
    #[allow(clippy::cast_possible_truncation)] // at most 65
    let exponent = -width as i32;
    value * 2.0_f64.powi(exponent)
}

/// Correctly rounded quotient of two integers.
fn divide_integers(a: &BigInt, b: &BigInt) -> Result<f64, Exception> {
    if b.sign() == Sign::NoSign {
        return Err(Exception::ZeroDivision);
    }
    let negative = (a.sign() == Sign::Minus) != (b.sign() == Sign::Minus);
    let (dividend, divisor) = (a.magnitude(), b.magnitude());
    let bits = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    // Scale so that the whole quotient has 64 or 65 bits: enough to round once, the remainder being sticky.
    let shift = 65 - (bits(dividend.bits()) - bits(divisor.bits()));
    let (scaled, divisor) = if shift >= 0 {
        (dividend << shift.unsigned_abs(), divisor.clone())
    } else {
        (dividend.clone(), divisor << shift.unsigned_abs())
    };
    let quotient = &scaled / &divisor;
    let exact = &quotient * &divisor == scaled;
    let (mantissa, exponent) = normalized(&BigInt::from(quotient));
    round_to_f64(negative, mantissa | u64::from(!exact), exponent - shift).ok_or(Exception::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn power_of_ten(exponent: u32) -> BigInt {
        BigInt::from(10).pow(exponent)
    }

    #[test]
    fn integers_beside_doubles_compare_exactly() {
        let above = Num::Int((1 << 53) + 1);
        let double = Num::Float(9_007_199_254_740_992.0);
        assert_eq!(above.compare(&double), Some(Ordering::Greater));
        assert_eq!(Num::Int(i64::MAX).compare(&Num::Float(9_223_372_036_854_775_808.0)), Some(Ordering::Less));
        assert_eq!(Num::Float(-0.5).compare(&Num::Int(0)), Some(Ordering::Less));
        assert_eq!(Num::Float(f64::NAN).compare(&Num::Int(0)), None);
        assert_eq!(Num::from(power_of_ten(400)).compare(&Num::Float(f64::INFINITY)), Some(Ordering::Less));
    }

    #[test]
    fn division_of_huge_integers_is_exact() {
        let quotient = Num::from(power_of_ten(400)).divide(&Num::from(power_of_ten(399)));
        assert_eq!(quotient, Ok(10.0));
        let tiny = Num::Int(1).divide(&Num::from(power_of_ten(400)));
        assert_eq!(tiny.map(f64::to_bits), Ok(0));
        let subnormal = Num::Int(1).divide(&Num::from(BigInt::from(1) << 1074));
        assert_eq!(subnormal.map(f64::to_bits), Ok(1));
        assert_eq!(Num::from(power_of_ten(400)).divide(&Num::Int(3)), Err(Exception::Overflow));
        assert_eq!(Num::Float(10.0).divide(&Num::from(power_of_ten(400))), Err(Exception::Overflow));
        assert_eq!(Num::Int(1).divide(&Num::Float(0.0)), Err(Exception::ZeroDivision));
    }

    #[test]
    fn an_integer_becomes_the_nearest_double_ties_to_even() {
        let tie: BigInt = (BigInt::from(1) << 70) + (BigInt::from(1) << 17);
        assert_eq!(Num::from(tie.clone()).to_f64(), Ok(2.0_f64.powi(70)));
        assert_eq!(Num::from(tie + 1).to_f64(), Ok(2.0_f64.powi(70) + 2.0_f64.powi(18)));
        assert_eq!(Num::from(BigInt::from(1) << 1024).to_f64(), Err(Exception::Overflow));
    }

    #[test]
    fn logarithms_take_integers_beyond_doubles() {
        let log = Num::from(power_of_ten(400)).logarithm(f64::ln);
        assert_eq!(log.map(f64::to_bits), Ok(921.034_037_197_618_2_f64.to_bits()));
        assert_eq!(Num::Int(0).logarithm(f64::ln), Err(Exception::Value));
    }
}

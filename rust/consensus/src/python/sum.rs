//! Python's `sum`.

use super::number::Num;
use super::value::Value;
use crate::error::Exception;

/// Python's `sum(values)`, which has changed twice: 3.12 began to compensate the sums of doubles, 3.14 took the
/// integers among them in.
///
/// # Errors
/// [`Exception::Type`] for what is no number, [`Exception::Overflow`] for an integer that fits no double.
pub fn sum<'v, 'a: 'v>(values: impl Iterator<Item = &'v Value<'a>>, minor: u8) -> Result<Num, Exception> {
    let mut sum = Sum::Exact(Num::Int(0));
    for value in values {
        sum = sum.add(&value.num()?, minor)?;
    }
    Ok(sum.finished())
}

/// The states `CPython`'s `sum` goes through, never back.
enum Sum {
    /// Integers of at most 64 bits so far.
    Exact(Num),
    /// A running double with its compensation (zero where there is none).
    Doubles { total: f64, lost: f64 },
    /// Ordinary addition to the end: a big integer has been seen.
    General(Num),
}

impl Sum {
    fn add(self, item: &Num, minor: u8) -> Result<Self, Exception> {
        match self {
            Self::Exact(total) => Ok(match total.add(item)? {
                Num::Float(total) => Self::Doubles { total, lost: 0.0 },
                Num::Int(total) if !matches!(item, Num::Big(_)) => Self::Exact(Num::Int(total)),
                big => Self::General(big),
            }),
            Self::Doubles { total, lost } => match item {
                Num::Float(x) if minor >= 12 => Ok(compensated(total, lost, *x)),
                Num::Float(x) => Ok(Self::Doubles { total: total + x, lost }),
                int if minor >= 14 => Ok(compensated(total, lost, int.to_f64()?)),
                Num::Int(_) => Ok(Self::Doubles { total: total + item.to_f64()?, lost }),
                Num::Big(_) => Ok(Self::General(Self::Doubles { total, lost }.finished().add(item)?)),
            },
            Self::General(total) => total.add(item).map(Self::General),
        }
    }

    fn finished(self) -> Num {
        match self {
            Self::Exact(total) | Self::General(total) => total,
            Self::Doubles { total, lost } if lost != 0.0 && lost.is_finite() => Num::Float(total + lost),
            Self::Doubles { total, .. } => Num::Float(total),
        }
    }
}

/// One step of Neumaier's summation.
fn compensated(total: f64, lost: f64, x: f64) -> Sum {
    let next = total + x;
    let error = if total.abs() >= x.abs() { (total - next) + x } else { (x - next) + total };
    Sum::Doubles { total: next, lost: lost + error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Vec<Value<'static>> {
        let number = |text: &str| {
            let whole = text.parse::<num_bigint::BigInt>().map(|whole| Num::from(whole).into());
            whole.unwrap_or_else(|_| Value::Float(text.parse().unwrap_or(f64::NAN)))
        };
        text.split(", ").map(number).collect()
    }

    #[test]
    fn doubles_are_summed_as_the_minor_does() {
        let sum_of = |text: &str, minor: u8| sum(numbers(text).iter(), minor).and_then(|sum| sum.to_f64()).ok();
        let tenths = "0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1";
        assert_eq!(sum_of(tenths, 11), Some(0.999_999_999_999_999_9));
        assert_eq!(sum_of(tenths, 12), Some(1.0));
        assert_eq!(sum_of("1e16, 1.0, 1.0, -1e16", 11), Some(0.0));
        assert_eq!(sum_of("1e16, 1.0, 1.0, -1e16", 12), Some(2.0));
        assert_eq!(sum_of("3.0, 1e16, -1e16", 12), Some(3.0));
        assert_eq!(sum_of("1e16, 1, 1, -1e16", 13), Some(0.0));
        assert_eq!(sum_of("1e16, 1, 1, -1e16", 14), Some(2.0));
        // Once an integer beyond 64 bits has been seen nothing is compensated any more, even if the sum is small again.
        let big = "1180591620717411303424, -1180591620717411303424, 1e16, 1.0, 1.0, -1e16";
        assert_eq!(sum_of(big, 12), Some(0.0));
        let back = "-1, 9223372036854775808, 0.0, 600.0, 600.0";
        assert_eq!(sum_of(back, 12), Some(9_223_372_036_854_775_808.0));
        assert_eq!(sum_of("1, 1e16, 1.0, 1.0, -1e16", 12), Some(2.0));
        assert_eq!(sum_of("1e308, 1e308", 12), Some(f64::INFINITY));
    }
}

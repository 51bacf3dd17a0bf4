//! Keys of the block tree: Python dict keys, kept small.
//!
//! `True`, `1` and `1.0` are one key, `null` is a key, and every NaN of a JSON text is one key. Which of the equal
//! objects it was is kept beside the key as its [`Form`], because the tip's hash is the object its block holds.

use std::borrow::Cow;

use num_bigint::BigInt;

use super::number::{truncated, Num};
use super::value::Value;
use crate::error::Exception;

/// A class of Python objects that are one dict key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// A text of 64 lower-case hex digits, as its 32 bytes.
    Hash([u8; 32]),
    /// Any other text.
    Text(Box<[u8]>),
    /// A whole number of at most 64 bits.
    Int(i64),
    /// Any other whole number.
    Big(Box<BigInt>),
    /// A double that is no whole number, by its bits; NaN too.
    Float(u64),
    /// `None`
    Null,
}

/// Which of the objects of a key's class it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// The class has one form only.
    Only,
    /// `True` or `False`
    Bool,
    /// An `int`
    Int,
    /// A `float`
    Float,
    /// The `float` `-0.0`
    NegativeZero,
}

impl Key {
    /// Key and form of a value.
    ///
    /// # Errors
    /// [`Exception::Type`] for a value that cannot be hashed.
    pub fn of(value: &Value<'_>) -> Result<(Self, Form), Exception> {
        Ok(match value {
            Value::Null => (Self::Null, Form::Only),
            Value::Bool(value) => (Self::Int(i64::from(*value)), Form::Bool),
            Value::Int(value) => (Self::Int(*value), Form::Int),
            Value::Big(value) => (Self::Big(value.clone()), Form::Int),
            Value::Float(value) => Self::of_float(*value),
            Value::Str(text) => (Self::of_text(text), Form::Only),
            Value::List(_) | Value::Ints(_) | Value::Dict(_) => return Err(Exception::Type),
        })
    }

    fn of_float(value: f64) -> (Self, Form) {
        if !value.is_finite() || value.fract() != 0.0 {
            return (Self::Float(value.to_bits()), Form::Only);
        }
        let form = if value == 0.0 && value.is_sign_negative() { Form::NegativeZero } else { Form::Float };
        match truncated(value) {
            Num::Big(value) => (Self::Big(Box::new(value)), form),
            Num::Int(value) => (Self::Int(value), form),
            Num::Float(value) => (Self::Float(value.to_bits()), Form::Only),
        }
    }

    fn of_text(text: &[u8]) -> Self {
        unhex(text).map_or_else(|| Self::Text(text.into()), Self::Hash)
    }

    /// The object of this class that has the given form.
    #[must_use]
    pub fn value(&self, form: Form) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Hash(bytes) => Value::Str(Cow::Owned(hex_digits(bytes).to_vec())),
            Self::Text(text) => Value::Str(Cow::Owned(text.to_vec())),
            Self::Float(bits) => Value::Float(f64::from_bits(*bits)),
            Self::Int(value) => match form {
                Form::Bool => Value::Bool(*value != 0),
                #[allow(clippy::cast_precision_loss)] // it was a double
                Form::Float => Value::Float(*value as f64),
                Form::NegativeZero => Value::Float(-0.0),
                Form::Int | Form::Only => Value::Int(*value),
            },
            Self::Big(value) => match (form, Num::Big((**value).clone()).to_f64()) {
                (Form::Float, Ok(double)) => Value::Float(double),
                _ => Value::Big(value.clone()),
            },
        }
    }
}

/// A key object: the class of objects that are one key, and which of them it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The class.
    pub key: Key,
    /// The one of the class.
    pub form: Form,
}

impl Named {
    /// The key object that a value is.
    ///
    /// # Errors
    /// [`Exception::Type`] for a value that cannot be hashed.
    #[inline]
    pub fn of(value: &Value<'_>) -> Result<Self, Exception> {
        let (key, form) = Key::of(value)?;
        Ok(Self { key, form })
    }

    /// The key object as a value.
    #[must_use]
    pub fn value(&self) -> Value<'static> {
        self.key.value(self.form)
    }
}

/// Lower-case hex of a hash, as ASCII.
#[must_use]
pub fn hex_digits(hash: &[u8; 32]) -> [u8; 64] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| DIGITS.get(usize::from(value & 15)).copied().unwrap_or(b'0');
    let mut text = [0; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(hash) {
        if let [high, low] = pair {
            (*high, *low) = (digit(byte >> 4), digit(*byte));
        }
    }
    text
}

/// Lower-case hex of a hash.
#[must_use]
pub fn hex(hash: &[u8; 32]) -> String {
    hex_digits(hash).iter().copied().map(char::from).collect()
}

/// The 32 bytes of 64 lower-case hex digits.
#[must_use]
pub fn unhex(text: &[u8]) -> Option<[u8; 32]> {
    let text: &[u8; 64] = text.try_into().ok()?;
    // Written such that the compiler makes vectors of it: no table, no way out early.
    let mut values = [0; 64];
    let mut wrong = false;
    for (value, digit) in values.iter_mut().zip(text) {
        let (decimal, letter) = (digit.wrapping_sub(b'0'), digit.wrapping_sub(b'a'));
        wrong |= (decimal > 9) & (letter > 5);
        *value = if decimal < 10 { decimal } else { letter.wrapping_add(10) };
    }
    if wrong {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(values.chunks_exact(2)) {
        if let [high, low] = pair {
            *byte = high << 4 | low;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_back_the_object_it_was_made_of() {
        for value in [
            Value::Null,
            Value::Bool(true),
            Value::Int(-7),
            Value::Big(Box::new(BigInt::from(1) << 80)),
            Value::Float(-0.0),
            Value::Float(0.5),
            Value::Float(1e300),
            Value::Float(f64::INFINITY),
            Value::text("not hex"),
            Value::text("00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff"),
        ] {
            let back = Key::of(&value).map(|(key, form)| key.value(form));
            assert_eq!(format!("{back:?}"), format!("Ok({value:?})").replace("Borrowed", "Owned"));
        }
    }

    #[test]
    fn equal_objects_are_one_key() {
        let key = |value: Value<'_>| Key::of(&value).map(|(key, _)| key);
        assert_eq!(key(Value::Bool(true)), key(Value::Float(1.0)));
        assert_eq!(key(Value::Float(f64::NAN)), key(Value::Float(f64::NAN)));
        assert_eq!(key(Value::Float(-0.0)), key(Value::Int(0)));
        assert_eq!(key(Value::List(vec![])), Err(Exception::Type));
        let upper = "AA".repeat(32);
        assert!(matches!(key(Value::Str(Cow::Borrowed(upper.as_bytes()))), Ok(Key::Text(_))));
    }
}

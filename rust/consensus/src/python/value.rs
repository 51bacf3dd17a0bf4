//! JSON values with Python's truth, equality, order, length and hashing.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use num_bigint::BigInt;

use super::dict::{Growing, Map};
use super::number::{truncated, Num};
use super::text::{code_points, Text};
use crate::error::Exception;

/// A `dict` with text keys.
pub type Dict<'a> = Map<'a, Value<'a>>;

/// A `dict` while it is read.
pub type GrowingDict<'a> = Growing<'a, Value<'a>>;

/// What `json.loads` can give.
///
/// The identity of a NaN lies in its bits: [`f64::NAN`] is the one object that every `NaN` of a JSON text is, and
/// other bits are other objects. Python's `in`, `set` and list comparison look at identity first.
#[derive(Debug, Clone, Default)]
pub enum Value<'a> {
    /// `None`
    #[default]
    Null,
    /// `bool`
    Bool(bool),
    /// `int` of at most 64 bits
    Int(i64),
    /// any other `int`
    Big(Box<BigInt>),
    /// `float`
    Float(f64),
    /// `str`
    Str(Text<'a>),
    /// `list`
    List(Vec<Value<'a>>),
    /// `list` of nothing but integers of 64 bits, where it was made by a reader of usual blocks: less to make, to look
    /// through and to free. Who has no quicker way with it asks [`items`](Self::items).
    Ints(Vec<i64>),
    /// `dict`
    Dict(Dict<'a>),
}

impl From<Num> for Value<'_> {
    fn from(number: Num) -> Self {
        match number {
            Num::Int(value) => Self::Int(value),
            Num::Big(value) => Self::Big(Box::new(value)),
            Num::Float(value) => Self::Float(value),
        }
    }
}

impl<'a> Value<'a> {
    /// A text value.
    #[must_use]
    pub const fn text(text: &'a str) -> Self {
        Self::Str(Cow::Borrowed(text.as_bytes()))
    }

    /// Python's `bool(x)`.
    #[must_use]
    pub fn truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Big(_) => true,
            Self::Float(value) => *value != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Ints(items) => !items.is_empty(),
            Self::Dict(dict) => !dict.is_empty(),
        }
    }

    /// The value as a number; a `bool` is an integer.
    #[must_use]
    pub fn as_num(&self) -> Option<Num> {
        match self {
            Self::Bool(value) => Some(Num::Int(i64::from(*value))),
            Self::Int(value) => Some(Num::Int(*value)),
            Self::Big(value) => Some(Num::Big((**value).clone())),
            Self::Float(value) => Some(Num::Float(*value)),
            _ => None,
        }
    }

    /// The value as a number in an arithmetic expression.
    ///
    /// # Errors
    /// [`Exception::Type`] if it is none.
    pub fn num(&self) -> Result<Num, Exception> {
        self.as_num().ok_or(Exception::Type)
    }

    /// The value as a dict where the expression calls `.get` or reads an attribute.
    ///
    /// # Errors
    /// [`Exception::Attribute`] if it is none.
    pub fn dict(&self) -> Result<&Dict<'a>, Exception> {
        match self {
            Self::Dict(dict) => Ok(dict),
            _ => Err(Exception::Attribute),
        }
    }

    /// The members of a list; `None` if it is none.
    #[must_use]
    pub fn items(&self) -> Option<Cow<'_, [Value<'a>]>> {
        match self {
            Self::List(items) => Some(Cow::Borrowed(items)),
            Self::Ints(items) => Some(items.iter().copied().map(Value::Int).collect()),
            _ => None,
        }
    }

    /// Python's `len(x)`: code points, elements or keys.
    ///
    /// # Errors
    /// [`Exception::Type`] for what has no length.
    pub fn length(&self) -> Result<usize, Exception> {
        match self {
            Self::Str(text) => Ok(code_points(text)),
            Self::List(items) => Ok(items.len()),
            Self::Ints(items) => Ok(items.len()),
            Self::Dict(dict) => Ok(dict.len()),
            _ => Err(Exception::Type),
        }
    }

    /// Whether Python's `in`, `set` and dicts take the two for the same: identity first, then equality.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b || (a.is_nan() && a.to_bits() == b.to_bits()),
            (Self::Null, Self::Null) => true,
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::Dict(a), Self::Dict(b)) => a.same(b),
            (a, b) => match (a.as_num(), b.as_num(), a.items(), b.items()) {
                (Some(a), Some(b), ..) => a.compare(&b) == Some(Ordering::Equal),
                (.., Some(a), Some(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(x, y)| x.same(y)),
                _ => false,
            },
        }
    }

    /// Python's `a <= b`.
    ///
    /// # Errors
    /// [`Exception::Type`] for types that have no order between them.
    pub fn at_most(&self, other: &Self) -> Result<bool, Exception> {
        match (self, other) {
            (Self::Str(a), Self::Str(b)) => Ok(a <= b),
            (a, b) => match (a.as_num(), b.as_num(), a.items(), b.items()) {
                (Some(a), Some(b), ..) => Ok(matches!(a.compare(&b), Some(Ordering::Less | Ordering::Equal))),
                (.., Some(a), Some(b)) => match a.iter().zip(b.iter()).find(|(x, y)| !x.same(y)) {
                    Some((x, y)) => x.at_most(y),
                    None => Ok(a.len() <= b.len()),
                },
                _ => Err(Exception::Type),
            },
        }
    }

    /// Whether Python can hash the value.
    #[must_use]
    pub const fn hashable(&self) -> bool {
        !matches!(self, Self::List(_) | Self::Ints(_) | Self::Dict(_))
    }

    /// Feeds a hasher such that values that are the [`same`](Self::same) feed it the same, lists and dicts too.
    pub fn hash_same<H: Hasher + Clone + Default>(&self, state: &mut H) {
        match self {
            Self::Null => 0_u8.hash(state),
            Self::Bool(value) => hash_int(i64::from(*value), state),
            Self::Int(value) => hash_int(*value, state),
            Self::Big(value) => (2_u8, value).hash(state),
            Self::Float(value) => hash_float(*value, state),
            Self::Str(text) => (4_u8, text.as_ref()).hash(state),
            Self::List(items) => {
                (5_u8, items.len()).hash(state);
                items.iter().for_each(|item| item.hash_same(state));
            }
            Self::Ints(items) => {
                (5_u8, items.len()).hash(state);
                items.iter().for_each(|item| hash_int(*item, state));
            }
            Self::Dict(dict) => {
                let mut mixed = 0_u64;
                for (key, value) in dict.iter() {
                    let mut entry = state.clone();
                    key.as_ref().hash(&mut entry);
                    value.hash_same(&mut entry);
                    mixed ^= entry.finish();
                }
                (6_u8, dict.len(), mixed).hash(state);
            }
        }
    }

    /// The same value, owning all of its text.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Big(value) => Value::Big(value),
            Self::Float(value) => Value::Float(value),
            Self::Str(text) => Value::Str(Cow::Owned(text.into_owned())),
            Self::List(items) => Value::List(items.into_iter().map(Value::into_owned).collect()),
            Self::Ints(items) => Value::Ints(items),
            Self::Dict(dict) => Value::Dict(dict.into_owned()),
        }
    }
}

impl<'a> Dict<'a> {
    /// Value under `key`, as `dict[key]`.
    ///
    /// # Errors
    /// [`Exception::Key`] if it is missing.
    pub fn read(&self, key: &str) -> Result<&Value<'a>, Exception> {
        self.get(key.as_bytes()).ok_or(Exception::Key)
    }

    /// The same dict, owning all of its text.
    #[must_use]
    pub fn into_owned(self) -> Dict<'static> {
        self.into_owned_with(Value::into_owned)
    }

    /// Whether Python's `==` takes the two for equal, member by member as [`Value::same`].
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.same_by(other, Value::same)
    }
}

fn hash_int<H: Hasher>(value: i64, state: &mut H) {
    (1_u8, value).hash(state);
}

fn hash_float<H: Hasher>(value: f64, state: &mut H) {
    if value.is_finite() && value.fract() == 0.0 {
        match truncated(value) {
            Num::Big(value) => (2_u8, value).hash(state),
            Num::Int(value) => hash_int(value, state),
            Num::Float(_) => {}
        }
    } else {
        (3_u8, value.to_bits()).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::hash_map::DefaultHasher;

    fn hash(value: &Value<'_>) -> u64 {
        let mut hasher = DefaultHasher::new();
        value.hash_same(&mut hasher);
        hasher.finish()
    }

    #[test]
    fn one_true_and_one_point_zero_are_one_key() {
        for (a, b) in [
            (Value::Bool(true), Value::Int(1)),
            (Value::Int(1), Value::Float(1.0)),
            (Value::Float(-0.0), Value::Bool(false)),
            (Value::Big(Box::new(BigInt::from(1) << 70)), Value::Float(2.0_f64.powi(70))),
        ] {
            assert!(a.same(&b), "{a:?} and {b:?}");
            assert_eq!(hash(&a), hash(&b), "{a:?} and {b:?}");
        }
        assert!(!Value::Int((1 << 53) + 1).same(&Value::Float(2.0_f64.powi(53))));
    }

    #[test]
    fn a_nan_is_the_same_only_as_itself() {
        let other = f64::from_bits(f64::NAN.to_bits() | 1);
        assert!(Value::Float(f64::NAN).same(&Value::Float(f64::NAN)));
        assert!(!Value::Float(f64::NAN).same(&Value::Float(other)));
        assert_eq!(Value::Float(f64::NAN).at_most(&Value::Int(1)), Ok(false));
    }

    #[test]
    fn dicts_are_the_same_in_any_order() {
        let pairs = |keys: &[&'static str]| {
            let pairs = keys.iter().map(|key| (Cow::Borrowed(key.as_bytes()), Value::text(key))).collect();
            Value::Dict(Dict::from_pairs(pairs))
        };
        assert!(pairs(&["a", "b"]).same(&pairs(&["b", "a"])));
        assert_eq!(hash(&pairs(&["a", "b"])), hash(&pairs(&["b", "a"])));
    }

    #[test]
    fn a_list_of_integers_is_the_same_however_it_is_kept() {
        let list = |items: &[i64]| Value::List(items.iter().copied().map(Value::Int).collect());
        for items in [vec![], vec![0], vec![3, -1, 7]] {
            let (kept, plain) = (Value::Ints(items.clone()), list(&items));
            assert!(kept.same(&plain) && plain.same(&kept) && kept.same(&kept.clone()));
            assert_eq!(hash(&kept), hash(&plain));
            assert_eq!((kept.truthy(), kept.length()), (plain.truthy(), plain.length()));
            assert!(!kept.hashable() && kept.as_num().is_none());
            assert!(kept.clone().into_owned().same(&plain));
            for other in [vec![], vec![0, 0], vec![3, -1], vec![3, -1, 8], vec![4]] {
                assert_eq!(kept.same(&Value::Ints(other.clone())), plain.same(&list(&other)));
                assert_eq!(kept.at_most(&Value::Ints(other.clone())), plain.at_most(&list(&other)));
                assert_eq!(kept.at_most(&list(&other)), plain.at_most(&list(&other)));
            }
            assert_eq!(kept.at_most(&Value::Int(1)), Err(Exception::Type));
            assert!(!kept.same(&Value::Int(3)) && !Value::Null.same(&kept));
        }
        assert!(Value::Ints(vec![1]).same(&Value::List(vec![Value::Bool(true)])));
    }

    #[test]
    fn lists_compare_element_by_element() {
        let list = |items: &[f64]| Value::List(items.iter().map(|x| Value::Float(*x)).collect());
        assert_eq!(list(&[1.0, 2.0]).at_most(&list(&[1.0, 3.0])), Ok(true));
        assert_eq!(list(&[f64::NAN]).at_most(&list(&[f64::NAN])), Ok(true));
        assert_eq!(list(&[1.0, 0.0]).at_most(&list(&[1.0])), Ok(false));
        assert_eq!(list(&[1.0]).at_most(&Value::Int(1)), Err(Exception::Type));
    }
}

//! Python objects to values of the core and back.

use std::borrow::Cow;

use coinjecture_consensus::json::MAX_INT_DIGITS;
use coinjecture_consensus::key::{hex_digits, Key, Named};
use coinjecture_consensus::number::Num;
use coinjecture_consensus::value::{Dict, Text};
use coinjecture_consensus::Value;
use num_bigint::BigInt;
use pyo3::exceptions::PyUnicodeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple};

/// Why an object could not be taken over.
#[derive(Debug)]
pub enum Refusal {
    /// JSON has no such value, or it lies beyond a limit of the domain.
    OutOfDomain(String),
    /// Reading it raised.
    Raised(PyErr),
}

impl From<PyErr> for Refusal {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

impl<'a, 'py> From<pyo3::CastError<'a, 'py>> for Refusal {
    fn from(error: pyo3::CastError<'a, 'py>) -> Self {
        Self::Raised(error.into())
    }
}

/// How objects are read.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// Levels of containers that may follow.
    pub levels: usize,
    /// Whether a tuple is a list, as `json.dumps` takes it. To the rules the two are not the same.
    pub tuples: bool,
}

/// Bits of a decimal digit, rounded down, in thousandths: an integer of fewer bits cannot have too many digits.
const MILLIBITS_PER_DIGIT: u64 = 3321;

/// The refusal of what is nested too deep.
pub fn too_deep() -> Refusal {
    Refusal::OutOfDomain("nested deeper than 64 levels".to_owned())
}

/// The refusal of a mapping's key that is no text.
pub fn foreign_key(key: &Bound<'_, PyAny>) -> Refusal {
    match key.get_type().name() {
        Ok(name) => Refusal::OutOfDomain(format!("a key of type {name}: JSON has text keys only")),
        Err(error) => Refusal::Raised(error),
    }
}

/// Takes over an object: what `json.loads` makes, its subclasses, mappings with text keys, enums by their value, and
/// objects with attributes as the dict of those.
pub fn value_of(object: &Bound<'_, PyAny>, reading: Reading) -> Result<Value<'static>, Refusal> {
    if let Ok(text) = object.cast_exact::<PyString>() {
        return text_of(text).map(Value::Str);
    }
    if let Ok(value) = object.cast_exact::<PyInt>() {
        return integer_of(value);
    }
    if let Ok(value) = object.cast_exact::<PyFloat>() {
        return float_of(value);
    }
    if object.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(list) = object.cast_exact::<PyList>() {
        let levels = reading.levels.checked_sub(1).ok_or_else(too_deep)?;
        return list_of(list, Reading { levels, ..reading });
    }
    if let Ok(dict) = object.cast_exact::<PyDict>() {
        let levels = reading.levels.checked_sub(1).ok_or_else(too_deep)?;
        return dict_of(dict.as_any().cast()?, Reading { levels, ..reading }).map(Value::Dict);
    }
    if let Ok(value) = object.cast::<PyBool>() {
        return Ok(Value::Bool(value.is_true()));
    }
    if let Ok(value) = object.cast::<PyInt>() {
        return integer_of(value);
    }
    if let Ok(value) = object.cast::<PyFloat>() {
        return float_of(value);
    }
    if let Ok(value) = object.cast::<PyString>() {
        return text_of(value).map(Value::Str);
    }
    container_of(object, reading)
}

fn container_of(object: &Bound<'_, PyAny>, reading: Reading) -> Result<Value<'static>, Refusal> {
    if let Ok(value) = plain_value_of_enum(object)? {
        return value_of(&value, reading);
    }
    let levels = reading.levels.checked_sub(1).ok_or_else(too_deep)?;
    let inner = Reading { levels, ..reading };
    if let Ok(list) = object.cast::<PyList>() {
        return list_of(list, inner);
    }
    if let Ok(tuple) = object.cast::<PyTuple>() {
        if reading.tuples {
            return tuple.iter().map(|item| value_of(&item, inner)).collect::<Result<_, _>>().map(Value::List);
        }
        return Err(Refusal::OutOfDomain("a tuple: JSON has lists only".to_owned()));
    }
    if let Ok(mapping) = object.cast::<PyMapping>() {
        return dict_of(mapping, inner).map(Value::Dict);
    }
    match attributes_of(object)? {
        Some(attributes) => dict_of(attributes.cast()?, inner).map(Value::Dict),
        None => Err(Refusal::OutOfDomain(format!("{}: no JSON value", object.get_type().name()?))),
    }
}

fn list_of(list: &Bound<'_, PyList>, inner: Reading) -> Result<Value<'static>, Refusal> {
    let mut items = Vec::with_capacity(list.len());
    for item in list.iter() {
        items.push(value_of(&item, inner)?);
    }
    Ok(Value::List(items))
}

/// A mapping with text keys.
pub fn dict_of(mapping: &Bound<'_, PyMapping>, inner: Reading) -> Result<Dict<'static>, Refusal> {
    let mut pairs = Vec::new();
    let mut push = |key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>| -> Result<(), Refusal> {
        let key = key.cast::<PyString>().map_err(|_| foreign_key(key))?;
        pairs.push((text_of(key)?, value_of(value, inner)?));
        Ok(())
    };
    if let Ok(dict) = mapping.cast::<PyDict>() {
        for (key, value) in dict.iter() {
            push(&key, &value)?;
        }
    } else {
        for pair in mapping.items()?.iter() {
            let (key, value) = pair.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
            push(&key, &value)?;
        }
    }
    Ok(Dict::from_pairs(pairs))
}

/// The value of an enum member.
fn plain_value_of_enum<'py>(object: &Bound<'py, PyAny>) -> PyResult<Result<Bound<'py, PyAny>, ()>> {
    static ENUM: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let class = ENUM.import(object.py(), "enum", "Enum")?;
    Ok(if object.is_instance(class)? { Ok(object.getattr("value")?) } else { Err(()) })
}

/// The attributes of an object that has fields: of a dataclass its fields, else its `__dict__`.
fn attributes_of<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    if object.is_callable() {
        return Ok(None);
    }
    if let Some(fields) = object.getattr_opt("__dataclass_fields__")? {
        let attributes = PyDict::new(object.py());
        for name in fields.try_iter()? {
            let name = name?;
            attributes.set_item(&name, object.getattr(name.cast::<PyString>()?)?)?;
        }
        return Ok(Some(attributes.into_any()));
    }
    object.getattr_opt("__dict__")
}

/// A text in generalised UTF-8.
pub fn text_of(text: &Bound<'_, PyString>) -> Result<Text<'static>, Refusal> {
    match text.to_str() {
        Ok(text) => Ok(Cow::Owned(text.as_bytes().to_vec())),
        Err(error) if error.is_instance_of::<PyUnicodeError>(text.py()) => {
            // Lone surrogates: the bytes that UTF-8 would give them, if it allowed them.
            let bytes = text.call_method1("encode", ("utf-8", "surrogatepass"))?;
            Ok(Cow::Owned(bytes.extract::<Vec<u8>>()?))
        }
        Err(error) => Err(error.into()),
    }
}

fn integer_of(value: &Bound<'_, PyInt>) -> Result<Value<'static>, Refusal> {
    if let Ok(small) = value.extract::<i64>() {
        return Ok(Value::Int(small));
    }
    let big = value.extract::<BigInt>()?;
    let limit = u64::try_from(MAX_INT_DIGITS).unwrap_or(u64::MAX);
    if big.bits().saturating_mul(1000) > limit * MILLIBITS_PER_DIGIT
        && big.magnitude().to_string().len() > MAX_INT_DIGITS
    {
        return Err(Refusal::OutOfDomain("an integer of more than 4300 digits".to_owned()));
    }
    Ok(Num::from(big).into())
}

/// A float; a NaN other than that of `json.loads` is another object, which its bits tell.
fn float_of(value: &Bound<'_, PyFloat>) -> Result<Value<'static>, Refusal> {
    let number = value.value();
    if !number.is_nan() {
        return Ok(Value::Float(number));
    }
    if value.is(json_nan(value.py())?) {
        return Ok(Value::Float(f64::NAN));
    }
    // Addresses of objects differ above their lowest four bits and fit the 51 bits that a NaN has to spare.
    let identity = (value.as_ptr().addr() as u64 >> 4) & ((1 << 50) - 1);
    Ok(Value::Float(f64::from_bits(f64::NAN.to_bits() | (1 << 50) | identity)))
}

/// The one NaN that every `NaN` of a JSON text becomes.
fn json_nan(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static NAN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    NAN.import(py, "json.decoder", "NaN")
}

/// A value as the object `json.loads` would make of it.
pub fn to_python(py: Python<'_>, value: &Value<'_>) -> PyResult<Py<PyAny>> {
    Ok(match value {
        Value::Null => py.None(),
        Value::Bool(value) => PyBool::new(py, *value).to_owned().into_any().unbind(),
        Value::Int(value) => value.into_pyobject(py)?.into_any().unbind(),
        Value::Big(value) => (**value).clone().into_pyobject(py)?.into_any().unbind(),
        Value::Float(value) if value.to_bits() == f64::NAN.to_bits() => json_nan(py)?.clone().unbind(),
        Value::Float(value) => PyFloat::new(py, *value).into_any().unbind(),
        Value::Str(text) => text_to_python(py, text)?,
        Value::Ints(items) => PyList::new(py, items)?.into_any().unbind(),
        Value::List(items) => {
            let items = items.iter().map(|item| to_python(py, item)).collect::<PyResult<Vec<_>>>()?;
            PyList::new(py, items)?.into_any().unbind()
        }
        Value::Dict(entries) => {
            let dict = PyDict::new(py);
            for (key, value) in entries.iter() {
                dict.set_item(text_to_python(py, key)?, to_python(py, value)?)?;
            }
            dict.into_any().unbind()
        }
    })
}

/// A key object of the tree.
pub fn key_to_python(py: Python<'_>, key: &Named) -> PyResult<Py<PyAny>> {
    match &key.key {
        Key::Hash(hash) => text_to_python(py, &hex_digits(hash)),
        _ => to_python(py, &key.value()),
    }
}

fn text_to_python(py: Python<'_>, text: &[u8]) -> PyResult<Py<PyAny>> {
    match std::str::from_utf8(text) {
        Ok(text) => Ok(PyString::new(py, text).into_any().unbind()),
        Err(_) => Ok(pyo3::types::PyBytes::new(py, text).call_method1("decode", ("utf-8", "surrogatepass"))?.unbind()),
    }
}

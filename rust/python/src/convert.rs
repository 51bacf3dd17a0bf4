//! Values of the core to Python objects.

use coinjecture_consensus::python::{hex_digits, Key, Named};
use coinjecture_consensus::Value;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyList, PyString};

use crate::reading::json_nan;

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

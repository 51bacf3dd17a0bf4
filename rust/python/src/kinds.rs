//! What a class makes of its objects, asked once.
//!
//! Whether an object is an enum, a mapping or has fields is its class's doing, and asking it of every part of every block
//! takes longer than reading them: the answers lie in other memory than what is read.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyType};

use crate::builtins::with_surrogates;
use crate::refusal::{too_large, Refusal};

/// How many classes are remembered. A node has three or four; who makes a class for every block is answered without.
const MOST: usize = 32;

/// More fields than that no class has; what says that it has is read no further.
const MOST_FIELDS: usize = 10_000;

/// How an object is read.
#[derive(Debug)]
pub enum Kind {
    /// By its value.
    Enum,
    /// By its items.
    Mapping,
    /// By the attributes of these names, which are all different: it is a dataclass.
    Fields(Vec<Py<PyString>>),
    /// By its `__dict__`.
    Attributes,
    /// Not at all: it has no value in JSON.
    Callable,
}

/// The classes that were asked; each is held, so that its address stays its own.
static ASKED: Mutex<Vec<(Py<PyType>, Arc<Kind>)>> = Mutex::new(Vec::new());

fn asked() -> MutexGuard<'static, Vec<(Py<PyType>, Arc<Kind>)>> {
    ASKED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The kind of an object, which is no list, tuple or scalar. What asking it raises goes out.
pub fn kind_of(object: &Bound<'_, PyAny>) -> Result<Arc<Kind>, Refusal> {
    let class = object.get_type();
    if let Some((_, kind)) = asked().iter().find(|(known, _)| known.is(&class)) {
        return Ok(Arc::clone(kind));
    }
    let kind = Arc::new(answered(object)?);
    if is_of_the_class(&kind, &class)? {
        let mut all = asked();
        if all.len() < MOST {
            all.push((class.unbind(), Arc::clone(&kind)));
        }
    }
    Ok(kind)
}

/// Whether the class has answered, and not the object alone.
fn is_of_the_class(kind: &Kind, class: &Bound<'_, PyType>) -> PyResult<bool> {
    Ok(match kind {
        Kind::Enum => true,
        Kind::Fields(_) => class.getattr_opt(intern!(class.py(), "__dataclass_fields__"))?.is_some(),
        Kind::Mapping | Kind::Attributes | Kind::Callable => false,
    })
}

/// The kind of an object whose class is not remembered.
fn answered(object: &Bound<'_, PyAny>) -> Result<Kind, Refusal> {
    if is_enum(object)? {
        return Ok(Kind::Enum);
    }
    if is_mapping(object)? {
        return Ok(Kind::Mapping);
    }
    if object.is_callable() {
        return Ok(Kind::Callable);
    }
    let Some(fields) = object.getattr_opt(intern!(object.py(), "__dataclass_fields__"))? else {
        return Ok(Kind::Attributes);
    };
    let (mut names, mut known) = (Vec::new(), HashSet::new());
    for (count, name) in fields.try_iter()?.enumerate() {
        if count >= MOST_FIELDS {
            return Err(Refusal::OutOfDomain(too_large()));
        }
        let name = name?.cast_into::<PyString>().map_err(PyErr::from)?;
        let text = name.to_str().map_or_else(|_| with_surrogates(&name), |text| Ok(text.as_bytes().to_vec()))?;
        if known.insert(text) {
            names.push(name.unbind());
        }
    }
    Ok(Kind::Fields(names))
}

fn is_mapping(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    static MAPPING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    Ok(object.is_instance_of::<PyDict>()
        || object.is_instance(MAPPING.import(object.py(), "collections.abc", "Mapping")?)?)
}

/// Whether an object is a member of an enum.
pub fn is_enum(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    static ENUM: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    object.is_instance(ENUM.import(object.py(), "enum", "Enum")?)
}

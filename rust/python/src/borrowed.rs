//! Python objects looked at through borrowed pointers, without counting references. What is unsafe in that is here.
//!
//! It is sound as long as nothing changes what is looked at: no Python code runs, and the interpreter lock is held, until
//! the last use of what was given. Who begins ([`Object::of`], [`Dict::of`]) answers for that; all that follows is safe, because nothing
//! here runs Python code: an object is asked only what its own built-in type answers by itself.

use std::marker::PhantomData;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// An object that somebody else keeps alive.
#[derive(Clone, Copy)]
pub struct Object<'f> {
    pointer: *mut ffi::PyObject,
    frozen: PhantomData<&'f ()>,
}

/// An object by its type, which is exactly a built-in one.
pub enum Looked<'f> {
    /// An `int` that fits 64 bits.
    Int(i64),
    /// A `str`.
    Text(Text<'f>),
    /// A `float`.
    Float(Float<'f>),
    /// A `list`.
    List(List<'f>),
    /// A `dict`.
    Dict(Dict<'f>),
    /// `None`
    Null,
    /// `True` or `False`
    Bool(bool),
    /// Any other object.
    Other,
}

/// An exact `str`.
#[derive(Clone, Copy)]
pub struct Text<'f>(Object<'f>);

/// An exact `float`.
#[derive(Clone, Copy)]
pub struct Float<'f>(Object<'f>);

/// An exact `list`.
#[derive(Clone, Copy)]
pub struct List<'f>(Object<'f>);

/// An exact `dict`.
#[derive(Clone, Copy)]
pub struct Dict<'f>(Object<'f>);

impl<'f> Object<'f> {
    /// Begins to look at an object and at all that it holds.
    ///
    /// # Safety
    /// As [`Dict::of`].
    pub unsafe fn of(object: &'f Bound<'_, PyAny>) -> Self {
        Self::new(object.as_ptr())
    }

    /// A pointer that was got from something frozen.
    #[inline(always)]
    const fn new(pointer: *mut ffi::PyObject) -> Self {
        Self { pointer, frozen: PhantomData }
    }

    /// Whether it is exactly of a type.
    #[inline(always)]
    fn is(self, class: *mut ffi::PyTypeObject) -> bool {
        // SAFETY: the object is alive.
        unsafe { ffi::Py_IS_TYPE(self.pointer, class) != 0 }
    }

    /// The object by its type.
    #[inline(always)]
    pub fn look(self) -> Looked<'f> {
        if self.is(&raw mut ffi::PyLong_Type) {
            return self.int().map_or(Looked::Other, Looked::Int);
        }
        if let Some(text) = self.text() {
            return Looked::Text(text);
        }
        if self.is(&raw mut ffi::PyFloat_Type) {
            return Looked::Float(Float(self));
        }
        if self.is(&raw mut ffi::PyList_Type) {
            return Looked::List(List(self));
        }
        if let Some(dict) = self.dict() {
            return Looked::Dict(dict);
        }
        // SAFETY: the interpreter lock is held; the three are compared by address.
        let [none, truth, falsity] = unsafe { [ffi::Py_None(), ffi::Py_True(), ffi::Py_False()] };
        match self.pointer {
            object if object == none => Looked::Null,
            object if object == truth => Looked::Bool(true),
            object if object == falsity => Looked::Bool(false),
            _ => Looked::Other,
        }
    }

    /// An exact `int`, if it fits 64 bits.
    #[inline(always)]
    pub fn int(self) -> Option<i64> {
        if !self.is(&raw mut ffi::PyLong_Type) {
            return None;
        }
        let mut overflow = 0;
        // SAFETY: it is an exact `int`, of which this raises nothing.
        let value = unsafe { ffi::PyLong_AsLongLongAndOverflow(self.pointer, &raw mut overflow) };
        (overflow == 0).then_some(value)
    }

    /// An exact `str`.
    #[inline(always)]
    pub fn text(self) -> Option<Text<'f>> {
        self.is(&raw mut ffi::PyUnicode_Type).then_some(Text(self))
    }

    /// An exact `dict`.
    #[inline(always)]
    pub fn dict(self) -> Option<Dict<'f>> {
        self.is(&raw mut ffi::PyDict_Type).then_some(Dict(self))
    }
}

impl<'f> Text<'f> {
    /// Code points.
    #[inline(always)]
    pub fn length(self) -> usize {
        // SAFETY: it is an exact `str`, of which this raises nothing.
        usize::try_from(unsafe { ffi::PyUnicode_GetLength(self.0.pointer) }).unwrap_or(usize::MAX)
    }

    /// The UTF-8, which the object keeps; `None` with lone surrogates.
    #[inline]
    pub fn utf8(self) -> Option<&'f [u8]> {
        let mut length = 0;
        // SAFETY: it is an exact `str`. The bytes live as long as it; where there are none an exception is set, which is
        // taken away again.
        unsafe {
            let bytes = ffi::PyUnicode_AsUTF8AndSize(self.0.pointer, &raw mut length);
            if bytes.is_null() {
                ffi::PyErr_Clear();
                return None;
            }
            Some(std::slice::from_raw_parts(bytes.cast(), usize::try_from(length).ok()?))
        }
    }
}

impl Float<'_> {
    /// Its value.
    #[inline(always)]
    pub fn value(self) -> f64 {
        // SAFETY: it is an exact `float`, of which this raises nothing.
        unsafe { ffi::PyFloat_AsDouble(self.0.pointer) }
    }
}

impl<'f> List<'f> {
    /// Number of members.
    #[inline(always)]
    pub fn length(self) -> usize {
        // SAFETY: it is an exact `list`.
        usize::try_from(unsafe { ffi::PyList_Size(self.0.pointer) }).unwrap_or(0)
    }

    /// Its members.
    #[inline(always)]
    pub fn members(self) -> impl Iterator<Item = Object<'f>> {
        let length = ffi::Py_ssize_t::try_from(self.length()).unwrap_or(0);
        // SAFETY: each position is within the length, which does not change.
        (0..length).map(move |position| Object::new(unsafe { ffi::PyList_GetItem(self.0.pointer, position) }))
    }
}

impl<'f> Dict<'f> {
    /// Begins to look at a dict and at all that it holds. `None` if it is not exactly a `dict`.
    ///
    /// # Safety
    /// Until the last use of anything that is got from it no Python code runs, and the interpreter lock is held.
    pub unsafe fn of(dict: &'f Bound<'_, PyDict>) -> Option<Self> {
        Object::new(dict.as_ptr()).dict()
    }

    /// Keys and values.
    #[inline(always)]
    pub fn entries(self) -> Entries<'f> {
        Entries { dict: self, position: 0 }
    }
}

/// Steps through the entries of a dict.
pub struct Entries<'f> {
    dict: Dict<'f>,
    position: ffi::Py_ssize_t,
}

impl<'f> Iterator for Entries<'f> {
    type Item = (Object<'f>, Object<'f>);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let (mut key, mut value) = (std::ptr::null_mut(), std::ptr::null_mut());
        let dict = self.dict.0.pointer;
        // SAFETY: it is an exact `dict`, and does not change.
        let found = unsafe { ffi::PyDict_Next(dict, &raw mut self.position, &raw mut key, &raw mut value) != 0 };
        found.then(|| (Object::new(key), Object::new(value)))
    }
}

//! What an object of a built-in type holds, asked of that type and not of what a subclass overrides; and going through
//! objects while code that is run for them may change them.

use std::marker::PhantomData;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyInt, PyString};

use crate::refusal::Refusal;

/// Code points of a text, whatever a subclass says of its length.
pub fn code_points(text: &Bound<'_, PyString>) -> usize {
    // SAFETY: it is a `str`, and the interpreter lock is held. Of a `str` it raises nothing.
    usize::try_from(unsafe { ffi::PyUnicode_GetLength(text.as_ptr()) }).unwrap_or(usize::MAX)
}

/// A text with lone surrogates: the bytes that UTF-8 would give them, if it allowed them.
pub fn with_surrogates(text: &Bound<'_, PyString>) -> PyResult<Vec<u8>> {
    let (encoding, errors) = (c"utf-8".as_ptr(), c"surrogatepass".as_ptr());
    // SAFETY: it is a `str`, and the interpreter lock is held; what is returned is a new reference, or null with an
    // exception set.
    let bytes = unsafe {
        Bound::from_owned_ptr_or_err(text.py(), ffi::PyUnicode_AsEncodedString(text.as_ptr(), encoding, errors))
    }?;
    Ok(bytes.cast_into::<PyBytes>()?.as_bytes().to_vec())
}

/// An `int` if it fits 64 bits, whatever a subclass overrides.
pub fn small_int(value: &Bound<'_, PyInt>) -> Option<i64> {
    let mut overflow = 0;
    // SAFETY: it is an `int`, and the interpreter lock is held. Of an `int` it raises nothing and calls nothing.
    let small = unsafe { ffi::PyLong_AsLongLongAndOverflow(value.as_ptr(), &raw mut overflow) };
    (overflow == 0).then_some(small)
}

/// The members of something iterable, however many it says that it has.
pub fn members_of<'py, T>(members: &Bound<'py, PyAny>) -> PyResult<Vec<T>>
where
    T: for<'a> FromPyObject<'a, 'py>,
{
    let mut read = Vec::new();
    for member in members.try_iter()? {
        read.push(member?.extract().map_err(Into::into)?);
    }
    Ok(read)
}

/// One level of the interpreter's limit of recursion: code that reads a block while a block is read gets a
/// `RecursionError` before the stack ends.
pub struct Nested<'py>(PhantomData<Python<'py>>);

impl<'py> Nested<'py> {
    /// Goes a level deeper.
    pub fn enter(py: Python<'py>) -> PyResult<Self> {
        // SAFETY: the interpreter lock is held as long as `Self` lives, and its end leaves what is entered here.
        if unsafe { ffi::Py_EnterRecursiveCall(c" while reading a block".as_ptr()) } == 0 {
            return Ok(Self(PhantomData));
        }
        Err(PyErr::fetch(py))
    }
}

impl Drop for Nested<'_> {
    fn drop(&mut self) {
        // SAFETY: it was entered.
        unsafe { ffi::Py_LeaveRecursiveCall() }
    }
}

/// The entries of a dict, of which the code that is run for one may change the rest. PyO3's own iterator panics then.
pub struct Entries<'a, 'py> {
    dict: &'a Bound<'py, PyDict>,
    position: ffi::Py_ssize_t,
    length: usize,
    left: usize,
}

impl<'a, 'py> Entries<'a, 'py> {
    /// Of a dict as it is now.
    pub fn of(dict: &'a Bound<'py, PyDict>) -> Self {
        let length = dict.len();
        Self { dict, position: 0, length, left: length }
    }
}

impl<'py> Iterator for Entries<'_, 'py> {
    type Item = Result<(Bound<'py, PyAny>, Bound<'py, PyAny>), Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        let (mut key, mut value) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: it is a dict, and the interpreter lock is held. However the dict was changed, the call finds an entry
        // that is there, or none.
        let found =
            unsafe { ffi::PyDict_Next(self.dict.as_ptr(), &raw mut self.position, &raw mut key, &raw mut value) != 0 };
        if self.dict.len() != self.length || found != (self.left > 0) {
            return Some(Err(Refusal::OutOfDomain("a dict that changed while it was read".to_owned())));
        }
        if !found {
            return None;
        }
        self.left -= 1;
        let py = self.dict.py();
        // SAFETY: the dict holds both, and nothing has run since it gave them.
        Some(Ok(unsafe { (Bound::from_borrowed_ptr(py, key), Bound::from_borrowed_ptr(py, value)) }))
    }
}

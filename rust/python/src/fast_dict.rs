//! The usual block: a dict of nothing but what `json.loads` makes of a text of the reference node, exactly of those
//! types, with its keys in that order and ordinary numbers.
//!
//! Such a block is read through borrowed pointers, without counting references. That is sound because nothing here
//! runs Python code: whatever could (a subclass, an enum, another mapping) or is rare (other keys, a huge integer, a
//! NaN, a lone surrogate, a depth or a size near the domain's end) makes it give up, and `block_dict` reads the block
//! with care.

use coinjecture_consensus as core;
use coinjecture_consensus::block::{BLOCK, MAX_BYTES};
use coinjecture_consensus::json::{Part, Schema, MAX_LEVELS};
use coinjecture_consensus::python::{same_key, Dict, Text};
use coinjecture_consensus::{Block, Decision, EngineError, Profile, Value};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::locked::WORTH_RELEASING;
use crate::weight::{BYTES_PER_BYTE, BYTES_PER_CODE_POINT, BYTES_PER_MEMBER, BYTES_PER_SCALAR};

/// No longer text is read here.
#[allow(clippy::cast_possible_wrap)] // it is small
const LONGEST_TEXT: ffi::Py_ssize_t = MAX_BYTES as ffi::Py_ssize_t;

/// Takes over a block if it is a usual one.
pub fn block_of(dict: &Bound<'_, PyDict>) -> Option<Block<'static>> {
    // SAFETY: `dict` is an exact dict that lives as long as this call, and the interpreter lock is held. What the
    // block keeps of its texts are copies.
    unsafe { read(dict, |text| Text::Owned(text.to_vec())) }
}

/// Judges a usual block and puts it into the tree, without copying its texts. `None` if it is another block, or one
/// that takes so long that other threads should run meanwhile.
pub fn take(
    dict: &Bound<'_, PyDict>,
    engine: &mut core::Engine,
    received_at: f64,
    profile: Profile,
) -> Option<Result<Decision, EngineError>> {
    // SAFETY: as above. The block borrows from the dict and is gone before this returns; until then only the core
    // works, which knows no Python, so nothing can change the dict.
    let block = unsafe { read(dict, Text::Borrowed)? };
    (block.expected_nanoseconds() <= WORTH_RELEASING).then(|| engine.take(&block, received_at, profile))
}

/// Reads a usual block; `keep` says what becomes of its texts.
///
/// # Safety
/// `dict` is an exact dict, and the interpreter lock is held. Texts that `keep` borrows live until the dict changes
/// or the lock is given up.
unsafe fn read<'t>(dict: &Bound<'_, PyDict>, keep: fn(&'t [u8]) -> Text<'t>) -> Option<Block<'t>> {
    let mut reader = Reader { bound: 0, keep };
    // SAFETY: as this function's.
    let read = unsafe { reader.by_schema(dict.as_ptr(), &BLOCK, MAX_LEVELS - 1)? };
    (reader.bound <= MAX_BYTES).then(|| Block::of_fields(read, reader.bound / BYTES_PER_CODE_POINT))
}

/// Reads objects that its caller keeps alive, while the interpreter lock is held. Every value is written where it
/// stays: one that is handed on right after it was made has to be waited for.
struct Reader<'t> {
    /// Upper bound of the canonical JSON of what was read.
    bound: usize,
    /// What becomes of a text.
    keep: fn(&'t [u8]) -> Text<'t>,
}

/// Writes a value to a place that holds null, of which nothing has to be freed.
#[inline]
fn set<'t>(place: &mut Value<'t>, value: Value<'t>) {
    std::mem::forget(std::mem::replace(place, value));
}

impl<'t> Reader<'t> {
    /// Counts bytes. `None` once the block may be too large, so that nothing is read without end.
    #[inline(always)]
    fn count(&mut self, bytes: usize) -> Option<()> {
        self.bound = self.bound.saturating_add(bytes);
        (self.bound <= MAX_BYTES).then_some(())
    }

    /// The UTF-8 of an exact `str` that is not too long.
    ///
    /// # Safety
    /// As [`utf8`].
    #[inline(always)]
    unsafe fn text(&mut self, object: *mut ffi::PyObject) -> Option<&'t [u8]> {
        // SAFETY: as this function's.
        let text = unsafe {
            if ffi::PyUnicode_GetLength(object) > LONGEST_TEXT {
                return None; // and it is not made into UTF-8
            }
            utf8(object)?
        };
        self.count(text.len().saturating_mul(BYTES_PER_BYTE).saturating_add(BYTES_PER_MEMBER))?;
        Some(text)
    }

    /// The wanted part of an exact dict that has exactly the keys listed, in their order; `levels` is how many may
    /// lie in it.
    ///
    /// # Safety
    /// `dict` points to a living exact dict, and the interpreter lock is held.
    unsafe fn by_schema(
        &mut self,
        dict: *mut ffi::PyObject,
        schema: &'static Schema,
        levels: usize,
    ) -> Option<Dict<'t>> {
        let mut read = schema.blank();
        let mut places = read.values_mut();
        self.bound += BYTES_PER_MEMBER + schema.key_bytes() * BYTES_PER_BYTE + schema.len() * 2 * BYTES_PER_MEMBER;
        // SAFETY: as this function's; no Python code runs before the last use of what an entry points to.
        let mut entries = unsafe { Entries::of(dict) };
        for (name, part) in schema.keys() {
            // SAFETY: the dict keeps key and value alive and does not change meanwhile.
            unsafe {
                if !entries.next() || !is_text(entries.key, name) {
                    return None;
                }
                match part {
                    Part::Unread => self.weigh(entries.value, levels)?,
                    Part::Kept => self.value(entries.value, levels, places.next()?)?,
                    Part::Presence => {
                        places.next()?;
                        self.weigh(entries.value, levels)?;
                    }
                    Part::Members(members) => {
                        let inner = levels.checked_sub(1).filter(|_| is(entries.value, &raw mut ffi::PyDict_Type))?;
                        set(places.next()?, Value::Dict(self.by_schema(entries.value, members, inner)?));
                    }
                }
            }
        }
        drop(places);
        (!entries.next()).then_some(read)
    }

    /// A value, taken over into its place, which holds null.
    ///
    /// # Safety
    /// `object` points to a living object, and the interpreter lock is held.
    #[inline(always)] // as `weigh`
    unsafe fn value(&mut self, object: *mut ffi::PyObject, levels: usize, place: &mut Value<'t>) -> Option<()> {
        // SAFETY: as this function's; the type of `object` is asked before it is used as one of that type.
        unsafe {
            if is(object, &raw mut ffi::PyLong_Type) {
                self.bound += BYTES_PER_SCALAR;
                set(place, Value::Int(small_int(object)?));
            } else if is(object, &raw mut ffi::PyUnicode_Type) {
                let text = self.text(object)?;
                set(place, Value::Str((self.keep)(text)));
            } else if is(object, &raw mut ffi::PyFloat_Type) {
                self.bound += BYTES_PER_SCALAR;
                let value = ffi::PyFloat_AsDouble(object);
                if value.is_nan() {
                    return None; // which NaN it is, is told elsewhere
                }
                set(place, Value::Float(value));
            } else if is(object, &raw mut ffi::PyList_Type) {
                set(place, self.list(object, levels.checked_sub(1)?)?);
            } else if is(object, &raw mut ffi::PyDict_Type) {
                set(place, Value::Dict(self.dict(object, levels.checked_sub(1)?)?));
            } else {
                self.bound += BYTES_PER_SCALAR;
                set(place, constant(object)?);
            }
        }
        Some(())
    }

    /// An exact list. Most are of whole numbers.
    ///
    /// # Safety
    /// `list` points to a living exact list, and the interpreter lock is held.
    unsafe fn list(&mut self, list: *mut ffi::PyObject, levels: usize) -> Option<Value<'t>> {
        // SAFETY: as this function's.
        let length = unsafe { ffi::PyList_Size(list) };
        let count = usize::try_from(length).ok()?;
        self.count(count.saturating_mul(BYTES_PER_MEMBER).saturating_add(BYTES_PER_MEMBER))?;
        // SAFETY: as this function's; a position is within the length, and no Python code runs meanwhile.
        let item = |position: ffi::Py_ssize_t| unsafe { ffi::PyList_GetItem(list, position) };
        let mut whole = Vec::with_capacity(count);
        for position in 0..length {
            let item = item(position);
            // SAFETY: the list keeps it alive.
            if !unsafe { is(item, &raw mut ffi::PyLong_Type) } {
                break;
            }
            // SAFETY: as above.
            whole.push(unsafe { small_int(item)? });
        }
        self.bound += BYTES_PER_SCALAR * whole.len();
        if whole.len() == count {
            return Some(Value::Ints(whole));
        }
        let known = whole.len();
        let mut items: Vec<_> = whole.into_iter().map(Value::Int).collect();
        items.resize(count, Value::Null);
        for (place, position) in items.iter_mut().zip(0..length).skip(known) {
            // SAFETY: the list keeps it alive.
            unsafe { self.value(item(position), levels, place)? };
        }
        Some(Value::List(items))
    }

    /// An exact dict, whose keys are all different.
    ///
    /// # Safety
    /// `dict` points to a living exact dict, and the interpreter lock is held.
    unsafe fn dict(&mut self, dict: *mut ffi::PyObject, levels: usize) -> Option<Dict<'t>> {
        self.bound += BYTES_PER_MEMBER;
        let mut read = Dict::default();
        // SAFETY: as this function's; no Python code runs meanwhile.
        let mut entries = unsafe { Entries::of(dict) };
        while entries.next() {
            // SAFETY: the dict keeps both alive and does not change meanwhile.
            unsafe {
                if !is(entries.key, &raw mut ffi::PyUnicode_Type) {
                    return None;
                }
                let key = self.text(entries.key)?;
                self.bound += BYTES_PER_MEMBER;
                self.value(entries.value, levels, read.place((self.keep)(key), true).1)?;
            }
        }
        Some(read)
    }

    /// Counts a value that is not kept.
    ///
    /// # Safety
    /// As [`value`](Self::value).
    #[inline(always)] // most are texts and numbers, of which there is little to do
    unsafe fn weigh(&mut self, object: *mut ffi::PyObject, levels: usize) -> Option<()> {
        // SAFETY: as this function's; the type of `object` is asked before it is used as one of that type.
        unsafe {
            if is(object, &raw mut ffi::PyUnicode_Type) {
                let length = usize::try_from(ffi::PyUnicode_GetLength(object)).ok()?;
                return self.count(length.saturating_mul(BYTES_PER_CODE_POINT).saturating_add(BYTES_PER_MEMBER));
            }
            if is(object, &raw mut ffi::PyDict_Type) {
                return self.weigh_dict(object, levels.checked_sub(1)?);
            }
            if is(object, &raw mut ffi::PyList_Type) {
                return self.weigh_list(object, levels.checked_sub(1)?);
            }
            self.weigh_scalar(object)
        }
    }

    /// Counts a number or a constant.
    ///
    /// # Safety
    /// As [`value`](Self::value).
    #[inline]
    unsafe fn weigh_scalar(&mut self, object: *mut ffi::PyObject) -> Option<()> {
        self.bound += BYTES_PER_SCALAR;
        // SAFETY: as this function's; the type of `object` is asked before it is used as one of that type.
        unsafe {
            if is(object, &raw mut ffi::PyLong_Type) {
                small_int(object).map(drop)
            } else if is(object, &raw mut ffi::PyFloat_Type) {
                Some(())
            } else {
                constant(object).map(drop)
            }
        }
    }

    /// Counts an exact dict.
    ///
    /// # Safety
    /// As [`dict`](Self::dict).
    unsafe fn weigh_dict(&mut self, dict: *mut ffi::PyObject, levels: usize) -> Option<()> {
        self.bound += BYTES_PER_MEMBER;
        // SAFETY: as this function's; no Python code runs meanwhile.
        let mut entries = unsafe { Entries::of(dict) };
        while entries.next() {
            // SAFETY: the dict keeps both alive and does not change meanwhile.
            unsafe {
                if !is(entries.key, &raw mut ffi::PyUnicode_Type) {
                    return None;
                }
                let length = usize::try_from(ffi::PyUnicode_GetLength(entries.key)).ok()?;
                self.count(length.saturating_mul(BYTES_PER_CODE_POINT).saturating_add(2 * BYTES_PER_MEMBER))?;
                self.weigh(entries.value, levels)?;
            }
        }
        Some(())
    }

    /// Counts an exact list.
    ///
    /// # Safety
    /// As [`list`](Self::list).
    unsafe fn weigh_list(&mut self, list: *mut ffi::PyObject, levels: usize) -> Option<()> {
        // SAFETY: as this function's; a position is within the length, and no Python code runs meanwhile.
        unsafe {
            let length = ffi::PyList_Size(list);
            let members = usize::try_from(length).ok()?.saturating_mul(BYTES_PER_MEMBER);
            self.count(members.saturating_add(BYTES_PER_MEMBER))?;
            for position in 0..length {
                self.weigh(ffi::PyList_GetItem(list, position), levels)?;
            }
        }
        Some(())
    }
}

/// Steps through the entries of a dict.
struct Entries {
    dict: *mut ffi::PyObject,
    position: ffi::Py_ssize_t,
    /// Key of the entry it stands at, borrowed from the dict.
    key: *mut ffi::PyObject,
    /// Its value, borrowed too.
    value: *mut ffi::PyObject,
}

impl Entries {
    /// Stands before the first entry.
    ///
    /// # Safety
    /// `dict` points to an exact dict that lives and does not change as long as this is used, with the interpreter
    /// lock held.
    unsafe fn of(dict: *mut ffi::PyObject) -> Self {
        Self { dict, position: 0, key: std::ptr::null_mut(), value: std::ptr::null_mut() }
    }

    /// Goes to the next entry. False if there is none.
    fn next(&mut self) -> bool {
        // SAFETY: what `of` asks for.
        unsafe { ffi::PyDict_Next(self.dict, &raw mut self.position, &raw mut self.key, &raw mut self.value) != 0 }
    }
}

/// Whether an object is exactly of a type.
///
/// # Safety
/// `object` points to a living object.
#[inline]
unsafe fn is(object: *mut ffi::PyObject, class: *mut ffi::PyTypeObject) -> bool {
    // SAFETY: as this function's.
    unsafe { ffi::Py_IS_TYPE(object, class) != 0 }
}

/// Whether an object is exactly this `str`.
///
/// # Safety
/// `object` points to a living object, and the interpreter lock is held.
#[inline]
unsafe fn is_text(object: *mut ffi::PyObject, text: &str) -> bool {
    // SAFETY: as this function's.
    unsafe {
        is(object, &raw mut ffi::PyUnicode_Type) && utf8(object).is_some_and(|found| same_key(found, text.as_bytes()))
    }
}

/// An exact `int` if it fits 64 bits.
///
/// # Safety
/// `object` points to a living exact `int`, and the interpreter lock is held.
unsafe fn small_int(object: *mut ffi::PyObject) -> Option<i64> {
    let mut overflow = 0;
    // SAFETY: as this function's. Of an `int` it raises nothing.
    let value = unsafe { ffi::PyLong_AsLongLongAndOverflow(object, &raw mut overflow) };
    (overflow == 0).then_some(value)
}

/// `None`, `True` or `False`.
///
/// # Safety
/// The interpreter lock is held.
unsafe fn constant(object: *mut ffi::PyObject) -> Option<Value<'static>> {
    // SAFETY: as this function's; the three are compared by address.
    unsafe {
        match object {
            object if object == ffi::Py_None() => Some(Value::Null),
            object if object == ffi::Py_True() => Some(Value::Bool(true)),
            object if object == ffi::Py_False() => Some(Value::Bool(false)),
            _ => None,
        }
    }
}

/// The UTF-8 of an exact `str`, which keeps it; None with lone surrogates.
///
/// # Safety
/// `text` points to a living exact `str`, and the interpreter lock is held. The bytes live as long as it.
unsafe fn utf8<'t>(text: *mut ffi::PyObject) -> Option<&'t [u8]> {
    let mut length = 0;
    // SAFETY: as this function's.
    let bytes = unsafe { ffi::PyUnicode_AsUTF8AndSize(text, &raw mut length) };
    if bytes.is_null() {
        // SAFETY: the interpreter lock is held. Nothing that was borrowed is used after this.
        unsafe { ffi::PyErr_Clear() };
        return None;
    }
    // SAFETY: there are so many bytes.
    Some(unsafe { std::slice::from_raw_parts(bytes.cast(), usize::try_from(length).ok()?) })
}

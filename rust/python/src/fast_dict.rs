//! The fast path: a dict of nothing but what `json.loads` makes of a text of the reference node, exactly of those
//! types, with its keys in that order and ordinary numbers.
//!
//! Such a block is read without counting references ([`borrowed`](crate::borrowed)). Whatever could run Python code (a
//! subclass, an enum, another mapping) or is rare (other keys, a huge integer, a NaN, a lone surrogate, a depth or a size
//! near the domain's end) makes it give up, and `block_dict` reads the block with care.

use coinjecture_consensus as core;
use coinjecture_consensus::block::{BLOCK, MAX_BYTES};
use coinjecture_consensus::json::{Part, Schema, MAX_LEVELS};
use coinjecture_consensus::python::{same_key, Dict, Text};
use coinjecture_consensus::{Block, Decision, EngineError, Profile, Value};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::borrowed::{self, List, Looked, Object};
use crate::locked::WORTH_RELEASING;
use crate::weight::{BYTES_PER_BYTE, BYTES_PER_CODE_POINT, BYTES_PER_MEMBER, BYTES_PER_SCALAR};

/// Takes over a block as the reference node has it.
pub fn block_of(dict: &Bound<'_, PyDict>) -> Option<Block<'static>> {
    // SAFETY: nothing is kept of the dict: the block has copies of its texts. No Python code runs until then.
    let dict = unsafe { borrowed::Dict::of(dict)? };
    read(dict, |text| Text::Owned(text.to_vec()))
}

/// Judges such a block and puts it into the tree, without copying its texts. `None` if it is another block, or one
/// that takes so long that other threads should run meanwhile.
pub fn take(
    dict: &Bound<'_, PyDict>,
    engine: &mut core::Engine,
    received_at: f64,
    profile: Profile,
) -> Option<Result<Decision, EngineError>> {
    // SAFETY: the block borrows from the dict and is gone before this returns; until then only the core works, which
    // knows no Python, so nothing can change the dict.
    let block = read(unsafe { borrowed::Dict::of(dict)? }, Text::Borrowed)?;
    (block.expected_nanoseconds() <= WORTH_RELEASING).then(|| engine.take(&block, received_at, profile))
}

/// Takes over a part of a block, whole, if it is nothing but what `json.loads` makes; `levels` is how many may lie in it.
/// Returns it with an upper bound of its canonical JSON, in bytes.
pub fn part_of(object: &Bound<'_, PyAny>, levels: usize) -> Option<(Value<'static>, usize)> {
    let mut reader = Reader { bound: 0, keep: |text| Text::Owned(text.to_vec()) };
    let mut value = Value::Null;
    // SAFETY: nothing is kept of the object: the value has copies of its texts. No Python code runs until then.
    reader.value(unsafe { Object::of(object) }, levels, &mut value)?;
    (reader.bound <= MAX_BYTES).then_some((value, reader.bound))
}

/// Reads a block; `keep` says what becomes of its texts.
fn read<'f, 't>(dict: borrowed::Dict<'f>, keep: fn(&'f [u8]) -> Text<'t>) -> Option<Block<'t>> {
    let mut reader = Reader { bound: 0, keep };
    let read = reader.by_schema(dict, &BLOCK, MAX_LEVELS - 1)?;
    (reader.bound <= MAX_BYTES).then(|| Block::of_fields(read, reader.bound / BYTES_PER_CODE_POINT))
}

/// Reads objects. Every value is written where it stays: one that is handed on right after it was made has to be waited
/// for.
struct Reader<'f, 't> {
    /// Upper bound of the canonical JSON of what was read.
    bound: usize,
    /// What becomes of a text.
    keep: fn(&'f [u8]) -> Text<'t>,
}

/// Writes a value to a place that holds null, of which nothing has to be freed.
#[inline]
fn set<'t>(place: &mut Value<'t>, value: Value<'t>) {
    std::mem::forget(std::mem::replace(place, value));
}

impl<'f, 't> Reader<'f, 't> {
    /// Counts bytes. `None` once the block may be too large, so that nothing is read without end.
    #[inline(always)]
    fn count(&mut self, bytes: usize) -> Option<()> {
        self.bound = self.bound.saturating_add(bytes);
        (self.bound <= MAX_BYTES).then_some(())
    }

    /// The UTF-8 of a text that is not too long.
    #[inline(always)]
    fn text(&mut self, text: borrowed::Text<'f>) -> Option<&'f [u8]> {
        if text.length() > MAX_BYTES {
            return None; // and it is not made into UTF-8
        }
        let text = text.utf8()?;
        self.count(text.len().saturating_mul(BYTES_PER_BYTE).saturating_add(BYTES_PER_MEMBER))?;
        Some(text)
    }

    /// What a schema keeps of a dict that has exactly its keys, in their order; `levels` is how many may lie in it.
    fn by_schema(&mut self, dict: borrowed::Dict<'f>, schema: &'static Schema, levels: usize) -> Option<Dict<'t>> {
        let mut read = schema.blank();
        let mut places = read.values_mut();
        self.bound += BYTES_PER_MEMBER + schema.key_bytes() * BYTES_PER_BYTE + schema.len() * 2 * BYTES_PER_MEMBER;
        let mut entries = dict.entries();
        for (name, part) in schema.keys() {
            let (key, value) = entries.next()?;
            if !same_key(key.text()?.utf8()?, name.as_bytes()) {
                return None;
            }
            match part {
                Part::Unread => self.weigh(value, levels)?,
                Part::Kept => self.value(value, levels, places.next()?)?,
                Part::Presence => {
                    places.next()?;
                    self.weigh(value, levels)?;
                }
                Part::Members(members) => {
                    let inner = self.by_schema(value.dict()?, members, levels.checked_sub(1)?)?;
                    set(places.next()?, Value::Dict(inner));
                }
            }
        }
        drop(places);
        entries.next().is_none().then_some(read)
    }

    /// A value, taken over into its place, which holds null.
    #[inline(always)] // as `weigh`
    fn value(&mut self, object: Object<'f>, levels: usize, place: &mut Value<'t>) -> Option<()> {
        match object.look() {
            Looked::Int(value) => self.scalar(place, Value::Int(value)),
            Looked::Text(text) => {
                let text = self.text(text)?;
                set(place, Value::Str((self.keep)(text)));
            }
            Looked::Float(value) => {
                let value = value.value();
                if value.is_nan() {
                    return None; // which NaN it is, is told elsewhere
                }
                self.scalar(place, Value::Float(value));
            }
            Looked::List(list) => set(place, self.list(list, levels.checked_sub(1)?)?),
            Looked::Dict(dict) => set(place, Value::Dict(self.dict(dict, levels.checked_sub(1)?)?)),
            Looked::Null => self.scalar(place, Value::Null),
            Looked::Bool(value) => self.scalar(place, Value::Bool(value)),
            Looked::Other => return None,
        }
        Some(())
    }

    /// A number or a constant, put into its place.
    #[inline(always)]
    fn scalar(&mut self, place: &mut Value<'t>, value: Value<'t>) {
        self.bound += BYTES_PER_SCALAR;
        set(place, value);
    }

    /// A list. Most are of whole numbers.
    fn list(&mut self, list: List<'f>, levels: usize) -> Option<Value<'t>> {
        let count = list.length();
        self.count(count.saturating_mul(BYTES_PER_MEMBER).saturating_add(BYTES_PER_MEMBER))?;
        let mut whole = Vec::with_capacity(count);
        whole.extend(list.members().map_while(Object::int));
        self.bound += BYTES_PER_SCALAR * whole.len();
        if whole.len() == count {
            return Some(Value::Ints(whole));
        }
        let known = whole.len();
        let mut items: Vec<_> = whole.into_iter().map(Value::Int).collect();
        items.resize(count, Value::Null);
        for (place, member) in items.iter_mut().zip(list.members()).skip(known) {
            self.value(member, levels, place)?;
        }
        Some(Value::List(items))
    }

    /// A dict, whose keys are all different.
    fn dict(&mut self, dict: borrowed::Dict<'f>, levels: usize) -> Option<Dict<'t>> {
        self.bound += BYTES_PER_MEMBER;
        let mut read = Dict::default();
        for (key, value) in dict.entries() {
            let key = self.text(key.text()?)?;
            self.bound += BYTES_PER_MEMBER;
            self.value(value, levels, read.place((self.keep)(key), true).1)?;
        }
        Some(read)
    }

    /// Counts a value that is not kept.
    #[inline(always)] // most are texts and numbers, of which there is little to do
    fn weigh(&mut self, object: Object<'f>, levels: usize) -> Option<()> {
        match object.look() {
            Looked::Text(text) => {
                self.count(text.length().saturating_mul(BYTES_PER_CODE_POINT).saturating_add(BYTES_PER_MEMBER))
            }
            Looked::Dict(dict) => self.weigh_dict(dict, levels.checked_sub(1)?),
            Looked::List(list) => self.weigh_list(list, levels.checked_sub(1)?),
            Looked::Int(_) | Looked::Float(_) | Looked::Null | Looked::Bool(_) => {
                self.bound += BYTES_PER_SCALAR;
                Some(())
            }
            Looked::Other => None,
        }
    }

    /// Counts a dict.
    fn weigh_dict(&mut self, dict: borrowed::Dict<'f>, levels: usize) -> Option<()> {
        self.bound += BYTES_PER_MEMBER;
        for (key, value) in dict.entries() {
            let length = key.text()?.length();
            self.count(length.saturating_mul(BYTES_PER_CODE_POINT).saturating_add(2 * BYTES_PER_MEMBER))?;
            self.weigh(value, levels)?;
        }
        Some(())
    }

    /// Counts a list.
    fn weigh_list(&mut self, list: List<'f>, levels: usize) -> Option<()> {
        self.count(list.length().saturating_mul(BYTES_PER_MEMBER).saturating_add(BYTES_PER_MEMBER))?;
        list.members().try_for_each(|member| self.weigh(member, levels))
    }
}

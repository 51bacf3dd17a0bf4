//! Blocks that are plain dicts, the form in which a node has them: read once, and no more than the rules read.
//!
//! What no rule reads (above all the transactions) is not taken over. It is weighed: the domain ends at a size and
//! at a depth, and an upper bound of both is enough unless the block comes near. Then weighing ends, and the block is
//! read whole, as far as the domain goes.

use coinjecture_consensus::block::{BLOCK, MAX_BYTES};
use coinjecture_consensus::json::{write_sorted, Part, Schema};
use coinjecture_consensus::python::{Dict, Text};
use coinjecture_consensus::{Block, Value};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString};

use crate::builtins::{code_points, small_int, Entries, Nested};
use crate::fast_dict;
use crate::reading::{inner, Reading, INNER_LEVELS};
use crate::refusal::{foreign_key, Refusal};
use crate::weight::{BYTES_PER_BYTE, BYTES_PER_CODE_POINT, BYTES_PER_MEMBER, BYTES_PER_SCALAR};

/// Takes over a block that is exactly a `dict`.
pub fn block_of(dict: &Bound<'_, PyDict>) -> Result<Block<'static>, Refusal> {
    if let Some(block) = fast_dict::block_of(dict) {
        return Ok(block);
    }
    let mut weighing = Weighing { bound: 0, reading: Reading::of_block() };
    match weighing.by_schema(dict, &BLOCK, INNER_LEVELS) {
        Ok(read) => Ok(Block::of_fields(read, weighing.bound / BYTES_PER_CODE_POINT)),
        Err(Stop::Large) => Reading::of_block().dict(dict, INNER_LEVELS).map(Block::from_dict),
        Err(Stop::Refused(refusal)) => Err(refusal),
    }
}

/// Why weighing ended early.
enum Stop {
    /// The block may be larger than the domain.
    Large,
    /// It cannot be taken over.
    Refused(Refusal),
}

impl<T: Into<Refusal>> From<T> for Stop {
    fn from(refusal: T) -> Self {
        Self::Refused(refusal.into())
    }
}

/// Reads what is wanted of a block and weighs all of it.
struct Weighing {
    /// What was read or weighed takes at most so many bytes of canonical JSON.
    bound: usize,
    reading: Reading,
}

impl Weighing {
    fn add(&mut self, bytes: usize) -> Result<(), Stop> {
        self.bound = self.bound.saturating_add(bytes);
        if self.bound <= MAX_BYTES {
            return Ok(());
        }
        Err(Stop::Large)
    }

    fn add_text(&mut self, text: &Bound<'_, PyString>) -> Result<(), Stop> {
        self.add(code_points(text).saturating_mul(BYTES_PER_CODE_POINT).saturating_add(BYTES_PER_MEMBER))
    }

    /// The wanted part of a dict.
    fn by_schema(
        &mut self,
        dict: &Bound<'_, PyDict>,
        schema: &'static Schema,
        levels: usize,
    ) -> Result<Dict<'static>, Stop> {
        let mut read = Dict::with_capacity(schema.len());
        let mut first_other: Option<Text<'static>> = None;
        let mut likely = 0;
        self.add(BYTES_PER_MEMBER)?;
        for entry in Entries::of(dict) {
            let (key, value) = entry?;
            let key = key.cast::<PyString>().map_err(|_| foreign_key(&key))?;
            self.add_text(key)?;
            self.add(BYTES_PER_MEMBER)?;
            let name = key.to_str().unwrap_or_default(); // with lone surrogates it is none of the names
            let found = schema.find_from(name.as_bytes(), likely);
            likely = found.map_or(likely, |(position, _)| position + 1);
            let (name, value) = match (found, value.cast_exact::<PyDict>()) {
                (Some((_, (name, Part::Members(members)))), Ok(dict)) => {
                    (name, Value::Dict(self.by_schema(dict, members, inner(levels)?)?))
                }
                (Some((_, (name, Part::Kept | Part::Members(_)))), _) => {
                    let value = self.reading.value(&value, levels)?;
                    self.add(bound_of_value(&value))?;
                    (name, value)
                }
                (Some((_, (name, Part::Presence))), _) => {
                    self.weigh(&value, levels)?;
                    (name, Value::Null)
                }
                (Some((_, (_, Part::Unread))) | None, _) => {
                    self.weigh(&value, levels)?;
                    if first_other.is_none() {
                        first_other = Some(self.reading.text(key)?);
                    }
                    continue;
                }
            };
            read.insert(name.as_bytes().into(), value);
        }
        if let Some(key) = first_other.filter(|_| read.is_empty()) {
            read.insert(key, Value::Null); // an object with keys is truthy
        }
        Ok(read)
    }

    /// Weighs a value that is not kept.
    fn weigh(&mut self, object: &Bound<'_, PyAny>, levels: usize) -> Result<(), Stop> {
        if let Ok(text) = object.cast_exact::<PyString>() {
            return self.add_text(text);
        }
        if let Ok(dict) = object.cast_exact::<PyDict>() {
            let (levels, _nested) = (inner(levels)?, Nested::enter(object.py())?);
            self.add(BYTES_PER_MEMBER)?;
            for entry in Entries::of(dict) {
                let (key, value) = entry?;
                self.add_text(key.cast().map_err(|_| foreign_key(&key))?)?;
                self.add(BYTES_PER_MEMBER)?;
                self.weigh(&value, levels)?;
            }
            return Ok(());
        }
        if let Ok(list) = object.cast_exact::<PyList>() {
            let (levels, _nested) = (inner(levels)?, Nested::enter(object.py())?);
            self.add(BYTES_PER_MEMBER)?;
            for item in list.iter() {
                self.add(BYTES_PER_MEMBER)?;
                self.weigh(&item, levels)?;
            }
            return Ok(());
        }
        if object.is_none()
            || object.is_exact_instance_of::<PyFloat>()
            || object.is_exact_instance_of::<PyBool>()
            || object.cast_exact::<PyInt>().is_ok_and(|value| small_int(value).is_some())
        {
            return self.add(BYTES_PER_SCALAR);
        }
        let mut canonical = Vec::new();
        write_sorted(&self.reading.value(object, levels)?, &mut canonical);
        self.add(canonical.len())
    }
}

fn bound_of_value(value: &Value<'_>) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => BYTES_PER_SCALAR,
        Value::Big(value) => BYTES_PER_SCALAR + usize::try_from(value.bits()).unwrap_or(MAX_BYTES),
        Value::Str(text) => text.len().saturating_mul(BYTES_PER_BYTE) + BYTES_PER_MEMBER,
        Value::Ints(items) => items.len() * (BYTES_PER_SCALAR + BYTES_PER_MEMBER) + 2,
        Value::List(items) => items.iter().map(|item| bound_of_value(item) + BYTES_PER_MEMBER).sum::<usize>() + 2,
        Value::Dict(dict) => {
            let entry = |(key, value): (&Text<'_>, &Value<'_>)| {
                key.len().saturating_mul(BYTES_PER_BYTE) + bound_of_value(value) + 2 * BYTES_PER_MEMBER
            };
            dict.iter().map(entry).sum::<usize>() + 2
        }
    }
}

/// The whole block: what was taken over as it was then, what no rule reads as it is in the dict now.
pub fn complete(read: &Dict<'static>, dict: &Bound<'_, PyDict>) -> Result<Dict<'static>, Refusal> {
    merged(&mut Reading::of_block(), read, dict, &BLOCK, INNER_LEVELS)
}

fn merged(
    reading: &mut Reading,
    read: &Dict<'static>,
    dict: &Bound<'_, PyDict>,
    schema: &Schema,
    levels: usize,
) -> Result<Dict<'static>, Refusal> {
    let mut pairs = Vec::new();
    for entry in Entries::of(dict) {
        let (key, value) = entry?;
        let key = reading.text(key.cast()?)?;
        let value = match (schema.find(&key).map(|(_, part)| part), read.get(&key), value.cast_exact::<PyDict>()) {
            (None | Some(Part::Presence | Part::Unread), ..) => reading.value(&value, levels)?,
            (Some(_), None, _) => continue, // it came later
            (Some(Part::Members(members)), Some(Value::Dict(known)), Ok(now)) => {
                Value::Dict(merged(reading, known, now, members, inner(levels)?)?)
            }
            (Some(_), Some(known), _) => known.clone(),
        };
        pairs.push((key, value));
    }
    for (key, value) in read.iter() {
        if !pairs.iter().any(|(known, _)| known == key) {
            pairs.push((key.clone(), value.clone())); // it is gone
        }
    }
    Ok(Dict::from_pairs(pairs))
}

//! Blocks that are plain dicts, the form in which a node has them: read once, and no more than the rules read.
//!
//! What no rule reads (above all the transactions) is not taken over. It is weighed: the domain ends at a size and
//! at a depth, and an upper bound of both is enough unless the block comes near.

use coinjecture_consensus::block::{MAX_BYTES, READ};
use coinjecture_consensus::json::MAX_LEVELS;
use coinjecture_consensus::text::write_sorted;
use coinjecture_consensus::value::{Dict, Text};
use coinjecture_consensus::wanted::{Part, Wanted};
use coinjecture_consensus::{Block, Value};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString};

use crate::convert::{dict_of, foreign_key, text_of, too_deep, value_of, Reading, Refusal};
use crate::usual;

/// The most that `json.dumps` writes for one code point: a pair of surrogates.
pub const BYTES_PER_CODE_POINT: usize = 12;

/// The same for one byte of UTF-8.
pub const BYTES_PER_BYTE: usize = 6;

/// The most that it writes for an integer of 64 bits, a double, or a constant.
pub const BYTES_PER_SCALAR: usize = 26;

/// What it writes around each member of a list or an object.
pub const BYTES_PER_MEMBER: usize = 4;

/// The block's own level has been entered.
const INNER: Reading = Reading { levels: MAX_LEVELS - 1, tuples: false };

/// Takes over a block that is exactly a `dict`.
pub fn block_of(dict: &Bound<'_, PyDict>) -> Result<Block<'static>, Refusal> {
    if let Some(block) = usual::block_of(dict) {
        return Ok(block);
    }
    let mut bound = 0;
    let read = wanted_of(dict, &READ, INNER, &mut bound)?;
    if bound <= MAX_BYTES {
        return Ok(Block::of_fields(read, bound / BYTES_PER_CODE_POINT));
    }
    Ok(Block::from_dict(dict_of(dict.as_any().cast()?, INNER)?))
}

/// The wanted part of a dict, and in `bound` what all of it takes at most as canonical JSON.
fn wanted_of(
    dict: &Bound<'_, PyDict>,
    wanted: &'static Wanted,
    inner: Reading,
    bound: &mut usize,
) -> Result<Dict<'static>, Refusal> {
    let mut read = Dict::with_capacity(wanted.len());
    let mut first_other: Option<Text<'static>> = None;
    let mut likely = 0;
    *bound += BYTES_PER_MEMBER;
    for (key, value) in dict.iter() {
        let key = key.cast::<PyString>().map_err(|_| foreign_key(&key))?;
        *bound += bound_of_text(key)? + BYTES_PER_MEMBER;
        let name = key.to_str().unwrap_or_default(); // with lone surrogates it is none of the names
        let found = wanted.find_from(name.as_bytes(), likely);
        likely = found.map_or(likely, |(position, _)| position + 1);
        let (name, value) = match (found, value.cast_exact::<PyDict>()) {
            (Some((_, (name, Part::Inside(inside)))), Ok(dict)) => {
                (name, Value::Dict(wanted_of(dict, inside, deeper(inner)?, bound)?))
            }
            (Some((_, (name, Part::Whole | Part::Inside(_)))), _) => {
                let value = value_of(&value, inner)?;
                *bound += bound_of_value(&value);
                (name, value)
            }
            (Some((_, (name, Part::Presence))), _) => {
                *bound += weigh(&value, inner)?;
                (name, Value::Null)
            }
            (Some((_, (_, Part::Nothing))) | None, _) => {
                *bound += weigh(&value, inner)?;
                if first_other.is_none() {
                    first_other = Some(text_of(key)?);
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

fn deeper(reading: Reading) -> Result<Reading, Refusal> {
    let levels = reading.levels.checked_sub(1).ok_or_else(too_deep)?;
    Ok(Reading { levels, ..reading })
}

/// Upper bound of the canonical JSON of a value that is not kept.
fn weigh(object: &Bound<'_, PyAny>, reading: Reading) -> Result<usize, Refusal> {
    if let Ok(text) = object.cast_exact::<PyString>() {
        return Ok(bound_of_text(text)?);
    }
    if let Ok(dict) = object.cast_exact::<PyDict>() {
        let inner = deeper(reading)?;
        let mut bound = BYTES_PER_MEMBER;
        for (key, value) in dict.iter() {
            let key = key.cast::<PyString>().map_err(|_| foreign_key(&key))?;
            bound += bound_of_text(key)? + weigh(&value, inner)? + BYTES_PER_MEMBER;
        }
        return Ok(bound);
    }
    if let Ok(list) = object.cast_exact::<PyList>() {
        let inner = deeper(reading)?;
        let mut bound = BYTES_PER_MEMBER;
        for item in list.iter() {
            bound += weigh(&item, inner)? + BYTES_PER_MEMBER;
        }
        return Ok(bound);
    }
    let small = || object.cast_exact::<PyInt>().is_ok_and(|value| value.extract::<i64>().is_ok());
    if object.is_none()
        || object.is_exact_instance_of::<PyFloat>()
        || object.is_exact_instance_of::<PyBool>()
        || small()
    {
        return Ok(BYTES_PER_SCALAR);
    }
    let mut canonical = Vec::new();
    write_sorted(&value_of(object, reading)?, &mut canonical);
    Ok(canonical.len())
}

fn bound_of_text(text: &Bound<'_, PyString>) -> PyResult<usize> {
    Ok(text.len()?.saturating_mul(BYTES_PER_CODE_POINT) + BYTES_PER_MEMBER)
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
pub fn whole(read: &Dict<'static>, dict: &Bound<'_, PyDict>) -> Result<Dict<'static>, Refusal> {
    merged(read, dict, &READ, INNER)
}

fn merged(
    read: &Dict<'static>,
    dict: &Bound<'_, PyDict>,
    wanted: &Wanted,
    inner: Reading,
) -> Result<Dict<'static>, Refusal> {
    let mut pairs = Vec::with_capacity(dict.len());
    for (key, value) in dict.iter() {
        let key = text_of(key.cast()?)?;
        let value = match (wanted.find(&key).map(|(_, part)| part), read.get(&key), value.cast_exact::<PyDict>()) {
            (None | Some(Part::Presence | Part::Nothing), ..) => value_of(&value, inner)?,
            (Some(_), None, _) => continue, // it came later
            (Some(Part::Inside(inside)), Some(Value::Dict(known)), Ok(now)) => {
                Value::Dict(merged(known, now, inside, deeper(inner)?)?)
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

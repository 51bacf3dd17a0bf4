//! One block: parsed once, with its place in the parity domain, its hash and its work score.

pub(crate) mod domain;
mod fast_path;
pub(crate) mod hash;
pub(crate) mod notation;
pub(crate) mod schema;
pub(crate) mod tier;

pub use domain::MAX_BYTES;
pub use hash::{header_hash, sha256};
pub use schema::{Fields, BLOCK};

use domain::{explodes, is_explosion, leaves_domain, EXPLODES};
use fast_path::FastRead;
use schema::{places, COMPLEXITY_PLACE, KEPT};
use tier::tier_bounds;

use crate::error::Exception;
use crate::json::lexer::JsonError;
use crate::json::limits::MAX_LEVELS;
use crate::json::parser;
use crate::json::writer::write_sorted;
use crate::python::value::{Dict, Value};

/// Judging, measured generously: the estimate only decides whether other threads may run meanwhile.
const NANOSECONDS_PER_BYTE: u64 = 6;
const NANOSECONDS_PER_ELEMENT: u64 = 120;
const NANOSECONDS_OF_AN_EXPLOSION: u64 = 2_000_000;

/// A block as an immutable value: of its content what the rules read.
#[derive(Debug)]
pub struct Block<'a> {
    dict: Dict<'a>,
    /// Where in `dict` each key of [`BLOCK`] is; `None` if a required field is missing.
    places: Option<[usize; KEPT]>,
    bytes: usize,
    out_of_domain: Option<String>,
    /// The hash of its content, where the text it was read from is as it is hashed.
    hash_of_text: Option<Result<[u8; 32], Exception>>,
}

impl<'a> Block<'a> {
    /// Parses a block's JSON text, borrowing from it. `text` is generalised UTF-8.
    ///
    /// A text that is too large or nested beyond `MAX_TEXT_LEVELS` is not read to its end: it is out of the domain.
    ///
    /// # Errors
    /// [`JsonError`] if it is no JSON object: such a text never reaches an engine.
    pub fn parse(text: &'a [u8]) -> Result<Self, JsonError> {
        if text.len() > MAX_BYTES {
            return Ok(Self::unread(format!("block of {} bytes; the domain ends at {MAX_BYTES}", text.len())));
        }
        match fast_path::read(text) {
            Some(read) => Ok(Self::of_fast_path(read, text.len())),
            None => Self::parse_any(text),
        }
    }

    /// Any block but one that is too large.
    fn parse_any(text: &'a [u8]) -> Result<Self, JsonError> {
        match parser::parse_by(text, MAX_LEVELS, Some(&BLOCK)) {
            Ok(Value::Dict(dict)) => Ok(Self::new(dict, text.len())),
            Ok(_) => Err(JsonError { what: "a block is a JSON object", at: 0, too_deep: false }),
            Err(error) if error.too_deep && text.trim_ascii_start().starts_with(b"{") => {
                Ok(Self::unread(format!("nested deeper than {MAX_LEVELS} levels")))
            }
            Err(error) => Err(error),
        }
    }

    /// A block from bytes. What is no block becomes one without fields, which every profile rejects as malformed.
    #[must_use]
    pub fn read(raw: &'a [u8]) -> Self {
        let text = (raw.is_ascii() || std::str::from_utf8(raw).is_ok()).then_some(raw); // the first is the quicker one
        text.and_then(|text| Self::parse(text).ok()).unwrap_or_else(|| Self::new(Dict::default(), 0))
    }

    /// A block from a dict of at most [`MAX_LEVELS`] levels; its size is that of its canonical JSON.
    #[must_use]
    pub fn from_dict(dict: Dict<'a>) -> Self {
        let value = Value::Dict(dict);
        let mut canonical = Vec::new();
        write_sorted(&value, &mut canonical);
        let Value::Dict(dict) = value else { return Self::new(Dict::default(), 0) };
        let mut block = Self::new(dict, canonical.len());
        if canonical.len() > MAX_BYTES {
            block.out_of_domain = Some(format!("block of {} bytes; the domain ends at {MAX_BYTES}", canonical.len()));
        }
        block
    }

    /// A block of which the caller knows that all of it has at most [`MAX_LEVELS`] levels and [`MAX_BYTES`] bytes of
    /// canonical JSON. `dict` needs to hold only what is [`BLOCK`], which takes about `bytes` bytes.
    #[must_use]
    pub fn of_fields(dict: Dict<'a>, bytes: usize) -> Self {
        Self::new(dict, bytes)
    }

    /// A block of which only is known that it lies outside the domain, and why.
    #[must_use]
    pub fn unread(why: String) -> Self {
        let mut block = Self::new(Dict::default(), 0);
        block.out_of_domain = Some(why);
        block
    }

    fn new(dict: Dict<'a>, bytes: usize) -> Self {
        let places = places(&dict);
        let out_of_domain = leaves_domain(&dict, places.as_ref()).map(str::to_owned);
        Self { dict, places, bytes, out_of_domain, hash_of_text: None }
    }

    fn of_fast_path(read: FastRead<'a>, bytes: usize) -> Self {
        let complexity = read.dict.value_at(COMPLEXITY_PLACE);
        let hash =
            tier_bounds(&Value::Str(read.mining_capacity.into())).ok_or(Exception::Value).map(|_| sha256(&read.hashed));
        Self {
            out_of_domain: complexity.is_some_and(explodes).then(|| EXPLODES.to_owned()),
            dict: read.dict,
            places: Some(std::array::from_fn(|place| place)),
            bytes,
            hash_of_text: Some(hash),
        }
    }

    /// Why the block lies outside the parity domain; `None` if it lies inside.
    #[must_use]
    pub fn out_of_domain(&self) -> Option<&str> {
        self.out_of_domain.as_deref()
    }

    /// The block's content, as far as the rules read it.
    #[must_use]
    pub const fn dict(&self) -> &Dict<'a> {
        &self.dict
    }

    /// Rough time that judging takes: what is written and hashed, what is looked up, and big powers and factorials.
    #[must_use]
    pub fn expected_nanoseconds(&self) -> u64 {
        let count = |count: usize, each: u64| u64::try_from(count).unwrap_or(u64::MAX).saturating_mul(each);
        let bytes = count(self.bytes, NANOSECONDS_PER_BYTE);
        let Some(fields) = self.fields() else { return bytes };
        let length = |value: &Value<'_>| value.length().unwrap_or(0);
        let numbers = match fields.problem {
            Value::Dict(problem) => problem.get(b"numbers").map_or(0, length),
            _ => 0,
        };
        let elements = numbers.saturating_add(length(fields.solution));
        let explosive = if is_explosion(fields.complexity) { NANOSECONDS_OF_AN_EXPLOSION } else { 0 };
        bytes.saturating_add(count(elements, NANOSECONDS_PER_ELEMENT)).saturating_add(explosive)
    }

    /// The required fields; `None` if one is missing.
    #[must_use]
    pub fn fields(&self) -> Option<Fields<'_, 'a>> {
        let [index, timestamp, previous_hash, _, merkle_root, problem, solution, complexity, capacity, cumulative, hash] =
            self.places?;
        Some(Fields {
            index: self.dict.value_at(index)?,
            timestamp: self.dict.value_at(timestamp)?,
            previous_hash: self.dict.value_at(previous_hash)?,
            merkle_root: self.dict.value_at(merkle_root)?,
            problem: self.dict.value_at(problem)?,
            solution: self.dict.value_at(solution)?,
            complexity: self.dict.value_at(complexity)?,
            mining_capacity: self.dict.value_at(capacity)?,
            cumulative_work_score: self.dict.value_at(cumulative)?,
            block_hash: self.dict.value_at(hash)?,
        })
    }

    /// Hash of the content, whatever `block_hash` says.
    ///
    /// # Errors
    /// The exception that computing it raises: a missing field, or a mining capacity that is no tier.
    pub fn computed_hash(&self) -> Result<[u8; 32], Exception> {
        self.fields().ok_or(Exception::Type).and_then(|fields| self.hash_of(&fields))
    }

    /// The same of its fields.
    pub(crate) fn hash_of(&self, fields: &Fields<'_, '_>) -> Result<[u8; 32], Exception> {
        self.hash_of_text.unwrap_or_else(|| fields.hash())
    }
}

#[cfg(test)]
mod tests;

//! Python objects to values of the core.
//!
//! Reading an object may run Python code: the value of an enum, the items of a mapping, an attribute, whatever a
//! finalizer does. That code may do anything, such as change what is being read, give items without end, or read a
//! block itself. So nothing is borrowed across it; what an object of a built-in type holds is asked of that type,
//! never of an override; and all is weighed while it is read, so that reading ends where the domain does.

use std::borrow::Cow;

use coinjecture_consensus::block::MAX_BYTES;
use coinjecture_consensus::json::{Part, Schema, MAX_INT_DIGITS, MAX_LEVELS};
use coinjecture_consensus::python::{Dict, Num, Text};
use coinjecture_consensus::{Block, Value};
use num_bigint::BigInt;
use pyo3::exceptions::PyUnicodeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use pyo3::PyTypeInfo;

use crate::builtins::{code_points, small_int, with_surrogates, Entries, Nested};
use crate::fast_dict::part_of;
use crate::kinds::{is_enum, kind_of, Kind};
use crate::refusal::{foreign_key, too_deep, too_large, Refusal};
use crate::weight::{at_least, BYTES_PER_CODE_POINT, BYTES_PER_MEMBER, BYTES_PER_SCALAR};

/// Levels that may lie in a block.
pub const INNER_LEVELS: usize = MAX_LEVELS - 1;

/// Bits of a decimal digit, rounded down, in thousandths: an integer of fewer bits cannot have too many digits.
const MILLIBITS_PER_DIGIT: u64 = 3321;

/// No integer of [`MAX_INT_DIGITS`] digits has more bits.
const MAX_INT_BITS: u64 = 14_285;

/// The least that `json.dumps` writes around a member of a list, and around one of an object beside the key's quotes.
const BYTES_PER_ITEM: usize = 2;
const BYTES_PER_ENTRY: usize = 4;

/// The most that it writes around a member of an object.
const MOST_PER_ENTRY: usize = 2 * BYTES_PER_MEMBER;

/// The least that it writes for any value.
const BYTES_PER_VALUE: usize = 1;

/// What of a problem the rules do more with than to hash it.
static PROBLEM: Schema =
    Schema::new(&[("type", Part::Kept), ("numbers", Part::Kept), ("target", Part::Kept), ("size", Part::Kept)]);

fn many_digits() -> Refusal {
    Refusal::OutOfDomain(format!("an integer of more than {MAX_INT_DIGITS} digits"))
}

/// Which members of an object the rules read; without a schema they read all.
#[derive(Debug, Clone, Copy, Default)]
struct Members {
    schema: Option<&'static Schema>,
    likely: usize,
}

impl Members {
    /// A member that the schema names: its name, and what is read of it.
    fn named(&mut self, key: &[u8]) -> Option<(&'static str, Part)> {
        let (position, known) = self.schema?.find_from(key, self.likely)?;
        self.likely = position + 1;
        Some(*known)
    }

    /// What is read of a member that the schema does not name.
    const fn other(self) -> Part {
        if self.schema.is_some() {
            return Part::Unread;
        }
        Part::Kept
    }
}

/// Takes objects over: what `json.loads` makes, its subclasses, mappings with text keys, enums by their value, and
/// objects with attributes as the dict of those.
#[derive(Debug)]
pub struct Reading {
    /// Whether a tuple is a list, as `json.dumps` takes it. To the rules the two are not the same.
    tuples: bool,
    /// What the rules read of the object that comes next.
    members: Members,
    /// Lower bound of the canonical JSON of what was read.
    least: usize,
    /// Upper bound of it.
    most: usize,
}

impl Reading {
    /// Of a block or a part of one.
    pub const fn of_block() -> Self {
        Self { tuples: false, members: Members { schema: None, likely: 0 }, least: 0, most: 0 }
    }

    /// Of what `json.dumps` is given.
    pub const fn with_tuples() -> Self {
        Self { tuples: true, members: Members { schema: None, likely: 0 }, least: 0, most: 0 }
    }

    /// Counts what is about to be read, which takes at least and at most so many bytes.
    fn weigh(&mut self, least: usize, most: usize) -> Result<(), Refusal> {
        self.least = self.least.saturating_add(least);
        self.most = self.most.saturating_add(most);
        if self.least <= MAX_BYTES {
            return Ok(());
        }
        Err(Refusal::OutOfDomain(too_large()))
    }

    /// Counts a number or a constant.
    fn weigh_scalar(&mut self) -> Result<(), Refusal> {
        self.weigh(BYTES_PER_VALUE, BYTES_PER_SCALAR)
    }

    /// Counts a list and what it writes around its members.
    fn weigh_list(&mut self, members: usize) -> Result<(), Refusal> {
        self.weigh(
            members.saturating_mul(BYTES_PER_ITEM).max(BYTES_PER_ITEM),
            members.saturating_mul(BYTES_PER_MEMBER).saturating_add(BYTES_PER_MEMBER),
        )
    }

    /// Counts the object that the fields of a schema are written in, if they are all there.
    pub fn weigh_fields(&mut self, schema: &Schema) -> Result<(), Refusal> {
        let names = schema.key_bytes().saturating_mul(BYTES_PER_CODE_POINT);
        self.weigh(0, names.saturating_add(schema.len().saturating_mul(3 * BYTES_PER_MEMBER) + BYTES_PER_MEMBER))
    }

    /// The block that was read. Unless it may be too large, nothing has to be written to know its size.
    pub fn block(&self, dict: Dict<'static>) -> Block<'static> {
        if self.most <= MAX_BYTES {
            return Block::of_fields(dict, at_least(self.most));
        }
        Block::from_dict(dict)
    }

    /// A field of a block that is an object. Where no rule tells a tuple from a list, a tuple is one: it is hashed as a
    /// list, or not read at all.
    pub fn field(
        &mut self,
        name: &str,
        part: Part,
        object: &Bound<'_, PyAny>,
        levels: usize,
    ) -> Result<Value<'static>, Refusal> {
        if object.is_exact_instance_of::<PyDict>() || object.is_exact_instance_of::<PyList>() {
            if let Some((value, most)) = part_of(object, levels) {
                return self.weigh(at_least(most), most).map(|()| value);
            }
        }
        match part {
            Part::Kept if name == "problem" => self.of_schema(&PROBLEM, object, levels),
            Part::Kept => self.value(object, levels),
            Part::Members(schema) => self.of_schema(schema, object, levels),
            Part::Presence | Part::Unread => {
                let before = std::mem::replace(&mut self.tuples, true);
                let value = self.value(object, levels);
                self.tuples = before;
                value
            }
        }
    }

    /// An object of which the rules read these members.
    fn of_schema(
        &mut self,
        schema: &'static Schema,
        object: &Bound<'_, PyAny>,
        levels: usize,
    ) -> Result<Value<'static>, Refusal> {
        self.members.schema = Some(schema);
        let value = self.value(object, levels);
        self.members = Members::default();
        value
    }

    /// Any object, in which so many levels of containers may follow.
    pub fn value(&mut self, object: &Bound<'_, PyAny>, levels: usize) -> Result<Value<'static>, Refusal> {
        if let Ok(text) = object.cast_exact::<PyString>() {
            return self.text(text).map(Value::Str);
        }
        if let Ok(value) = object.cast_exact::<PyInt>() {
            return self.integer(value);
        }
        if let Ok(value) = object.cast_exact::<PyFloat>() {
            return self.float(value);
        }
        if object.is_none() {
            return self.weigh_scalar().map(|()| Value::Null);
        }
        if let Ok(value) = object.cast::<PyBool>() {
            return self.weigh_scalar().map(|()| Value::Bool(value.is_true()));
        }
        let _nested = Nested::enter(object.py())?;
        if let Ok(list) = object.cast_exact::<PyList>() {
            return self.list(list, inner(levels)?);
        }
        if let Ok(dict) = object.cast_exact::<PyDict>() {
            return self.dict(dict, inner(levels)?).map(Value::Dict);
        }
        if let Ok(value) = object.cast::<PyInt>() {
            return self.integer(value);
        }
        if let Ok(value) = object.cast::<PyFloat>() {
            return self.float(value);
        }
        if let Ok(value) = object.cast::<PyString>() {
            return self.text(value).map(Value::Str);
        }
        self.other(object, levels)
    }

    fn other(&mut self, object: &Bound<'_, PyAny>, levels: usize) -> Result<Value<'static>, Refusal> {
        let sequence = object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>();
        if sequence && !is_enum(object)? {
            let levels = inner(levels)?;
            if let Ok(list) = object.cast::<PyList>() {
                return self.list(list, levels);
            }
            return self.tuple(object.cast::<PyTuple>()?, levels);
        }
        match &*kind_of(object)? {
            Kind::Enum => self.value(&object.getattr(intern!(object.py(), "value"))?, levels),
            Kind::Mapping => self.mapping(object, inner(levels)?).map(Value::Dict),
            Kind::Fields(names) => self.fields(object, names, inner(levels)?).map(Value::Dict),
            Kind::Attributes => {
                let levels = inner(levels)?;
                let attributes = object.getattr_opt(intern!(object.py(), "__dict__"))?;
                self.mapping(&attributes.ok_or_else(|| no_value(object))?, levels).map(Value::Dict)
            }
            Kind::Callable => Err(no_value(object)),
        }
    }

    fn list(&mut self, list: &Bound<'_, PyList>, levels: usize) -> Result<Value<'static>, Refusal> {
        self.members = Members::default();
        let count = list.len();
        self.weigh_list(count)?;
        let mut items = Vec::with_capacity(count);
        for item in list.iter() {
            items.push(self.value(&item, levels)?);
        }
        Ok(Value::List(items))
    }

    fn tuple(&mut self, tuple: &Bound<'_, PyTuple>, levels: usize) -> Result<Value<'static>, Refusal> {
        self.members = Members::default();
        if !self.tuples {
            return Err(Refusal::OutOfDomain("a tuple: JSON has lists only".to_owned()));
        }
        self.weigh_list(tuple.len())?;
        tuple.iter().map(|item| self.value(&item, levels)).collect::<Result<_, _>>().map(Value::List)
    }

    /// A dict, by what it holds itself.
    pub fn dict(&mut self, dict: &Bound<'_, PyDict>, levels: usize) -> Result<Dict<'static>, Refusal> {
        let count = dict.len();
        self.weigh(
            count.saturating_mul(BYTES_PER_ENTRY).max(BYTES_PER_ITEM),
            count.saturating_mul(MOST_PER_ENTRY).saturating_add(BYTES_PER_MEMBER),
        )?;
        let mut members = std::mem::take(&mut self.members);
        let mut pairs = Vec::with_capacity(count);
        for entry in Entries::of(dict) {
            let (key, value) = entry?;
            pairs.push(self.entry(&key, &value, levels, &mut members)?);
        }
        Ok(Dict::from_pairs(pairs))
    }

    /// A mapping with text keys.
    pub fn mapping(&mut self, mapping: &Bound<'_, PyAny>, levels: usize) -> Result<Dict<'static>, Refusal> {
        if let Ok(dict) = mapping.cast::<PyDict>() {
            return self.dict(dict, levels);
        }
        let mut members = std::mem::take(&mut self.members);
        let mut pairs = Vec::new();
        self.weigh(0, BYTES_PER_MEMBER)?;
        // One by one: a mapping may give items without end.
        for pair in mapping.call_method0("items")?.try_iter()? {
            self.weigh(BYTES_PER_ENTRY, MOST_PER_ENTRY)?;
            let (key, value) = pair?.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
            pairs.push(self.entry(&key, &value, levels, &mut members)?);
        }
        Ok(Dict::from_pairs(pairs))
    }

    /// The fields of a dataclass. An attribute that was deleted is missing, and is a reject only where a rule reads it.
    fn fields(
        &mut self,
        object: &Bound<'_, PyAny>,
        names: &[Py<PyString>],
        levels: usize,
    ) -> Result<Dict<'static>, Refusal> {
        let mut members = std::mem::take(&mut self.members);
        let mut pairs = Vec::with_capacity(names.len());
        self.weigh(0, BYTES_PER_MEMBER)?;
        for name in names {
            self.weigh(BYTES_PER_ENTRY, MOST_PER_ENTRY)?;
            let name = name.bind(object.py());
            if let Some(value) = object.getattr_opt(name)? {
                pairs.push(self.entry(name, &value, levels, &mut members)?);
            }
        }
        Ok(Dict::from_distinct(pairs))
    }

    /// An entry of an object.
    fn entry(
        &mut self,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        levels: usize,
        members: &mut Members,
    ) -> Result<(Text<'static>, Value<'static>), Refusal> {
        let key = key.cast::<PyString>().map_err(|_| foreign_key(key))?;
        let (key, part) = match key.to_str().ok().and_then(|key| members.named(key.as_bytes())) {
            Some((name, part)) => {
                self.weigh_text(name.len())?;
                (name.as_bytes().into(), part)
            }
            None => (self.text(key)?, members.other()),
        };
        let value = match part {
            Part::Kept => self.value(value, levels)?,
            part => self.field("", part, value, levels)?,
        };
        Ok((key, value))
    }

    /// Counts a text with its quotes.
    fn weigh_text(&mut self, code_points: usize) -> Result<(), Refusal> {
        self.weigh(
            code_points.saturating_add(BYTES_PER_ITEM),
            code_points.saturating_mul(BYTES_PER_CODE_POINT).saturating_add(BYTES_PER_MEMBER),
        )
    }

    /// A text in generalised UTF-8.
    pub fn text(&mut self, text: &Bound<'_, PyString>) -> Result<Text<'static>, Refusal> {
        self.weigh_text(code_points(text))?;
        match text.to_str() {
            Ok(text) => Ok(Cow::Owned(text.as_bytes().to_vec())),
            Err(error) if error.is_instance_of::<PyUnicodeError>(text.py()) => Ok(Cow::Owned(with_surrogates(text)?)),
            Err(error) => Err(error.into()),
        }
    }

    fn integer(&mut self, value: &Bound<'_, PyInt>) -> Result<Value<'static>, Refusal> {
        if let Some(small) = small_int(value) {
            return self.weigh_scalar().map(|()| Value::Int(small));
        }
        // What a subclass overrides is not asked.
        let exact = PyInt::type_object(value.py()).call_method1("__index__", (value,))?;
        let bits = exact.call_method0("bit_length")?.extract::<u64>()?;
        if bits > MAX_INT_BITS {
            return Err(many_digits());
        }
        let bits_held = usize::try_from(bits).unwrap_or(MAX_BYTES);
        self.weigh(bits_held / 4, bits_held.saturating_add(BYTES_PER_SCALAR))?; // a digit has less than four
        let big = exact.extract::<BigInt>()?;
        let limit = u64::try_from(MAX_INT_DIGITS).unwrap_or(u64::MAX);
        if bits.saturating_mul(1000) > limit.saturating_mul(MILLIBITS_PER_DIGIT)
            && big.magnitude().to_string().len() > MAX_INT_DIGITS
        {
            return Err(many_digits());
        }
        Ok(Num::from(big).into())
    }

    /// A float; a NaN other than that of `json.loads` is another object, which its bits tell.
    fn float(&mut self, value: &Bound<'_, PyFloat>) -> Result<Value<'static>, Refusal> {
        self.weigh_scalar()?;
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
}

/// Levels that may follow in a container.
pub fn inner(levels: usize) -> Result<usize, Refusal> {
    levels.checked_sub(1).ok_or_else(too_deep)
}

/// The refusal of an object that JSON has no value for.
fn no_value(object: &Bound<'_, PyAny>) -> Refusal {
    match object.get_type().name() {
        Ok(name) => Refusal::OutOfDomain(format!("{name}: no JSON value")),
        Err(error) => Refusal::Raised(error),
    }
}

/// The one NaN that every `NaN` of a JSON text becomes.
pub fn json_nan(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static NAN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    NAN.import(py, "json.decoder", "NaN")
}

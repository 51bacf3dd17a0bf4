//! One block: parsed once, with its place in the parity domain, its hash and its work score.

use sha2::{Digest, Sha256};

use crate::error::Exception;
use crate::json::{self, JsonError, MAX_LEVELS};
use crate::number::Num;
use crate::operations::is_explosive;
use crate::text::{write_float, write_sorted};
use crate::usual::{self, Usual};
use crate::value::{Dict, Value};
use crate::wanted::{Part, Wanted};
use crate::work::work;

/// Largest block of the parity domain, in bytes of its text.
pub const MAX_BYTES: usize = 1 << 20;

/// Largest problem size at which `2^n`, `n!` and `n^n` are computed.
const MAX_EXPLOSIVE_SIZE: i64 = 4096;

/// Judging, measured generously: the estimate only decides whether other threads may run meanwhile.
const NANOSECONDS_PER_BYTE: u64 = 6;
const NANOSECONDS_PER_ELEMENT: u64 = 120;
const NANOSECONDS_OF_AN_EXPLOSION: u64 = 2_000_000;
const LONG_EXPLOSION: i64 = 1000;

/// The fields without which a block cannot be built.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'b, 'a> {
    /// Position in the chain; the rules compare it with the parent's height.
    pub index: &'b Value<'a>,
    /// Time of the block as its miner says it, in seconds.
    pub timestamp: &'b Value<'a>,
    /// Key of the parent.
    pub previous_hash: &'b Value<'a>,
    /// Root of the transactions.
    pub merkle_root: &'b Value<'a>,
    /// The subset sum problem.
    pub problem: &'b Value<'a>,
    /// The chosen values.
    pub solution: &'b Value<'a>,
    /// What the miner measured; decides the work score.
    pub complexity: &'b Value<'a>,
    /// Name of the hardware tier.
    pub mining_capacity: &'b Value<'a>,
    /// The sum as the miner says it; hashed, never checked.
    pub cumulative_work_score: &'b Value<'a>,
    /// The block's hash as the miner says it.
    pub block_hash: &'b Value<'a>,
}

impl Fields<'_, '_> {
    fn hash(&self) -> Result<[u8; 32], Exception> {
        let Self { index, timestamp, previous_hash, merkle_root, problem, solution, .. } = *self;
        let (capacity, cumulative) = (self.mining_capacity, self.cumulative_work_score);
        let values = [cumulative, index, merkle_root, capacity, previous_hash, problem, solution, timestamp];
        hash_of_values(capacity, values)
    }
}

/// What the rules read of a block, and what else one usually has, in the order in which it usually comes.
pub static READ: Wanted = Wanted::new(&[
    ("index", Part::Whole),
    ("timestamp", Part::Whole),
    ("previous_hash", Part::Whole),
    ("transactions", Part::Presence),
    ("merkle_root", Part::Whole),
    ("problem", Part::Whole),
    ("solution", Part::Whole),
    ("complexity", Part::Inside(&COMPLEXITY)),
    ("mining_capacity", Part::Whole),
    ("cumulative_work_score", Part::Whole),
    ("offchain_cid", Part::Nothing),
    ("proof_commitment", Part::Nothing),
    ("block_hash", Part::Whole),
]);

const READ_KEYS: usize = 11;
const COMPLEXITY_PLACE: usize = 7;

/// What the work score reads.
static COMPLEXITY: Wanted = Wanted::new(&[
    ("time_solve_O", Part::Whole),
    ("time_solve_Omega", Part::Nothing),
    ("time_solve_Theta", Part::Nothing),
    ("time_verify_O", Part::Whole),
    ("time_verify_Omega", Part::Nothing),
    ("time_verify_Theta", Part::Nothing),
    ("space_solve_O", Part::Nothing),
    ("space_solve_Omega", Part::Nothing),
    ("space_solve_Theta", Part::Nothing),
    ("space_verify_O", Part::Nothing),
    ("space_verify_Omega", Part::Nothing),
    ("space_verify_Theta", Part::Nothing),
    ("problem_class", Part::Whole),
    ("problem_size", Part::Whole),
    ("solution_size", Part::Nothing),
    ("epsilon_approximation", Part::Whole),
    ("asymmetry_time", Part::Whole),
    ("asymmetry_space", Part::Whole),
    ("measured_solve_time", Part::Whole),
    ("measured_verify_time", Part::Whole),
    ("measured_solve_space", Part::Whole),
    ("measured_verify_space", Part::Whole),
    ("energy_metrics", Part::Inside(&ENERGY)),
    ("problem", Part::Nothing),
    ("solution_quality", Part::Nothing),
]);

static ENERGY: Wanted = Wanted::new(&[
    ("solve_energy_joules", Part::Whole),
    ("verify_energy_joules", Part::Nothing),
    ("solve_power_watts", Part::Nothing),
    ("verify_power_watts", Part::Nothing),
    ("solve_time_seconds", Part::Nothing),
    ("verify_time_seconds", Part::Nothing),
    ("cpu_utilization", Part::Nothing),
    ("memory_utilization", Part::Nothing),
    ("gpu_utilization", Part::Nothing),
]);

/// A block as an immutable value: of its content what the rules read.
#[derive(Debug)]
pub struct Block<'a> {
    dict: Dict<'a>,
    /// Where in `dict` each key of [`READ`] is; `None` if a required field is missing.
    places: Option<[usize; READ_KEYS]>,
    bytes: usize,
    out_of_domain: Option<String>,
    /// The hash of its content, where the text it was read from is as it is hashed.
    hash_of_text: Option<Result<[u8; 32], Exception>>,
}

impl<'a> Block<'a> {
    /// Parses a block's JSON text, borrowing from it. `text` is generalised UTF-8.
    ///
    /// A text that is too large or nested beyond [`json::MAX_TEXT_LEVELS`] is not read to its end: it is out of the
    /// domain.
    ///
    /// # Errors
    /// [`JsonError`] if it is no JSON object: such a text never reaches an engine.
    pub fn parse(text: &'a [u8]) -> Result<Self, JsonError> {
        if text.len() > MAX_BYTES {
            return Ok(Self::unread(format!("block of {} bytes; the domain ends at {MAX_BYTES}", text.len())));
        }
        match usual::read(text) {
            Some(usual) => Ok(Self::usual(usual, text.len())),
            None => Self::parse_any(text),
        }
    }

    /// Any block but one that is too large.
    fn parse_any(text: &'a [u8]) -> Result<Self, JsonError> {
        match json::parse_wanted(text, MAX_LEVELS, Some(&READ)) {
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
    /// canonical JSON. `dict` needs to hold only what is [`READ`], which takes about `bytes` bytes.
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

    fn usual(usual: Usual<'a>, bytes: usize) -> Self {
        let complexity = usual.dict.value_at(COMPLEXITY_PLACE);
        let hash = tier_bounds(&Value::Str(usual.mining_capacity.into()))
            .ok_or(Exception::Value)
            .map(|_| sha256(&usual.hashed));
        Self {
            out_of_domain: complexity.is_some_and(explodes).then(|| EXPLODES.to_owned()),
            dict: usual.dict,
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

    /// Work score on Python 3.`minor` as it is reported: `None` where there is none.
    #[must_use]
    pub fn reported_work(&self, minor: u8) -> Option<f64> {
        let complexity = self.fields()?.complexity;
        complexity.truthy().then(|| work(complexity, minor).ok()).flatten()
    }
}

/// Where in a block the keys of [`READ`] are; `None` if a required field is missing.
fn places(dict: &Dict<'_>) -> Option<[usize; READ_KEYS]> {
    let mut places = [0; READ_KEYS];
    let mut likely = 0;
    for (place, key) in places.iter_mut().zip(READ.names()) {
        *place = dict.position(key.as_bytes(), likely)?;
        likely = *place + 1;
    }
    Some(places)
}

/// Whether a power or a factorial of the complexity may take long to compute.
fn is_explosion(complexity: &Value<'_>) -> bool {
    let Value::Dict(complexity) = complexity else { return false };
    let large = match complexity.get(b"problem_size") {
        Some(Value::Int(size)) => *size > LONG_EXPLOSION,
        Some(size) => size.as_num().is_some_and(|size| size.greater(&Num::Int(LONG_EXPLOSION))),
        None => false,
    };
    let explosive = |key: &[u8]| complexity.get(key).is_some_and(is_explosive);
    large && (explosive(b"time_solve_O") || explosive(b"time_verify_O"))
}

const EXPLODES: &str = "problem_size beyond 4096 under 2^n, n! or n^n";

/// Whether a complexity lies outside the domain: a power or a factorial of it would never be computed.
fn explodes(complexity: &Value<'_>) -> bool {
    let Value::Dict(complexity) = complexity else { return false };
    let explosive = |key: &[u8]| complexity.get(key).is_some_and(is_explosive);
    let bound = |size: &Value<'_>, limit: i64| size.at_most(&Value::Int(limit)).unwrap_or(false);
    let small = match complexity.get(b"problem_size") {
        Some(Value::Int(size)) => size.unsigned_abs() <= MAX_EXPLOSIVE_SIZE.unsigned_abs(),
        size => size.and_then(Value::as_num).is_none_or(|size| {
            let size = Value::from(size);
            bound(&size, MAX_EXPLOSIVE_SIZE) && Value::Int(-MAX_EXPLOSIVE_SIZE).at_most(&size).unwrap_or(false)
        }),
    };
    !small && (explosive(b"time_solve_O") || explosive(b"time_verify_O"))
}

/// Why a block leaves the domain by its content.
fn leaves_domain(dict: &Dict<'_>, places: Option<&[usize; READ_KEYS]>) -> Option<&'static str> {
    let [hash, previous_hash, complexity] = match places {
        Some([_, _, previous_hash, .., complexity, _, _, hash]) => {
            [hash, previous_hash, complexity].map(|at| dict.value_at(*at))
        }
        None => [b"block_hash".as_slice(), b"previous_hash", b"complexity"].map(|key| dict.get(key)),
    };
    if complexity.is_some_and(explodes) {
        return Some(EXPLODES);
    }
    let foreign = |key: Option<&Value<'_>>| match key {
        Some(Value::Float(value)) => value.is_nan() && value.to_bits() != f64::NAN.to_bits(),
        _ => false,
    };
    (foreign(hash) || foreign(previous_hash)).then_some("a NaN that json.loads did not make, as a key")
}

/// Bounds of the problem size of a tier.
#[must_use]
pub fn tier_bounds(mining_capacity: &Value<'_>) -> Option<(i64, i64)> {
    let Value::Str(name) = mining_capacity else { return None };
    match name.as_ref() {
        b"mobile" => Some((8, 12)),
        b"desktop" => Some((12, 16)),
        b"workstation" => Some((16, 20)),
        b"server" => Some((20, 24)),
        b"cluster" => Some((24, 32)),
        _ => None,
    }
}

/// Each hashed field with what is written before its value, in the order of the fields' code points.
const HASHED: [(&str, &str); 8] = [
    ("cumulative_work_score", "{\"cumulative_work_score\": "),
    ("index", ", \"index\": "),
    ("merkle_root", ", \"merkle_root\": "),
    ("mining_capacity", ", \"mining_capacity\": "),
    ("previous_hash", ", \"previous_hash\": "),
    ("problem", ", \"problem\": "),
    ("solution", ", \"solution\": "),
    ("timestamp", ", \"timestamp\": "),
];

/// SHA-256 of the canonical JSON of the hashed fields of a block.
///
/// # Errors
/// [`Exception::Key`] if one is missing, [`Exception::Value`] if the mining capacity is no tier.
pub fn header_hash(block: &Dict<'_>) -> Result<[u8; 32], Exception> {
    let mut values = [&Value::Null; HASHED.len()];
    for (value, (key, _)) in values.iter_mut().zip(HASHED) {
        *value = block.read(key)?;
    }
    hash_of_values(block.read("mining_capacity")?, values)
}

/// The same of fields that have been found; `values` are those of [`HASHED`].
fn hash_of_values(capacity: &Value<'_>, values: [&Value<'_>; HASHED.len()]) -> Result<[u8; 32], Exception> {
    tier_bounds(capacity).ok_or(Exception::Value)?;
    let mut text = Vec::with_capacity(1024);
    for (value, (_, before)) in values.into_iter().zip(HASHED) {
        text.extend_from_slice(before.as_bytes());
        write_sorted(value, &mut text);
    }
    text.push(b'}');
    Ok(Sha256::digest(&text).into())
}

/// SHA-256 of bytes.
#[must_use]
pub fn sha256(data: &[u8]) -> [u8; 32] {
    Sha256::digest(data).into()
}

/// Hash of a network's genesis: a constant, not the hash of its content.
#[must_use]
pub fn genesis_hash(network_id: &str, timestamp: f64, seed: &str) -> [u8; 32] {
    let mut text = network_id.as_bytes().to_vec();
    text.push(b'_');
    write_float(timestamp, &mut text);
    text.extend_from_slice(format!("_{seed}_SM").as_bytes());
    Sha256::digest(&text).into()
}

#[cfg(test)]
mod tests;

//! One block: parsed once, with its place in the parity domain, its hash and its work score.

use std::sync::OnceLock;

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
    computed_hash: OnceLock<Result<[u8; 32], Exception>>,
    work: OnceLock<(u8, Result<f64, Exception>)>,
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
        let out_of_domain = leaves_domain(&dict).map(str::to_owned);
        let places = places(&dict);
        Self { dict, places, bytes, out_of_domain, computed_hash: OnceLock::new(), work: OnceLock::new() }
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
            computed_hash: OnceLock::from(hash),
            work: OnceLock::new(),
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
        let compute = || self.fields().ok_or(Exception::Type).and_then(|fields| fields.hash());
        *self.computed_hash.get_or_init(compute)
    }

    /// Work score on Python 3.`minor`.
    ///
    /// # Errors
    /// The exception that computing it raises.
    pub fn work(&self, minor: u8) -> Result<f64, Exception> {
        let compute = || self.fields().ok_or(Exception::Type).and_then(|fields| work(fields.complexity, minor));
        match self.work.get_or_init(|| (minor, compute())) {
            (known, result) if *known == minor => *result,
            _ => compute(),
        }
    }

    /// Work score as it is reported: `None` where there is none.
    #[must_use]
    pub fn reported_work(&self, minor: u8) -> Option<f64> {
        self.fields()?.complexity.truthy().then(|| self.work(minor).ok()).flatten()
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
fn leaves_domain(dict: &Dict<'_>) -> Option<&'static str> {
    if dict.get(b"complexity").is_some_and(explodes) {
        return Some(EXPLODES);
    }
    let foreign = |key: &[u8]| match dict.get(key) {
        Some(Value::Float(value)) => value.is_nan() && value.to_bits() != f64::NAN.to_bits(),
        _ => false,
    };
    (foreign(b"block_hash") || foreign(b"previous_hash")).then_some("a NaN that json.loads did not make, as a key")
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
mod tests {
    use super::*;
    use crate::key::hex;

    #[test]
    fn the_genesis_hash_is_a_constant_of_the_network() {
        assert_eq!(
            hex(&genesis_hash("coinjecture-testnet-v1", 1_609_459_200.0, "coinjecture_genesis_seed")),
            "47202a3f92c270df8c5a12e57ca949a7d73b15cec28141c36043dc28f14ac88b"
        );
    }

    const USUAL: &str = r#"{"index": 1, "timestamp": 1700000001.5, "previous_hash": "00ff", "transactions": [{"id": "tx",
"payload": {"from": "a \\u00fcser", "amount": 4}}], "merkle_root": "ab", "problem": {"numbers": [59540, 3, 70], "target": 73,
"size": 3, "type": "subset_sum"}, "solution": [3, 70], "complexity": {"time_solve_O": "O(2^n)",
"time_solve_Omega": "x", "time_solve_Theta": null, "time_verify_O": "O(n)", "time_verify_Omega": "x",
"time_verify_Theta": "x", "space_solve_O": "x", "space_solve_Omega": "x", "space_solve_Theta": null,
"space_verify_O": "x", "space_verify_Omega": "x", "space_verify_Theta": "x", "problem_class": "NP-Complete",
"problem_size": 3, "solution_size": 2, "epsilon_approximation": null, "asymmetry_time": 630.1538461538462,
"asymmetry_space": 1.5, "measured_solve_time": 0.146285972, "measured_verify_time": 1.87e-06,
"measured_solve_space": 1939416, "measured_verify_space": 120, "energy_metrics": {"solve_energy_joules": 14.5,
"verify_energy_joules": 1.87e-06, "solve_power_watts": 100, "verify_power_watts": 1, "solve_time_seconds": 0.1,
"verify_time_seconds": 1e-06, "cpu_utilization": 80.0, "memory_utilization": 50.0, "gpu_utilization": 0.0},
"problem": {"numbers": [59540, 3, 70], "target": 73, "size": 3, "type": "subset_sum"}, "solution_quality": 1.0},
"mining_capacity": "desktop", "cumulative_work_score": 1994434516.0788743, "offchain_cid": null,
"proof_commitment": "51", "block_hash": "9a"}"#;

    fn usual() -> String {
        USUAL.replace('\n', " ")
    }

    /// Whether a text is read as a usual block. Then it has to be the block that any text would give.
    fn is_usual(text: &[u8]) -> bool {
        let Some(usual) = usual::read(text) else { return false };
        let quick = Block::usual(usual, text.len());
        let told = |block: &Block<'_>| {
            let (hash, work, out) = (block.computed_hash(), block.work(11).map(f64::to_bits), block.out_of_domain());
            format!("{:?} {:?} {} {hash:?} {work:?} {out:?}", block.dict, block.places, block.bytes)
        };
        let text = String::from_utf8_lossy(text);
        assert_eq!(Block::parse_any(text.as_bytes()).map(|block| told(&block)), Ok(told(&quick)), "{text}");
        true
    }

    #[test]
    fn the_usual_text_gives_the_block_that_any_text_gives() {
        let text = usual();
        assert!(is_usual(text.as_bytes()));
        let mut odd = 0;
        for at in 0..text.len() {
            let (before, behind) = text.as_bytes().split_at(at);
            let (byte, behind) = behind.split_at(1);
            assert!(!is_usual(before));
            for other in *b"0 9-.eE+\"\\,:[]{}nx\x1f\x7f" {
                odd += usize::from(!is_usual(&[before, &[other], behind].concat()));
                odd += usize::from(!is_usual(&[before, &[other], byte, behind].concat()));
            }
            is_usual(&[before, behind].concat());
        }
        assert!(odd > text.len());
    }

    #[test]
    fn numbers_of_a_usual_text_are_those_of_any_text() {
        let text = usual();
        let fields = [
            "index",
            "timestamp",
            "cumulative_work_score",
            "target",
            "size",
            "problem_size",
            "asymmetry_time",
            "numbers\": [",
            "measured_verify_time",
            "solve_energy_joules",
            "gpu_utilization",
            "solution\": [",
            "solution_quality",
        ];
        let mut quick = 0;
        for field in fields {
            let key = if field.ends_with('[') { format!("\"{field}") } else { format!("\"{field}\": ") };
            let Some(start) = text.find(&key).map(|at| at + key.len()) else { continue };
            let end = text[start..].find([',', '}', ']']).map_or(start, |length| start + length);
            for literal in [
                "0",
                "7",
                "00",
                "01",
                "-0",
                "-1",
                "12345678",
                "123456789",
                "999999999999999999",
                "1000000000000000000",
                "12345678901234567890",
                "0.0",
                "-0.0",
                "0.1",
                "1.",
                "1.0",
                "100.0",
                "1.50",
                "0.30000000000000004",
                "1e5",
                "1e",
                "1e+",
                "1.5e",
                "1.5e3",
                "1.5E-3",
                "1.5e+30",
                "1e400",
                "1.5e400",
                "5e-324",
                "4.9e-324",
                "0.00001",
                "0.0001",
                "123456789012345678.0",
                "9007199254740993.0",
                "9007199254740992.5",
                "999999999999999.9",
                "0.1234567890123456789",
                "12345678.90123456",
                "1.0000000000000000000000000001",
                "9007199254740991.0",
                "NaN",
                "Infinity",
                "null",
                "true",
                "\"1\"",
                "[1]",
                "[[[]]]",
                "{}",
                "",
                "4096",
                "4097",
                "2.2250738585072011e-308",
                "8.5070591730234616e37",
            ] {
                let changed = [&text[..start], literal, &text[end..]].concat();
                quick += usize::from(is_usual(changed.as_bytes()));
            }
        }
        assert!(quick > 200, "{quick}");
    }

    #[test]
    fn what_is_out_of_the_ordinary_is_no_usual_text() {
        let text = usual();
        let with = |old: &str, new: &str| text.replacen(old, new, 1);
        let deep = format!("{}{}", "[".repeat(63), "]".repeat(63));
        assert!(is_usual(with("\"x\"", &deep[1..125]).as_bytes()));
        for changed in [
            with("\"x\"", &deep),
            with("\"index\": 1", "\"index\":1"),
            with("\"index\": 1", "\"index\": 1, \"index\": 1"),
            with("\"00ff\"", "\"\\u0030\""),
            with("\"00ff\"", "\"\u{e9}\""),
            with("\"00ff\"", "null"),
            with("[3, 70]", "[]"),
            with("[3, 70]", "[3,70]"),
            format!("{text} "),
            format!("{text}x"),
            format!(" {text}"),
            format!("\u{feff}{text}"),
        ] {
            assert!(!is_usual(changed.as_bytes()), "{changed}");
        }
        for length in [1, 31, 32, 33, 64, 65] {
            let list = (1..=length).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
            assert!(is_usual(with("[59540, 3, 70]", &format!("[{list}]")).as_bytes()), "{length}");
        }
        assert!(is_usual(with("\"desktop\"", "\"none\"").as_bytes()));
    }

    #[test]
    fn the_domain_ends_where_the_rules_page_says() {
        let why = |text: &str| Block::parse(text.as_bytes()).map(|block| block.out_of_domain().is_some());
        for (size, form, outside) in [
            ("4096", "O(2^n)", false),
            ("4097", "O(2^n)", true),
            ("-4097", "Theta( n! )", true),
            ("NaN", "n^n", true),
            ("4096.5", "n^n", true),
            ("1e9", "n^3", false),
            ("\"x\"", "2^n", false),
        ] {
            let text = format!(r#"{{"complexity": {{"problem_size": {size}, "time_verify_O": "{form}"}}}}"#);
            assert_eq!(why(&text), Ok(outside), "{text}");
        }
        let padded = |length: usize| format!("{{{}}}", " ".repeat(length - 2));
        assert_eq!(why(&padded(MAX_BYTES)), Ok(false));
        assert_eq!(why(&padded(MAX_BYTES + 1)), Ok(true));
        let nested = |levels: usize| format!("{{\"x\": {}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        assert_eq!(why(&nested(64)), Ok(false));
        assert_eq!(why(&nested(65)), Ok(true));
        assert!(why("[]").is_err());
    }
}

//! The fast path: the text that the reference node's miner writes, read straight on, key by key.
//!
//! Where a text differs from it in anything (another order, a key more or less, other white space, an escape, a
//! number of another kind) the reader gives up, and the [parser](crate::json::parser) reads the text from its beginning.
//! So what is read here has each key once and is written as `json.dumps` writes it, and of most fields the text itself is
//! what is hashed.

use std::borrow::Cow;

use crate::json::lexer::{Lexer, Number};
use crate::json::limits::MAX_LEVELS;
use crate::json::writer::write_sorted;
use crate::python::text::Text;
use crate::python::value::{Dict, Value};

/// A block as the miner writes it.
pub struct FastRead<'a> {
    /// What [`BLOCK`](super::schema::BLOCK) names, in that order.
    pub dict: Dict<'a>,
    /// The tier's name.
    pub mining_capacity: &'a [u8],
    /// The canonical JSON of the hashed fields.
    pub hashed: Vec<u8>,
}

/// Members of a list that are read in one go.
const MEMBERS: usize = 32;

/// Room for the text that is hashed.
const HASHED_BYTES: usize = 1024;

/// Steps over the key that comes next, with what stands around it.
macro_rules! key {
    ($at:ident, $key:literal) => {
        $at.word(concat!(", \"", $key, "\": "))?
    };
}

/// Steps over keys, each with a value that no rule reads and so many levels around it.
macro_rules! step_over {
    ($at:ident, $level:literal, $($key:literal),+) => {
        $( key!($at, $key); $at.unread($level)?; )+
    };
}

/// Reads a block as the miner writes it; `None` if it is another one, or no block.
///
/// Values are put together at the end: one that is handed on right after it was made has to be waited for.
pub fn read(text: &[u8]) -> Option<FastRead<'_>> {
    let mut at = Reader { lexer: Lexer::new(text) };
    at.word("{\"index\": ")?;
    let index = at.integer()?;
    key!(at, "timestamp");
    let timestamp = at.number()?;
    key!(at, "previous_hash");
    let previous_hash = at.text()?;
    step_over!(at, 1, "transactions");
    key!(at, "merkle_root");
    let merkle_root = at.text()?;
    key!(at, "problem");
    let (problem, problem_text) = at.problem()?;
    key!(at, "solution");
    let (solution, solution_text) = at.list()?;
    key!(at, "complexity");
    let complexity = at.complexity(problem_text)?;
    key!(at, "mining_capacity");
    let mining_capacity = at.text()?;
    key!(at, "cumulative_work_score");
    let cumulative = at.number()?;
    step_over!(at, 1, "offchain_cid", "proof_commitment");
    key!(at, "block_hash");
    let block_hash = at.text()?;
    if at.lexer.rest() != b"}" {
        return None;
    }

    let mut hashed = Vec::with_capacity(HASHED_BYTES);
    hashed.extend_from_slice(b"{\"cumulative_work_score\": ");
    write_sorted(&cumulative.value(), &mut hashed);
    for piece in [
        b", \"index\": ".as_slice(),
        index.text,
        b", \"merkle_root\": \"",
        merkle_root,
        b"\", \"mining_capacity\": \"",
        mining_capacity,
        b"\", \"previous_hash\": \"",
        previous_hash,
        b"\", \"problem\": {\"numbers\": ",
        problem.numbers.1,
        b", \"size\": ",
        problem.size.text,
        b", \"target\": ",
        problem.target.text,
        b", \"type\": \"",
        problem.kind,
        b"\"}, \"solution\": ",
        solution_text,
        b", \"timestamp\": ",
    ] {
        hashed.extend_from_slice(piece);
    }
    write_sorted(&timestamp.value(), &mut hashed);
    hashed.push(b'}');

    let problem = Dict::of_distinct([
        entry("numbers", Value::Ints(problem.numbers.0)),
        entry("target", Value::Int(problem.target.value)),
        entry("size", Value::Int(problem.size.value)),
        entry("type", string(problem.kind)),
    ]);
    let dict = Dict::of_distinct([
        entry("index", Value::Int(index.value)),
        entry("timestamp", timestamp.value()),
        entry("previous_hash", string(previous_hash)),
        entry("transactions", Value::Null),
        entry("merkle_root", string(merkle_root)),
        entry("problem", Value::Dict(problem)),
        entry("solution", Value::Ints(solution)),
        entry("complexity", Value::Dict(complexity)),
        entry("mining_capacity", string(mining_capacity)),
        entry("cumulative_work_score", cumulative.value()),
        entry("block_hash", string(block_hash)),
    ]);
    Some(FastRead { dict, mining_capacity, hashed })
}

#[inline(always)]
fn entry<'a>(key: &'static str, value: Value<'a>) -> (Text<'a>, Value<'a>) {
    (Cow::Borrowed(key.as_bytes()), value)
}

#[inline(always)]
fn string(text: &[u8]) -> Value<'_> {
    Value::Str(Cow::Borrowed(text))
}

/// A whole number and its text.
struct Integer<'a> {
    value: i64,
    text: &'a [u8],
}

/// A list and its text.
type List<'a> = (Vec<i64>, &'a [u8]);

/// A subset sum.
struct Problem<'a> {
    numbers: List<'a>,
    target: Integer<'a>,
    size: Integer<'a>,
    kind: &'a [u8],
}

struct Reader<'a> {
    lexer: Lexer<'a>,
}

impl<'a> Reader<'a> {
    /// Steps over a word if it comes next. The compiler knows it and makes a few comparisons of it.
    #[inline(always)]
    fn word(&mut self, word: &'static str) -> Option<()> {
        self.lexer.word(word.as_bytes()).then_some(())
    }

    /// A whole number of few digits.
    #[inline(always)]
    fn integer(&mut self) -> Option<Integer<'a>> {
        let before = self.lexer.rest();
        let value = self.lexer.few_digits()?;
        Some(Integer { value, text: self.lexer.since(before) })
    }

    /// Any usual number.
    #[inline(always)]
    fn number(&mut self) -> Option<Number> {
        self.lexer.usual_number()
    }

    /// What a text of printable ASCII without escapes has between its quotes.
    #[inline(always)]
    fn text(&mut self) -> Option<&'a [u8]> {
        self.lexer.usual_text()
    }

    /// A list of whole numbers of few digits.
    fn list(&mut self) -> Option<List<'a>> {
        let before = self.lexer.rest();
        let mut members = Vec::new();
        let mut some = [0; MEMBERS];
        self.word("[")?;
        loop {
            let mut count = 0;
            let mut more = true;
            for member in &mut some {
                *member = self.lexer.few_digits()?;
                count += 1;
                more = self.word(", ").is_some();
                if !more {
                    self.word("]")?;
                    break;
                }
            }
            members.extend(some.iter().take(count));
            if !more {
                return Some((members, self.lexer.since(before)));
            }
        }
    }

    /// A value that no rule reads, with so many levels around it.
    #[inline]
    fn unread(&mut self, level: usize) -> Option<()> {
        match self.lexer.peek()? {
            b'"' => self.lexer.skip_usual_text(),
            b'0'..=b'9' => self.lexer.skip_usual_number(),
            _ => (self.lexer.skip_value(level).ok()? <= MAX_LEVELS).then_some(()),
        }
    }

    /// A subset sum and its text.
    fn problem(&mut self) -> Option<(Problem<'a>, &'a [u8])> {
        let before = self.lexer.rest();
        self.word("{\"numbers\": ")?;
        let numbers = self.list()?;
        key!(self, "target");
        let target = self.integer()?;
        key!(self, "size");
        let size = self.integer()?;
        key!(self, "type");
        let kind = self.text()?;
        self.word("}")?;
        Some((Problem { numbers, target, size, kind }, self.lexer.since(before)))
    }

    /// What the work score reads of a complexity. Its `problem` is most often the block's own.
    fn complexity(&mut self, problem: &[u8]) -> Option<Dict<'a>> {
        self.word("{\"time_solve_O\": ")?;
        let time_solve = self.text()?;
        step_over!(self, 2, "time_solve_Omega", "time_solve_Theta");
        key!(self, "time_verify_O");
        let time_verify = self.text()?;
        step_over!(self, 2, "time_verify_Omega", "time_verify_Theta");
        step_over!(self, 2, "space_solve_O", "space_solve_Omega", "space_solve_Theta");
        step_over!(self, 2, "space_verify_O", "space_verify_Omega", "space_verify_Theta");
        key!(self, "problem_class");
        let class = self.text()?;
        key!(self, "problem_size");
        let size = self.number()?;
        step_over!(self, 2, "solution_size");
        self.word(", \"epsilon_approximation\": null")?;
        key!(self, "asymmetry_time");
        let asymmetry_time = self.number()?;
        key!(self, "asymmetry_space");
        let asymmetry_space = self.number()?;
        key!(self, "measured_solve_time");
        let solve_time = self.number()?;
        key!(self, "measured_verify_time");
        let verify_time = self.number()?;
        key!(self, "measured_solve_space");
        let solve_space = self.number()?;
        key!(self, "measured_verify_space");
        let verify_space = self.number()?;
        key!(self, "energy_metrics");
        let joules = self.joules()?;
        key!(self, "problem");
        match self.lexer.rest().strip_prefix(problem) {
            Some(behind) => self.lexer.back_to(behind),
            None => self.unread(2)?,
        }
        step_over!(self, 2, "solution_quality");
        self.word("}")?;
        Some(Dict::of_distinct([
            entry("time_solve_O", string(time_solve)),
            entry("time_verify_O", string(time_verify)),
            entry("problem_class", string(class)),
            entry("problem_size", size.value()),
            entry("epsilon_approximation", Value::Null),
            entry("asymmetry_time", asymmetry_time.value()),
            entry("asymmetry_space", asymmetry_space.value()),
            entry("measured_solve_time", solve_time.value()),
            entry("measured_verify_time", verify_time.value()),
            entry("measured_solve_space", solve_space.value()),
            entry("measured_verify_space", verify_space.value()),
            entry("energy_metrics", Value::Dict(Dict::of_distinct([entry("solve_energy_joules", joules.value())]))),
        ]))
    }

    /// What the work score reads of the energy metrics.
    fn joules(&mut self) -> Option<Number> {
        self.word("{\"solve_energy_joules\": ")?;
        let joules = self.number()?;
        step_over!(self, 3, "verify_energy_joules", "solve_power_watts", "verify_power_watts");
        step_over!(self, 3, "solve_time_seconds", "verify_time_seconds");
        step_over!(self, 3, "cpu_utilization", "memory_utilization", "gpu_utilization");
        self.word("}")?;
        Some(joules)
    }
}

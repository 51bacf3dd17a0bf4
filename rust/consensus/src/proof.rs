//! The subset sum: the chosen values are among the numbers, each once, and add up to the target.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher, RandomState};

use crate::budget::Budget;
use crate::error::{Exception, Halt};
use crate::number::Num;
use crate::parts::Parts;
use crate::text::decode;
use crate::value::{Dict, Value};
use crate::wrong::{self, Wrong};

/// Up to this many comparisons scanning beats hashing.
const SCANNED: usize = 1024;

/// Numbers, and chosen values, that are compared with one another without hashing.
const FEW: usize = 32;

/// Whether `solution` solves `problem` (rule 8), with the `sum` of Python 3.`minor`.
///
/// # Errors
/// [`Halt::Raised`] where Python raises, [`Halt::Failed`] when the budget is used up.
pub fn solves(problem: &Value<'_>, solution: &Value<'_>, minor: u8, budget: &mut Budget) -> Result<bool, Halt> {
    let problem = problem.dict()?;
    match problem.get(b"type") {
        None => {}
        Some(Value::Str(name)) if name.as_ref() == b"subset_sum" => {}
        Some(_) => return Err(Exception::Value.into()),
    }
    if let Some(solved) = solved_in_small(problem, solution, budget)? {
        return Ok(solved);
    }
    let chosen = elements(solution)?;
    budget.spend_elements(chosen.len())?;
    Ok(all_among(problem, &chosen, budget)?
        && all_different(&chosen)?
        && adds_up(&chosen, problem.get(b"target"), if wrong::is(Wrong::Compensated) { 12 } else { minor })?)
}

/// The usual case, to spare the general way: a few integers of 64 bits and a target and a sum of the same kind. `None`
/// for any other.
fn solved_in_small(problem: &Dict<'_>, solution: &Value<'_>, budget: &mut Budget) -> Result<Option<bool>, Halt> {
    let (Some(Value::Ints(numbers)), Some(Value::Int(target)), Value::Ints(chosen)) =
        (problem.get(b"numbers"), problem.get(b"target"), solution)
    else {
        return Ok(None);
    };
    if numbers.len() > FEW || chosen.len() > FEW {
        return Ok(None);
    }
    let Some(sum) = chosen.iter().try_fold(0_i64, |sum, x| sum.checked_add(*x)) else { return Ok(None) };
    // Every comparison is made: where an early end cannot be foreseen it costs more than it spares.
    let among = |list: &[i64], x: i64| list.iter().fold(false, |found, number| found | (*number == x));
    let mut solved = sum == *target;
    for (position, x) in chosen.iter().enumerate() {
        let earlier = chosen.get(..position).unwrap_or_default();
        solved &= among(numbers, *x) & !among(earlier, *x);
    }
    budget.spend_elements(chosen.len().saturating_add(numbers.len().saturating_mul(chosen.len())))?;
    Ok(Some(solved))
}

/// What iterating over a value gives.
fn elements<'v>(value: &'v Value<'_>) -> Result<Vec<std::borrow::Cow<'v, Value<'v>>>, Exception> {
    use std::borrow::Cow;
    let text = |text: &'v [u8]| Cow::Owned(Value::Str(Cow::Borrowed(text)));
    match value {
        Value::List(items) => Ok(items.iter().map(Cow::Borrowed).collect()),
        Value::Ints(items) => Ok(items.iter().map(|item| Cow::Owned(Value::Int(*item))).collect()),
        Value::Dict(dict) => Ok(dict.iter().map(|(key, _)| text(key)).collect()),
        Value::Str(chars) => Ok(characters(chars).map(text).collect()),
        _ => Err(Exception::Type),
    }
}

type Element<'v> = std::borrow::Cow<'v, Value<'v>>;

fn characters(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, length) = decode(rest)?;
        let (char, tail) = rest.split_at(length.min(rest.len()));
        rest = tail;
        Some(char)
    })
}

/// `all(x in problem.get("numbers", []) for x in solution)`: stops at the first one that is absent or raises.
fn all_among(problem: &Dict<'_>, chosen: &[Element<'_>], budget: &mut Budget) -> Result<bool, Halt> {
    match problem.get(b"numbers") {
        _ if chosen.is_empty() => Ok(true),
        None => Ok(false),
        Some(Value::Str(numbers)) => among_text(numbers, chosen, budget),
        Some(Value::Dict(numbers)) => among_keys(numbers, chosen, budget),
        Some(numbers) => among_list(&numbers.items().ok_or(Exception::Type)?, chosen, budget),
    }
}

fn among_list(numbers: &[Value<'_>], chosen: &[Element<'_>], budget: &mut Budget) -> Result<bool, Halt> {
    let comparisons = numbers.len().saturating_mul(chosen.len());
    if comparisons <= SCANNED && chosen.iter().all(|x| x.hashable()) {
        budget.spend_elements(comparisons)?;
        return Ok(chosen.iter().all(|x| numbers.iter().any(|number| number.same(x))));
    }
    let hasher = Hashing::default();
    let mut buckets: HashMap<u64, Vec<&Value<'_>>> = HashMap::with_capacity(numbers.len());
    for number in numbers {
        budget.spend(size_of_value(number))?;
        buckets.entry(hasher.hash(number)).or_default().push(number);
    }
    for x in chosen {
        budget.spend(size_of_value(x))?;
        let bucket = buckets.get(&hasher.hash(x));
        // Of values that are the same one stands for all.
        if !bucket.is_some_and(|bucket| bucket.iter().any(|number| number.same(x))) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// In a text, `in` asks for a part.
fn among_text(numbers: &[u8], chosen: &[Element<'_>], budget: &mut Budget) -> Result<bool, Halt> {
    let texts = || {
        chosen.iter().map_while(|x| match x.as_ref() {
            Value::Str(text) => Some(text.as_ref()),
            _ => None,
        })
    };
    budget.spend_elements(texts().map(<[u8]>::len).sum::<usize>().saturating_add(numbers.len()))?;
    let parts = Parts::find(texts(), numbers);
    for x in chosen {
        let Value::Str(text) = x.as_ref() else { return Err(Exception::Type.into()) };
        if !parts.has(text) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn among_keys(numbers: &Dict<'_>, chosen: &[Element<'_>], budget: &mut Budget) -> Result<bool, Halt> {
    budget.spend_elements(numbers.len())?;
    let keys: HashSet<&[u8]> = numbers.iter().map(|(key, _)| key.as_ref()).collect();
    for x in chosen {
        if !x.hashable() {
            return Err(Exception::Type.into());
        }
        if !matches!(x.as_ref(), Value::Str(key) if keys.contains(key.as_ref())) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `len(solution) == len(set(solution))`
fn all_different(chosen: &[Element<'_>]) -> Result<bool, Exception> {
    if !chosen.iter().all(|x| x.hashable()) {
        return Err(Exception::Type);
    }
    if chosen.len().saturating_mul(chosen.len()) <= SCANNED {
        let repeated = |(position, x): (usize, &Element<'_>)| chosen.iter().take(position).any(|y| y.same(x));
        return Ok(!chosen.iter().enumerate().any(repeated));
    }
    let hasher = Hashing::default();
    let mut buckets: HashMap<u64, Vec<&Value<'_>>> = HashMap::with_capacity(chosen.len());
    for x in chosen {
        let bucket = buckets.entry(hasher.hash(x)).or_default();
        if bucket.iter().any(|y| y.same(x)) {
            return Ok(false);
        }
        bucket.push(x);
    }
    Ok(true)
}

/// `sum(solution) == problem.get("target", 0)`
fn adds_up(chosen: &[Element<'_>], target: Option<&Value<'_>>, minor: u8) -> Result<bool, Exception> {
    let sum = sum(chosen.iter().map(AsRef::as_ref), minor)?;
    let target = target.map_or(Some(Num::Int(0)), Value::as_num);
    Ok(target.is_some_and(|target| sum.compare(&target) == Some(Ordering::Equal)))
}

/// Hashes values with a key that nobody outside knows, so nobody can make them collide.
#[derive(Default)]
struct Hashing(RandomState);

impl Hashing {
    fn hash(&self, value: &Value<'_>) -> u64 {
        let mut state = self.0.build_hasher();
        value.hash_same(&mut state);
        state.finish()
    }
}

/// Steps that hashing a value takes.
fn size_of_value(value: &Value<'_>) -> u64 {
    match value {
        Value::List(items) => items.iter().map(size_of_value).sum::<u64>() + 1,
        Value::Ints(items) => items.iter().map(|item| size_of_value(&Value::Int(*item))).sum::<u64>() + 1,
        Value::Dict(dict) => dict.iter().map(|(_, value)| size_of_value(value) + 1).sum::<u64>() + 1,
        Value::Str(text) => u64::try_from(text.len()).unwrap_or(u64::MAX) / crate::budget::BYTES_PER_STEP + 1,
        _ => 1,
    }
}

/// Python's `sum(values)`, which has changed twice: 3.12 began to compensate the sums of doubles, 3.14 took the
/// integers among them in.
///
/// # Errors
/// [`Exception::Type`] for what is no number, [`Exception::Overflow`] for an integer that fits no double.
pub fn sum<'v, 'a: 'v>(values: impl Iterator<Item = &'v Value<'a>>, minor: u8) -> Result<Num, Exception> {
    let mut sum = Sum::Exact(Num::Int(0));
    for value in values {
        sum = sum.add(&value.num()?, minor)?;
    }
    Ok(sum.finished())
}

/// The states `CPython`'s `sum` goes through, never back.
enum Sum {
    /// Integers of at most 64 bits so far.
    Exact(Num),
    /// A running double with its compensation (zero where there is none).
    Doubles { total: f64, lost: f64 },
    /// Ordinary addition to the end: a big integer has been seen.
    General(Num),
}

impl Sum {
    fn add(self, item: &Num, minor: u8) -> Result<Self, Exception> {
        match self {
            Self::Exact(total) => Ok(match total.add(item)? {
                Num::Float(total) => Self::Doubles { total, lost: 0.0 },
                Num::Int(total) if !matches!(item, Num::Big(_)) => Self::Exact(Num::Int(total)),
                big => Self::General(big),
            }),
            Self::Doubles { total, lost } => match item {
                Num::Float(x) if minor >= 12 => Ok(compensated(total, lost, *x)),
                Num::Float(x) => Ok(Self::Doubles { total: total + x, lost }),
                int if minor >= 14 => Ok(compensated(total, lost, int.to_f64()?)),
                Num::Int(_) => Ok(Self::Doubles { total: total + item.to_f64()?, lost }),
                Num::Big(_) => Ok(Self::General(Self::Doubles { total, lost }.finished().add(item)?)),
            },
            Self::General(total) => total.add(item).map(Self::General),
        }
    }

    fn finished(self) -> Num {
        match self {
            Self::Exact(total) | Self::General(total) => total,
            Self::Doubles { total, lost } if lost != 0.0 && lost.is_finite() => Num::Float(total + lost),
            Self::Doubles { total, .. } => Num::Float(total),
        }
    }
}

/// One step of Neumaier's summation.
fn compensated(total: f64, lost: f64, x: f64) -> Sum {
    let next = total + x;
    let error = if total.abs() >= x.abs() { (total - next) + x } else { (x - next) + total };
    Sum::Doubles { total: next, lost: lost + error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::EngineError;
    use crate::json::{parse, MAX_LEVELS};

    fn check(problem: &str, solution: &str) -> Result<bool, Halt> {
        let problem = parse(problem.as_bytes(), MAX_LEVELS).unwrap_or_default();
        let solution = parse(solution.as_bytes(), MAX_LEVELS).unwrap_or_default();
        solves(&problem, &solution, 11, &mut Budget::new(100_000))
    }

    const TYPE_ERROR: Result<bool, Halt> = Err(Halt::Raised(Exception::Type));

    #[test]
    fn solutions_are_judged_as_python_judges_them() {
        for (problem, solution, expected) in [
            (r#"{"numbers": [1, 2, 3], "target": 3}"#, "[1, 2]", Ok(true)),
            (r#"{"numbers": [1, 2, 3], "target": 4}"#, "[1, 2]", Ok(false)),
            (r#"{"numbers": [1, 2, 3], "target": 2}"#, "[1, true]", Ok(false)),
            (r#"{"numbers": [1, 2, 3], "target": 1}"#, "[true]", Ok(true)),
            (r#"{"numbers": [true, 2], "target": 1}"#, "[1]", Ok(true)),
            (r#"{"numbers": [1.0, 2], "target": 3}"#, "[1, 2]", Ok(true)),
            (r#"{"numbers": [NaN], "target": NaN}"#, "[NaN]", Ok(false)),
            (r#"{"numbers": [NaN], "target": 0}"#, "[NaN, NaN]", Ok(false)),
            (r#"{"numbers": [-0.0], "target": -0.0}"#, "[0]", Ok(true)),
            (r#"{"numbers": [[1]], "target": 1}"#, "[[1]]", TYPE_ERROR),
            (r#"{"numbers": [[1]], "target": 1}"#, "[[2], {}]", Ok(false)),
            (r#"{"numbers": "abc", "target": 1}"#, r#"["bc"]"#, TYPE_ERROR),
            (r#"{"numbers": "abc", "target": 1}"#, r#"["cb", 1]"#, Ok(false)),
            (r#"{"numbers": "abc", "target": 1}"#, r#""aa""#, Ok(false)),
            (r#"{"numbers": {"a": 1}, "target": 1}"#, r#"["a", "b"]"#, Ok(false)),
            (r#"{"numbers": {"a": 1}, "target": 1}"#, r#"["a"]"#, TYPE_ERROR),
            (r#"{"numbers": {"b": 1}, "target": 1}"#, r#"{"a": 1}"#, Ok(false)),
            (r#"{"numbers": 5, "target": 1}"#, "[1]", TYPE_ERROR),
            (r#"{"numbers": 5, "target": 0}"#, "[]", Ok(true)),
            (r#"{"target": 1}"#, "[1]", Ok(false)),
            (r#"{"numbers": [1], "type": "other"}"#, "[1]", Err(Halt::Raised(Exception::Value))),
            ("[1]", "[1]", Err(Halt::Raised(Exception::Attribute))),
            (r#"{"numbers": [1], "target": 1}"#, "1", TYPE_ERROR),
        ] {
            assert_eq!(check(problem, solution), expected, "{problem} {solution}");
        }
    }

    #[test]
    fn lists_of_integers_are_judged_alike_however_they_are_kept() {
        let (most, more): (Vec<i64>, Vec<i64>) = ((1..=32).collect(), (1..=33).collect());
        for (numbers, target, chosen) in [
            (vec![1, 2, 3], 3, vec![1, 2]),
            (vec![1, 2, 3], 4, vec![1, 2]),
            (vec![1, 2, 3], 4, vec![2, 2]),
            (vec![2, 2, 3], 4, vec![2, 2]),
            (vec![2, 2, 3], 2, vec![2]),
            (vec![1, 2, 3], 4, vec![4]),
            (vec![1, -1, 3], 0, vec![-1, 1]),
            (vec![i64::MAX, 1], i64::MIN, vec![i64::MAX, 1]),
            (vec![i64::MAX, 1, -1], i64::MAX, vec![i64::MAX, 1, -1]),
            (vec![1], 0, vec![]),
            (vec![], 0, vec![]),
            (vec![], 0, vec![0]),
            (most.clone(), 528, most.clone()),
            (more.clone(), 561, more.clone()),
            (more, 33, vec![33]),
            (most, 33, vec![33]),
        ] {
            let list = |items: &[i64]| Value::List(items.iter().copied().map(Value::Int).collect());
            let judged = |numbers: Value<'static>, chosen: Value<'static>| {
                let problem = Dict::of_distinct([
                    (b"numbers".as_slice().into(), numbers),
                    (b"target".as_slice().into(), Value::Int(target)),
                ]);
                let mut budget = Budget::new(100_000);
                (solves(&Value::Dict(problem), &chosen, 11, &mut budget), budget.used())
            };
            let general = judged(list(&numbers), list(&chosen));
            assert!(general.0.is_ok());
            for (numbers, chosen) in [
                (Value::Ints(numbers.clone()), Value::Ints(chosen.clone())),
                (Value::Ints(numbers.clone()), list(&chosen)),
                (list(&numbers), Value::Ints(chosen.clone())),
            ] {
                let told = format!("{numbers:?} {target} {chosen:?}");
                assert_eq!(judged(numbers, chosen), general, "{told}");
            }
        }
    }

    #[test]
    fn long_lists_are_hashed_with_the_same_outcome() {
        let numbers: Vec<String> = (0..500).map(|n| n.to_string()).collect();
        let problem = |target: i64| format!(r#"{{"numbers": [{}], "target": {target}}}"#, numbers.join(", "));
        let solution = format!("[{}]", numbers.join(", "));
        assert_eq!(check(&problem(124_750), &solution), Ok(true));
        assert_eq!(check(&problem(124_751), &solution), Ok(false));
        assert_eq!(check(&problem(124_751), &solution.replace("[0", "[1.0")), Ok(false));
    }

    #[test]
    fn the_budget_ends_a_long_evaluation() {
        let numbers = vec!["7"; 200_000].join(",");
        let problem = format!(r#"{{"numbers": [{numbers}], "target": 7}}"#);
        assert_eq!(check(&problem, "[7]"), Err(EngineError::BudgetExceeded(100_000).into()));
    }

    /// Each element of a list is paid for, and a text by its length.
    #[test]
    fn what_is_hashed_is_paid_for_by_its_size() {
        let used = |element: &str, chosen: &str| {
            let numbers = vec![element; 2000].join(",");
            let problem = format!(r#"{{"numbers": [{numbers}], "target": 0}}"#);
            let problem = parse(problem.as_bytes(), MAX_LEVELS).unwrap_or_default();
            let solution = parse(chosen.as_bytes(), MAX_LEVELS).unwrap_or_default();
            let mut budget = Budget::new(1_000_000);
            assert_eq!(solves(&problem, &solution, 11, &mut budget), Ok(false));
            budget.used()
        };
        assert_eq!(used("1", "[7.5]"), 2002);
        assert_eq!(used("1", "[7]"), 2002); // hashed too: there is too much to scan
        assert_eq!(used("[1, 2]", "[7.5]"), 6002);
        assert_eq!(used(r#"{"a": 1, "b": [2]}"#, "[7.5]"), 2000 * 6 + 2);
        assert_eq!(used(r#""0123456789abcdef""#, "[7.5]"), 4002);
    }

    #[test]
    fn a_list_of_integers_is_paid_for_alike_however_it_is_kept() {
        for items in [vec![], vec![1, 2]] {
            let list = Value::List(items.iter().copied().map(Value::Int).collect());
            assert_eq!(size_of_value(&Value::Ints(items)), size_of_value(&list));
        }
    }

    #[test]
    fn doubles_are_summed_as_the_minor_does() {
        let sum_of = |text: &str, minor: u8| {
            let Value::List(items) = parse(text.as_bytes(), MAX_LEVELS).unwrap_or_default() else { return None };
            sum(items.iter(), minor).and_then(|sum| sum.to_f64()).ok()
        };
        let tenths = "[0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1]";
        assert_eq!(sum_of(tenths, 11), Some(0.999_999_999_999_999_9));
        assert_eq!(sum_of(tenths, 12), Some(1.0));
        assert_eq!(sum_of("[1e16, 1.0, 1.0, -1e16]", 11), Some(0.0));
        assert_eq!(sum_of("[1e16, 1.0, 1.0, -1e16]", 12), Some(2.0));
        assert_eq!(sum_of("[3.0, 1e16, -1e16]", 12), Some(3.0));
        assert_eq!(sum_of("[1e16, 1, 1, -1e16]", 13), Some(0.0));
        assert_eq!(sum_of("[1e16, 1, 1, -1e16]", 14), Some(2.0));
        // Once an integer beyond 64 bits has been seen nothing is compensated any more, even if the sum is small again.
        let big = "[1180591620717411303424, -1180591620717411303424, 1e16, 1.0, 1.0, -1e16]";
        assert_eq!(sum_of(big, 12), Some(0.0));
        let back = "[-1, 9223372036854775808, 0.0, 600.0, 600.0]";
        assert_eq!(sum_of(back, 12), Some(9_223_372_036_854_775_808.0));
        assert_eq!(sum_of("[1, 1e16, 1.0, 1.0, -1e16]", 12), Some(2.0));
        assert_eq!(sum_of("[1e308, 1e308]", 12), Some(f64::INFINITY));
    }
}

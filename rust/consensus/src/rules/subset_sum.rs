//! The subset sum: the chosen values are among the numbers, each once, and add up to the target.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher, RandomState};

use super::substrings::Substrings;
use crate::budget::Budget;
use crate::error::{Exception, Halt};
use crate::python::number::Num;
use crate::python::sum::sum;
use crate::python::text::decode;
use crate::python::value::{Dict, Value};

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
        && adds_up(&chosen, problem.get(b"target"), minor)?)
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
    let found = Substrings::find(texts(), numbers);
    for x in chosen {
        let Value::Str(text) = x.as_ref() else { return Err(Exception::Type.into()) };
        if !found.has(text) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::EngineError;
    use crate::json::limits::MAX_LEVELS;
    use crate::json::parser::parse;

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
}

//! Arithmetic of integers and doubles is CPython's, over every pair of the values in `numbers.tsv` (`python -m
//! fuzz.numbers` makes it).

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::cmp::Ordering;
use std::collections::HashMap;

use coinjecture_consensus::python::Num;
use coinjecture_consensus::Exception;
use num_bigint::BigInt;

const TABLE: &str = include_str!("numbers.tsv");

fn number(text: &str) -> Num {
    text.parse::<BigInt>().map_or_else(|_| Num::Float(text.parse().unwrap()), Num::from)
}

fn told(result: Result<Num, Exception>) -> String {
    match result {
        Ok(Num::Float(value)) if value.is_nan() => "nan".to_owned(),
        Ok(Num::Float(value)) => format!("{:016x}", value.to_bits()),
        Ok(int) => int.to_bigint().unwrap().to_string(),
        Err(Exception::ZeroDivision) => "ZeroDivisionError".to_owned(),
        Err(Exception::Overflow) => "OverflowError".to_owned(),
        Err(Exception::Value) => "ValueError".to_owned(),
        Err(other) => format!("{other:?}"),
    }
}

fn outcome(operation: &str, a: &Num, b: &Num) -> String {
    match operation {
        "float" => told(a.to_f64().map(Num::Float)),
        "log" => told(a.logarithm(f64::ln).map(Num::Float)),
        "add" => told(a.add(b)),
        "subtract" => told(a.subtract(b)),
        "divide" => told(a.divide(b).map(Num::Float)),
        "compare" => match a.compare(b) {
            None => "none",
            Some(Ordering::Less) => "<",
            Some(Ordering::Equal) => "=",
            Some(Ordering::Greater) => ">",
        }
        .to_owned(),
        other => panic!("no operation: {other}"),
    }
}

#[test]
fn every_pair_gives_what_cpython_gives() {
    let mut values = HashMap::new();
    let mut checked = 0;
    for line in TABLE.lines() {
        let fields: Vec<_> = line.split('\t').collect();
        if fields[0] == "value" {
            values.insert(fields[1], number(fields[2]));
            continue;
        }
        let (a, b) = (&values[fields[1]], &values[fields[2]]);
        assert_eq!(outcome(fields[0], a, b), fields[3], "{} of {a:?} and {b:?}", fields[0]);
        checked += 1;
    }
    assert_eq!(checked, 8556);
}

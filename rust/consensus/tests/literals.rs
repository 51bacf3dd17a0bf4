//! Long literals are read as CPython reads them: those of `literals.tsv` (`python -m fuzz.literals` makes it).

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use coinjecture_consensus::json::{parse, MAX_LEVELS};
use coinjecture_consensus::python::read_double;
use coinjecture_consensus::Value;

const TABLE: &str = include_str!("literals.tsv");

/// A literal out of its pieces.
fn literal(pieces: &str) -> String {
    let whole = |piece: &str| match piece.split_once('*') {
        Some((digit, count)) => digit.repeat(count.parse().unwrap()),
        None => piece.to_owned(),
    };
    pieces.split(' ').map(whole).collect()
}

#[test]
fn every_literal_is_the_double_that_cpython_reads() {
    let mut checked = 0;
    for line in TABLE.lines() {
        let (pieces, bits) = line.split_once('\t').unwrap();
        let text = literal(pieces);
        let expected = u64::from_str_radix(bits, 16).unwrap();
        assert_eq!(read_double(text.as_bytes()).map(f64::to_bits), Some(expected), "{pieces}");
        let negative = format!("-{text}");
        match parse(negative.as_bytes(), MAX_LEVELS) {
            Ok(Value::Float(value)) => assert_eq!(value.to_bits(), expected | 1 << 63, "-{pieces}"),
            other => panic!("-{pieces}: {other:?}"),
        }
        checked += 1;
    }
    assert_eq!(checked, 403);
}

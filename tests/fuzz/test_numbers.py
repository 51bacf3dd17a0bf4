"""The table that the Rust crate's tests hold its arithmetic against is what this CPython computes."""

from __future__ import annotations

from pathlib import Path

from fuzz.numbers import lines

TABLE = Path(__file__).parents[2] / "rust/consensus/tests/numbers.tsv"


def test_given_the_values_of_the_table_then_this_python_computes_the_same() -> None:
    assert TABLE.read_text().splitlines() == list(lines())

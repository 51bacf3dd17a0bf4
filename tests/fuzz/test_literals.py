"""Long literals: the table of the Rust crate's tests is this CPython's, and the generator makes each sort."""

from pathlib import Path
from random import Random

from coinjecture.replay import values

from fuzz.literals import lines

TABLE = Path(__file__).parents[2] / "rust/consensus/tests/literals.tsv"


def test_given_the_literals_of_the_table_then_this_python_reads_the_same() -> None:
    assert TABLE.read_text(encoding="ascii").splitlines() == list(lines())


def test_given_many_long_literals_then_each_is_a_number_and_every_sort_is_among_them() -> None:
    rng = Random(1)
    literals = [values.long_literal(rng) for _ in range(400)]
    read = [float(literal) for literal in literals]
    assert read.count(0.0) > 20 and read.count(values.INF) > 10
    assert sum(0.0 < number < values.INF for number in read) > 100
    exponents = [len(literal.lower().rpartition("e")[2].lstrip("+-").lstrip("0")) for literal in literals]
    assert {5, 6, 7} <= set(exponents) and max(exponents) > 20
    assert max(map(len, literals)) > 2**18 and sum(len(literal) > 65_219 for literal in literals) > 100


def test_given_many_decimals_and_forms_then_a_long_one_is_rare_and_certain() -> None:
    rng = Random(2)
    lengths = [len(values.decimal_literal(rng)) for _ in range(4_000)]
    assert 5 < sum(length > 1_200 for length in lengths) < 40
    assert all(values.long_form(rng).startswith("O(") for _ in range(50))

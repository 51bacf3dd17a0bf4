"""The arithmetic of the figures, and the order in which they are measured."""

import json

import pytest

from bench import measure, report
from bench.measure import Pairs, pairs


def test_given_pairs_then_a_ratio_is_oracle_over_rust_and_the_median_is_of_the_pairs() -> None:
    row = Pairs(oracle=(8.0, 9.0, 40.0), rust=(4.0, 3.0, 4.0)).result("verify_wire", block_bytes=2500)
    assert row == {
        "name": "verify_wire",
        "oracle_s": 9.0,
        "rust_s": 4.0,
        "ratio": 3.0,  # of 2, 3 and 10; the ratio of the medians would be 2.25
        "ratio_low": 2.0,
        "ratio_high": 10.0,
        "runs": 3,
        "block_bytes": 2500,
    }


def test_given_many_pairs_then_the_range_holds_the_middle_four_fifths() -> None:
    row = Pairs(oracle=tuple(float(x) for x in range(1, 102)), rust=(1.0,) * 101).result("replay")
    assert (row["ratio_low"], row["ratio"], row["ratio_high"]) == (11.0, 51.0, 91.0)


def test_given_two_engines_when_they_are_measured_then_they_take_turns_at_going_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(measure, "LEAST_S", 0.0)  # one call is enough
    calls: list[str] = []
    found = pairs(lambda: calls.append("oracle"), lambda: calls.append("rust"), units=1, runs=4)
    warm_up, measured = calls[:2], calls[2:]
    assert warm_up == ["oracle", "rust"]
    assert measured == ["rust", "oracle", "oracle", "rust"] * 2
    assert len(found.oracle) == len(found.rust) == 4


def test_given_work_that_is_too_quick_for_the_clock_then_it_is_repeated_until_it_is_not() -> None:
    assert measure.repeats_for(lambda: None) > 1000


def test_given_units_then_the_time_is_that_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "seconds", lambda work, repeats=1: 12.0)
    assert measure.alone(lambda: None, units=4, runs=3) == 3.0


@pytest.mark.parametrize(
    ("seconds", "text"), [(12.34, "12.3 s"), (0.0456, "45.6 ms"), (13.6e-6, "13.6 us"), (2.5e-8, "0.025 us")]
)
def test_durations_are_written_for_people(seconds: float, text: str) -> None:
    assert report.duration(seconds) == text


def test_given_results_then_the_table_shows_each_of_them() -> None:
    row = Pairs(oracle=(3e-5,), rust=(1e-5,)).result("verify_wire", block_bytes=2500)
    value = {"name": "floor_sha256", "value": 1.6e-6, "unit": "s per block"}
    size = {"name": "tree_bytes_per_block", "value": 120.0, "unit": "bytes"}
    table = report.table({"results": [row, value, size]})
    assert "3.0x" in table and "1.6 us per block" in table and "120.0 bytes" in table


def test_the_machine_is_described_and_not_named() -> None:
    facts = report.machine()
    assert facts["cores"] >= 1 and facts["libc"]
    assert "node" not in json.dumps(facts).lower()

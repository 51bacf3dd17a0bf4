"""Each of the six criteria can be met, be missed, or stay unmeasured: no data is never success."""

from __future__ import annotations

from typing import Any

import pytest

from report.criteria import Criterion, judge
from report.run import Run
from tests.report.material import histogram, rehearsal

NAMES = [
    *("Both nodes on Rust", "Zero divergences", "Zero Rust errors", "Performance equal or better"),
    *("No downtime seen by users", "Legacy code removable"),
]
FINAL = {"mode": "final", "release": "ab", "legacy_imported": False, "legacy_removed": False}
UNREAD = {"mode": None, "release": None, "legacy_imported": None, "legacy_removed": False}
COUNTS = {"rust_calls": 900, "compared": 700, "divergences": 0, "rust_errors": 0}


def both(**changes: Any) -> dict[str, Any]:
    return {"node1": FINAL, "node2": FINAL | changes}


def verdict(run: Run, name: str) -> Criterion:
    return next(one for one in judge(run) if one.name == name)


def test_given_a_complete_rehearsal_then_all_six_are_met_with_their_numbers() -> None:
    found = judge(rehearsal())
    assert [(one.name, one.verdict) for one in found] == [(name, "met") for name in NAMES]
    assert all(one.evidence for one in found)


def test_given_nothing_measured_then_no_criterion_is_met() -> None:
    nothing = rehearsal(
        final={}, latency={}, ratio={}, users=None, restarts=[],
        counts=dict.fromkeys(("rust_calls", "compared", "divergences", "rust_errors")),
    )  # fmt: skip
    assert {one.verdict for one in judge(nothing)} == {"not measured"}


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("Both nodes on Rust", {"final": both(mode="rust")}, "not met"),
        ("Both nodes on Rust", {"final": {"node1": FINAL}}, "not measured"),
        ("Both nodes on Rust", {"final": both(mode=None)}, "not measured"),
        ("Zero divergences", {"counts": COUNTS | {"divergences": 1}}, "not met"),
        ("Zero divergences", {"counts": COUNTS | {"compared": 0}}, "not measured"),
        ("Zero Rust errors", {"counts": COUNTS | {"rust_errors": 2}}, "not met"),
        ("Zero Rust errors", {"counts": COUNTS | {"rust_calls": 0}}, "not measured"),
        ("No downtime seen by users", {"users": {"total": 9, "failed": 1, "slowest_s": 1.0}}, "not met"),
        ("No downtime seen by users", {"users": {"total": 0, "failed": 0, "slowest_s": 0.0}}, "not measured"),
        ("Legacy code removable", {"final": both(legacy_imported=True)}, "not met"),
        ("Legacy code removable", {"final": both(mode="rust")}, "not met"),
        ("Legacy code removable", {"final": both(legacy_imported=None)}, "not measured"),
        ("Legacy code removable", {"final": {"node1": FINAL, "node2": UNREAD}}, "not measured"),
        ("Legacy code removable", {"final": {"node1": FINAL}}, "not measured"),
        ("Legacy code removable", {"final": both(legacy_removed=True, legacy_imported=None)}, "met"),
    ],
)
def test_a_criterion_says_no_or_that_nobody_looked(name: str, changes: dict[str, Any], expected: str) -> None:
    assert verdict(rehearsal(**changes), name).verdict == expected


@pytest.mark.parametrize(
    ("rust", "expected"),
    [
        (histogram(100, 0, 0, 0), "met"),
        (histogram(0, 100, 0, 0), "met"),
        (histogram(0, 40, 60, 0), "not met"),  # the median is worse
        (histogram(90, 5, 5, 0), "not met"),  # the median is better, the 99th percentile worse
        (histogram(90, 0, 0, 10), "not met"),  # beyond the last edge
    ],
)
def test_performance_compares_the_median_and_the_99th_percentile(rust: Any, expected: str) -> None:
    latency = {"node1": {"legacy": histogram(0, 100, 0, 0), "rust": rust}}
    assert verdict(rehearsal(latency=latency, ratio={}), "Performance equal or better").verdict == expected


def test_performance_of_one_engine_alone_is_not_measured() -> None:
    alone = {"node1": {"rust": histogram(1, 1)}}
    assert verdict(rehearsal(latency=alone), "Performance equal or better").verdict == "not measured"


def test_pairs_of_the_same_block_are_told() -> None:
    ratio = {"bounds": [0.5, 1.0, 2.0], "counts": [90, 5, 5, 0], "sum": 60.0, "count": 100}
    told = verdict(rehearsal(ratio={"node1": ratio}), "Performance equal or better").evidence
    assert "Rust slower on the same block in 5.0% of 100 pairs" in told

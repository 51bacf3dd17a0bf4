"""A rehearsal's summary has the fixed format, and its account says no where something is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from report.schemas import validator
from testnet.rehearsal.summary import Summary, narrate

STEP = {
    "phase": 1,
    "node": "node1",
    "started": 10.0,
    "finished": 52.5,
    "gate": "pass",
    "soak_s": 41.0,
    "calls": 170,
    "compared": 170,
    "accepted": 90,
    "rejected": {"bad_proof": 40, "no_work": 40},
}


def complete() -> Summary:
    return Summary(
        result="complete",
        reason="every step done",
        duration_s=600.0,
        steps=[dict(STEP)],
        transactions={"acknowledged": 9, "confirmed": 9, "lost": 0, "duplicated": 0},
        final_mode={"node1": "final", "node2": "final"},
        dashboard={"panels": 2, "with_data": 2, "empty": []},
    )


@pytest.mark.parametrize("summary", [Summary(), complete()], ids=["nothing measured yet", "complete"])
def test_what_is_written_fits_the_schema(summary: Summary, tmp_path: Path) -> None:
    path = tmp_path / "rehearsal" / "summary.json"
    summary.write(path)
    validator("summary").validate(json.loads(path.read_text()))
    assert list(path.parent.iterdir()) == [path], "no half-written file stays"


def test_the_schema_refuses_a_result_that_is_none() -> None:
    with pytest.raises(jsonschema.ValidationError):
        validator("summary").validate(complete().as_dict() | {"result": "probably"})


def test_given_what_the_page_counts_then_the_console_tells_it_beside_its_own_count() -> None:
    summary = complete()
    assert "compared in the soaks" not in narrate(summary), "there is no page yet"
    summary.blocks |= {"compared": 876, "compared_ever": 1953}
    assert "blocks        876 compared in the soaks above (1953 since the wrapper came), 0 div" in narrate(
        summary
    )


def test_a_clean_account_has_no_faults() -> None:
    assert complete().faults() == []


@pytest.mark.parametrize(
    ("room", "key", "words"),
    [
        ("blocks", "lost", "1 lost blocks"),
        ("requests", "failed", "1 failed requests (requests.json)"),
        ("blocks", "divergences", "1 divergences"),
        ("blocks", "rust_errors", "1 rust errors"),
        ("transactions", "lost", "1 lost transactions"),
        ("transactions", "duplicated", "1 duplicated transactions"),
    ],
)
def test_anything_lost_doubled_or_diverged_is_a_fault(room: str, key: str, words: str) -> None:
    summary = complete()
    getattr(summary, room)[key] = 1
    assert words in summary.faults()


def test_a_fork_is_a_fault() -> None:
    summary = complete()
    summary.forks = 3
    assert summary.faults() == ["3 forked heights"]


def test_a_transaction_that_was_not_confirmed_in_time_is_a_fault() -> None:
    summary = complete()
    summary.transactions["confirmed"] = 8
    assert summary.faults() == ["1 acknowledged transactions not 6 blocks deep on both nodes"]


def test_a_panel_without_data_is_a_fault_with_its_name() -> None:
    summary = complete()
    summary.dashboard = {"panels": 2, "with_data": 1, "empty": ["Mode"]}
    assert summary.faults() == ["panels of the dashboard without data: Mode"]
    assert "dashboard     2 panels, 1 with data\n  without data: Mode" in narrate(summary)


def test_a_dashboard_that_nobody_asked_is_called_so() -> None:
    assert "dashboard     not read" in narrate(Summary())


def test_a_person_reads_it_within_a_hundred_columns() -> None:
    text = narrate(complete())
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "phase 1 node1" in text
    assert "node1 final, node2 final" in text
    assert "dashboard     2 panels, 2 with data" in text

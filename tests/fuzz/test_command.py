"""The command, as it is called: what it writes, prints and ends with."""

import json
import multiprocessing
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from fuzz import __main__ as command
from fuzz import workers
from fuzz.totals import Totals
from report.schemas import validator

ROOT = Path(__file__).parents[2]


def test_given_a_short_run_when_it_ends_then_the_file_fits_its_schema_and_the_table_is_printed(
    tmp_path: Path,
) -> None:
    out = tmp_path / "fuzz.json"
    call = [sys.executable, "-m", "fuzz", "--seconds", "1", "--seed", "7", "--jobs", "2", "--out", str(out)]
    ended = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    content = json.loads(out.read_text(encoding="ascii"))
    validator("fuzz").validate(content)
    assert content["seed"] == 7 and content["cases"] > 0 and content["differences"] == 0
    counted = content["accepted"] + sum(content["per_reason"].values())
    assert content["cases"] == counted + content["out_of_domain"] + content["unparsable"]
    assert "bad_tier_size" in ended.stdout and "per second" in ended.stdout


def test_given_a_difference_when_the_run_ends_then_the_status_is_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Totals(differences=1, codes=Counter({"full accept": 5}), digests=bytearray(40))
    monkeypatch.setattr(workers, "run", lambda plan, progress: found)
    monkeypatch.setattr(sys, "argv", ["fuzz", "--seconds", "1", "--out", str(tmp_path / "fuzz.json")])
    assert command.main() == 1


@pytest.mark.parametrize("argument", ["--seconds=0", "--seconds=-1", "--jobs=0"])
def test_given_an_impossible_argument_then_the_status_is_2_and_the_reason_is_said(
    argument: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["fuzz", argument])
    assert command.main() == 2
    assert "above 0" in capsys.readouterr().err


def test_given_a_worker_that_is_killed_then_the_run_fails_and_says_how_to_find_the_scenario(
    tmp_path: Path,
) -> None:
    def kill(_totals: Totals) -> None:
        for child in multiprocessing.active_children():
            child.kill()

    plan = workers.Plan(seed=11, seconds=60.0, jobs=1, subject="oracle", captures=tmp_path)
    with pytest.raises(workers.WorkerDiedError, match="--seed 11 --jobs 1"):
        workers.run(plan, kill)


def test_given_a_run_in_which_a_worker_dies_then_what_was_counted_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def die(*_: object) -> Totals:
        counted = Totals(codes=Counter({"full accept": 5}), digests=bytearray(40))
        raise workers.WorkerDiedError("worker 0 died", counted)

    out = tmp_path / "fuzz.json"
    monkeypatch.setattr(workers, "run", die)
    monkeypatch.setattr(sys, "argv", ["fuzz", "--seconds", "1", "--out", str(out)])
    assert command.main() == 2
    assert json.loads(out.read_text(encoding="ascii"))["cases"] == 5
    assert "worker 0 died" in capsys.readouterr().err


def test_given_the_totals_of_two_workers_when_they_travel_as_bytes_then_the_sum_is_theirs() -> None:
    first = Totals(scenarios=1, forks=2, codes=Counter({"full accept": 3}), digests=bytearray(b"\n" * 24))
    second = Totals(scenarios=4, reorgs=1, codes=Counter({"full accept": 1, "header no_work": 2}))
    second.digests += bytes(range(24))
    together = Totals()
    for part in (first, second):
        together.add(Totals.from_bytes(part.to_bytes()))
    assert (together.scenarios, together.forks, together.reorgs, together.cases) == (5, 2, 1, 6)
    assert together.by_code() == {"accept": 4, "no_work": 2}
    assert together.distinct() == 1 + 3

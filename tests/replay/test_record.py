"""What a real replay prints, laid down on its node, is what the gate reads: no fixture is in between."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.node_state import read_replay
from ansible_collections.coinjecture.migration.plugins.module_utils.operator_folder import (
    REPLAY,
    OperatorFolder,
)
from ansible_collections.coinjecture.migration.plugins.modules.replay_record import (
    NoReplayError,
    lay_down,
)
from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate import status_reader
from report.schemas import validator
from tests.gate.asked import CRITERIA, NOW, RELEASE, a_replay, decide_with

from .chains import database, grown, network
from .support import LEGACY, run_bare, wrong_legacy


def printed(folder: Path, engine: Path = LEGACY, mutants: int = 12) -> dict[str, Any]:
    """What the command prints on a node, run from a release as it is installed there."""
    chain = database(folder, grown(20))
    given = [str(chain), f"--legacy={engine}", f"--network={network(folder)}", f"--mutants={mutants}"]
    done = run_bare(folder, *given, "--jobs=1", f"--captures-dir={folder}/captures", "--json")
    assert done.returncode in (0, 1), done.stderr
    content: dict[str, Any] = json.loads(done.stdout)
    return content


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A folder in which the release lies under its hash, as in /opt/coinjecture/releases."""
    folder = tmp_path / "run"
    (folder / RELEASE).mkdir(parents=True)
    (folder / "release").symlink_to(folder / RELEASE)
    import coinjecture
    import consensus_surface

    for package in (coinjecture, consensus_surface):
        source = Path(package.__path__[0])
        shutil.copytree(source, folder / RELEASE / source.name)
    return folder


def judged(record: dict[str, Any]) -> dict[str, Any]:
    """What the gate says of a healthy node with this record, where more codes are wanted."""

    def beside(status: dict[str, Any]) -> None:
        for part in ("process", "evidence"):
            status[part] |= {fact: record[fact] for fact in ("python", "libc")}
        status["replay"] = record | {"finished": NOW - 100}

    return dict(decide_with(beside, CRITERIA | {"min_reason_codes": 9}))


def test_given_a_real_replay_then_its_record_is_read_by_the_gate_and_fills_the_codes(
    release: Path, tmp_path: Path
) -> None:
    result = printed(release)
    operator = OperatorFolder(tmp_path / "operator", tmp_path / "state")
    lay_down(operator, "node1", result)
    record = read_replay(operator.path / REPLAY)
    validator("node-replay").validate(record)
    assert record["release"] == RELEASE and record["result"]["blocks"] == result["blocks"]
    assert (operator.path / REPLAY).stat().st_uid == os.geteuid()
    assert status_reader.read("node1", {"replay": record}).replay == record

    decision = judged(record)
    assert decision["outcome"] == "pass", decision["reasons"]
    told = " ".join(decision["proven"])
    assert f"node1: replay: 0 in {result['blocks'] + result['mutants']:,} blocks and mutants" in told


def test_given_a_real_replay_that_found_divergences_then_the_gate_says_no(
    release: Path, tmp_path: Path
) -> None:
    engine = wrong_legacy(release / "legacy", "* weight * size *", "* size *")
    operator = OperatorFolder(tmp_path / "operator", tmp_path / "state")
    record = lay_down(operator, "node1", printed(release, engine, mutants=0))
    decision = judged(record)
    assert decision["outcome"] == "fail"
    count = record["result"]["divergences"]["count"]
    assert count and f"node1: the replay found {count} divergences; see its captures" in decision["reasons"]


def test_the_gates_own_fixture_has_no_key_that_a_real_record_lacks(release: Path, tmp_path: Path) -> None:
    record = lay_down(OperatorFolder(tmp_path / "operator"), "node1", printed(release, mutants=1))
    fixture = a_replay()
    assert set(fixture) <= set(record)
    assert set(fixture["result"]) <= set(record["result"])


@pytest.mark.parametrize("result", [{}, {"divergences": 0}, {"surroundings": None, "divergences": {}}])
def test_given_something_that_is_no_result_then_nothing_is_laid_down(tmp_path: Path, result: Any) -> None:
    operator = OperatorFolder(tmp_path / "operator")
    with pytest.raises(NoReplayError):
        lay_down(operator, "node1", result)
    assert not operator.path.exists()

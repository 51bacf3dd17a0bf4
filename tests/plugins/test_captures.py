"""A captured divergence stands in the way of a wheel until both engines agree on it."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import captures
import coinjecture
import pytest
from captures import ReplayImpossible, merged, read, replay, write

from tests.replay.support import GENESIS_BLOCK, LEGACY, capture_file, capture_of, child, wrong_legacy


def ended(status: int, out: str = "", err: str = "") -> Any:
    """A replay that ends with this exit status."""

    def run(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        assert command[:4] == ["python", "-B", "-m", "coinjecture.replay"]
        assert command[-1].endswith("one.json")
        assert environment["PYTHONPATH"] == "/releases/abc"
        return subprocess.CompletedProcess(command, status, out, err)

    return run


def judged(status: int, out: str = "", err: str = "") -> tuple[bool, str]:
    """What came of it."""
    run = ended(status, out, err)
    return replay([Path("/x/one.json")], Path("/releases/abc"), "python", Path("/src/consensus.py"), run)


def test_given_agreement_then_the_wheel_may_come() -> None:
    assert judged(0, '{"files": 1}') == (True, '{"files": 1}')


def test_given_one_that_diverges_then_the_answer_is_no_and_what_was_said_is_kept() -> None:
    assert judged(1, '{"diverging": ["one.json"]}') == (False, '{"diverging": ["one.json"]}')


@pytest.mark.parametrize("status", [2, 127, -9])
def test_given_no_verdict_then_that_is_no_agreement(status: int) -> None:
    with pytest.raises(ReplayImpossible, match=f"ended with {status}: No module"):
        judged(status, err="No module named coinjecture.replay")


def test_given_a_replay_that_cannot_start_then_that_is_no_agreement() -> None:
    with pytest.raises(ReplayImpossible, match="did not end"):
        replay([Path("/x")], Path("/r"), "/nowhere/python", Path("/c"))


def test_given_captures_of_two_nodes_then_each_is_judged_once(tmp_path: Path) -> None:
    for node, names in {"node1": ["a", "b"], "node2": ["b", "c"]}.items():
        (tmp_path / node).mkdir()
        for name in names:
            (tmp_path / node / f"{name}.json").write_text(name)
    results = [{"captures": read(tmp_path / node)} for node in ("node1", "node2")] + [{}]
    (tmp_path / "all").mkdir()
    paths = write(tmp_path / "all", merged(results))
    assert [(path.name, path.read_text()) for path in paths] == [
        ("a.json", "a"),
        ("b.json", "b"),
        ("c.json", "c"),
    ]


def test_given_no_folder_then_there_are_no_captures(tmp_path: Path) -> None:
    assert read(tmp_path / "captures") == {}


def test_given_a_link_among_them_then_it_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "x.json").symlink_to("/etc/passwd")
    with pytest.raises(OSError):
        read(tmp_path)


def test_given_more_than_can_be_carried_then_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(captures, "MAX_TOTAL_BYTES", 3)
    (tmp_path / "a.json").write_text("aa")
    (tmp_path / "b.json").write_text("bb")
    with pytest.raises(ReplayImpossible, match="more than 3 bytes"):
        read(tmp_path)


def test_given_a_name_with_a_way_out_then_it_stays_in_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    assert write(folder, {"../evil.json": base64.b64encode(b"x").decode()}) == [folder / "evil.json"]


def test_given_a_real_capture_then_the_real_replay_says_yes_and_no(tmp_path: Path) -> None:
    release = Path(coinjecture.__path__[0]).parent
    same_time = {"timestamp": GENESIS_BLOCK["timestamp"]}
    capture = capture_file(tmp_path, capture_of(child(**same_time)))
    other = wrong_legacy(tmp_path / "other", 'block["timestamp"] <= parent', 'block["timestamp"] < parent')
    agree, said = replay([capture], release, sys.executable, LEGACY)
    assert agree, said
    agree, said = replay([capture], release, sys.executable, other)
    assert not agree
    assert json.loads(said)["diverge"] == 1
    with pytest.raises(ReplayImpossible, match="ended with 2"):
        replay([tmp_path / "nowhere.json"], release, sys.executable, LEGACY)

"""A captured divergence stands in the way of a wheel until both engines agree on it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import coinjecture
import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils import captures
from ansible_collections.coinjecture.migration.plugins.module_utils.captures import (
    ReplayImpossibleError,
    merged,
    read,
    replay,
    write,
)
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
    one = [Path("/x/one.json")]
    agree, said, bad = replay(one, Path("/releases/abc"), "python", Path("/src/consensus.py"), run)
    assert bad == []
    return agree, said


def captured(place: Path, content: str) -> str:
    """Lay down a capture, named after its content as the wrapper does; returns its name."""
    place.mkdir(parents=True, exist_ok=True)
    name = f"{hashlib.sha256(content.encode()).hexdigest()}.json"
    (place / name).write_text(content)
    return name


def test_given_agreement_then_the_wheel_may_come() -> None:
    assert judged(0, '{"files": 1}') == (True, '{"files": 1}')


def test_given_one_that_diverges_then_the_answer_is_no_and_what_was_said_is_kept() -> None:
    assert judged(1, '{"diverging": ["one.json"]}') == (False, '{"diverging": ["one.json"]}')


@pytest.mark.parametrize("status", [2, 127, -9])
def test_given_no_verdict_then_that_is_no_agreement(status: int) -> None:
    with pytest.raises(ReplayImpossibleError, match=f"ended with {status}: No module"):
        judged(status, err="No module named coinjecture.replay")


def test_given_a_replay_that_cannot_start_then_that_is_no_agreement() -> None:
    with pytest.raises(ReplayImpossibleError, match="did not end"):
        replay([Path("/x")], Path("/r"), "/nowhere/python", Path("/c"))


def test_given_captures_of_two_nodes_then_each_is_judged_once(tmp_path: Path) -> None:
    names = {
        captured(tmp_path / node, content)
        for node, contents in {"node1": "ab", "node2": "bc"}.items()
        for content in contents
    }
    results: list[Mapping[str, Any]] = [read(tmp_path / node) for node in ("node1", "node2")]
    (tmp_path / "all").mkdir()
    paths = write(tmp_path / "all", merged([*results, {}]))
    assert {path.name for path in paths} == names and len(paths) == 3
    assert {path.read_text() for path in paths} == {"a", "b", "c"}


def test_given_no_folder_then_there_are_no_captures(tmp_path: Path) -> None:
    assert read(tmp_path / "captures") == {"captures": {}, "refused": []}


def test_given_what_is_no_capture_among_them_then_it_is_named_and_the_others_are_carried(
    tmp_path: Path,
) -> None:
    good = captured(tmp_path, "good")
    secret = tmp_path / "secret"
    secret.write_text("a secret")
    (tmp_path / "link.json").symlink_to(secret)
    (tmp_path / "other.json").write_text("named as it pleased")
    (tmp_path / "folder.json").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    found = read(tmp_path)
    assert list(found["captures"]) == [good]
    assert [refused.split(":")[0] for refused in found["refused"]] == [
        str(tmp_path / f"{name}.json") for name in ("folder", "link", "other", "pipe")
    ]


def test_given_a_folder_that_is_a_link_to_one_of_root_then_nothing_of_it_is_carried(tmp_path: Path) -> None:
    captured(tmp_path / "of root", "a secret")
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "captures").symlink_to(tmp_path / "of root")
    if os.geteuid() == 0:
        os.chown(tmp_path / "state", 12345, 12345)
    else:
        pytest.skip("a folder of another user is made as root")
    found = read(tmp_path / "state" / "captures")
    assert found["captures"] == {}
    assert "captures is no folder" in found["refused"][0]


def test_given_more_than_can_be_carried_then_the_rest_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(captures, "MAX_TOTAL_BYTES", 3)
    names = sorted(captured(tmp_path, content) for content in ("aa", "bb"))
    found = read(tmp_path)
    assert list(found["captures"]) == names[:1]
    assert names[1] in found["refused"][0]


def test_given_one_that_is_no_divergence_file_then_the_others_are_judged_and_it_is_named() -> None:
    asked: list[list[str]] = []

    def run(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        files = [Path(name).name for name in command[command.index("--captures") + 1 :]]
        asked.append(files)
        return subprocess.CompletedProcess(command, 2 if "bad.json" in files else 0, "{}", "damaged")

    paths = [Path("/x/bad.json"), Path("/x/good.json")]
    assert replay(paths, Path("/r"), "python", Path("/c"), run) == (True, "{}", ["bad.json"])
    assert asked[-1] == ["good.json"]
    with pytest.raises(ReplayImpossibleError, match="ended with 2: damaged"):
        replay(paths[:1], Path("/r"), "python", Path("/c"), run)


def test_given_a_name_with_a_way_out_then_it_stays_in_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    assert write(folder, {"../evil.json": base64.b64encode(b"x").decode()}) == [folder / "evil.json"]


def test_given_a_real_capture_then_the_real_replay_says_yes_and_no(tmp_path: Path) -> None:
    release = Path(coinjecture.__path__[0]).parent
    same_time = {"timestamp": GENESIS_BLOCK["timestamp"]}
    capture = capture_file(tmp_path, capture_of(child(**same_time)))
    other = wrong_legacy(tmp_path / "other", 'block["timestamp"] <= parent', 'block["timestamp"] < parent')
    agree, said, _ = replay([capture], release, sys.executable, LEGACY)
    assert agree, said
    agree, said, _ = replay([capture], release, sys.executable, other)
    assert not agree
    assert json.loads(said)["diverge"] == 1
    with pytest.raises(ReplayImpossibleError, match="ended with 2"):
        replay([tmp_path / "nowhere.json"], release, sys.executable, LEGACY)

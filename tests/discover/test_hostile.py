"""A node's files that lead astray, never end, or break a parser: each is answered with a sentence."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.source_files import MAX_SOURCE, Sources

from .support import PYTHON, REFERENCE, Host, api, chain, copied, follows

ENTRY = "from consensus import ConsensusEngine\nimport other\nengine = ConsensusEngine(1, 2, 3)\n"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def link(path: Path) -> None:
    path.symlink_to("/etc/shadow")


HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a link": (link, "it is a link"),
    "a pipe": (os.mkfifo, "it is no regular file"),
    "a huge file": (lambda path: path.write_bytes(b"#" * (MAX_SOURCE + 1)), "are read"),
    "a file of holes": (lambda path: path.touch() or os.truncate(path, 1 << 40), "are read"),
    "brackets": (lambda path: path.write_text("[" * 60_000 + "]" * 60_000), "not Python that can be parsed"),
    "signs": (lambda path: path.write_text("x = " + "-" * 60_000 + "1"), "not Python that can be parsed"),
    "calls": (lambda path: path.write_text("x" + "()" * 60_000), ""),
    "sums": (lambda path: path.write_text("x = 1" + " + 1" * 60_000), ""),
    "attributes": (lambda path: path.write_text("x = a" + ".a" * 60_000), ""),
    "a syntax error": (lambda path: path.write_text("def f(:\n"), "not Python that can be parsed"),
    "Python 2": (lambda path: path.write_text("print 'a'\n"), "not Python that can be parsed"),
    "bytes": (lambda path: path.write_bytes(b"\xff\xfe\x00x"), "not Python that can be parsed"),
    "zero bytes": (lambda path: path.write_bytes(b"x\0y"), "not Python that can be parsed"),
    "a deep block": (lambda path: path.write_text("".join(" " * n + "if 1:\n" for n in range(150))), "not"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_given_such_a_file_beside_the_node_then_it_is_named_and_the_node_is_found(
    host: Host, kind: str
) -> None:
    lay, expected = HOSTILE[kind]
    src = host.root / "home/src"
    src.mkdir(parents=True)
    (src / "node.py").write_text(ENTRY)
    (src / "consensus.py").write_text("class ConsensusEngine:\n    def verify_block(self, block): ...\n")
    lay(src / "other.py")
    host.unit("node.service", PYTHON, f"{src}/node.py", working=src)
    began = time.monotonic()
    found = host.found()
    assert time.monotonic() - began < 30
    (node,) = found["candidates"]
    assert node["makes"] == [f"{src}/node.py"]
    if expected:
        assert any(expected in text and f"{src}/other.py" in text for text in node["unread"]), node["unread"]


@pytest.mark.parametrize("kind", HOSTILE)
def test_given_such_a_file_in_place_of_the_entry_then_no_unit_makes_an_engine_and_it_is_said(
    host: Host, kind: str
) -> None:
    lay, expected = HOSTILE[kind]
    src = host.root / "home/src"
    src.mkdir(parents=True)
    lay(src / "node.py")
    (src / "consensus.py").write_text("class ConsensusEngine: ...\n")
    host.unit("node.service", PYTHON, f"{src}/node.py", working=src)
    told = follows(host.found())
    assert told.open[0].startswith("no unit runs a Python file that makes ConsensusEngine")
    assert "node.service" in told.open[0]
    assert not expected or any(expected in text for text in told.open[1:]), told.open


def test_given_a_child_that_dies_then_the_unit_is_named(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.coinjecture.migration.plugins.module_utils import looked_service

    monkeypatch.setattr(looked_service.node_program, "look", lambda *_: os._exit(9))
    host.unit("node.service", PYTHON, "/opt/node.py")
    assert host.found()["complaints"] == [
        "node.service: its files could not be looked at: it ended without an answer"
    ]


def test_given_endless_folders_then_the_search_ends(tmp_path: Path) -> None:
    place = tmp_path
    for _ in range(40):
        place = place / "a"
        place.mkdir()
    (tmp_path / "loop").symlink_to(tmp_path)
    (place / "deep.py").write_text("")
    (tmp_path / "near.py").write_text("")
    assert list(Sources().below(tmp_path)) == [tmp_path / "near.py"]


@pytest.mark.parametrize("name", ["{{ lookup('pipe', 'id') }}", "a\nb", "a\x1b[2Jb", "\u202eab"])
def test_given_a_folder_whose_name_would_be_more_than_a_name_then_no_setting_is_made_of_it(
    host: Host, name: str
) -> None:
    src = copied("testnet/node/src", host.root / name / "src")
    chain(src.parent / "chain.db", "CREATE TABLE blocks (seq INTEGER PRIMARY KEY, raw BLOB)")
    with api(REFERENCE) as port:
        host.unit("node.service", PYTHON, "node.py", working=src, listens=[port])
        told = follows(host.found())
    assert told.open and not any("{{" in str(value) or "\n" in str(value) for value in told.settled.values())

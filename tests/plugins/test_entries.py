"""A node that starts a file outside of its sources, and one with several: edited and undone together."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.entries import Entries
from ansible_collections.coinjecture.migration.plugins.module_utils.node_import import ImportEditError

SERVICE = b"""import sys
sys.path.append('src')
from consensus import ConsensusEngine, ConsensusConfig

print(ConsensusEngine.__name__)
"""
PAIR = b"""try:
    from .consensus import ConsensusEngine
except ImportError:
    from consensus import ConsensusEngine
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder of a service that finds its engine in ``src``, with a second program in there."""
    (tmp_path / "src").mkdir()
    (tmp_path / "consensus_service.py").write_bytes(SERVICE)
    (tmp_path / "src/node.py").write_bytes(PAIR)
    (tmp_path / "src/consensus.py").write_text("class ConsensusConfig: ...\nclass ConsensusEngine: ...\n")
    (tmp_path / "src/consensus_wrapper.py").write_text(
        "class ConsensusConfig: ...\nclass DualRunConsensus: ...\n"
    )
    return tmp_path


def entries(home: Path, *names: str) -> Entries:
    return Entries.of(str(home / "src"), [str(home / name) for name in names])


def started(home: Path) -> str:
    """What the service says when it is started as its unit starts it."""
    command = [sys.executable, "consensus_service.py"]
    return subprocess.run(command, cwd=home, capture_output=True, text=True, check=True).stdout.strip()


def test_given_an_entry_outside_of_the_sources_when_wrapped_then_it_runs_on_the_wrapper_and_goes_back(
    home: Path,
) -> None:
    one = entries(home, "consensus_service.py")
    before = one.read()
    one.write(before, one.edited(before, "wrapped"))
    assert started(home) == "DualRunConsensus"
    assert one.look()["state"] == "wrapped"
    one.write(one.read(), one.edited(one.read(), "legacy"))
    assert (home / "consensus_service.py").read_bytes() == SERVICE
    assert started(home) == "ConsensusEngine"


@pytest.mark.parametrize(
    ("statement", "edited"),
    [
        (b"from src.consensus import ConsensusEngine", b"from src.consensus_wrapper import DualRunConsensus"),
        (b"from .src.consensus import ConsensusEngine", b"from .src.consensus_wrapper import DualRun"),
        (b"import consensus\nconsensus.ConsensusEngine", b"import consensus_wrapper as consensus"),
    ],
)
def test_given_another_way_to_the_sources_then_it_is_edited_too(
    home: Path, statement: bytes, edited: bytes
) -> None:
    path = home / "consensus_service.py"
    path.write_bytes(statement + b"\n")
    one = entries(home, "consensus_service.py")
    assert edited in one.edited(one.read(), "wrapped")[path]


@pytest.mark.parametrize("statement", ["from .consensus import C", "from other.consensus import C"])
def test_given_an_import_of_another_folders_module_then_it_is_not_taken_for_the_engine(
    home: Path, statement: str
) -> None:
    (home / "consensus_service.py").write_text(f"{statement}onsensusEngine\n")
    found = entries(home, "consensus_service.py").look()
    assert found["state"] is None
    assert f"nothing takes ConsensusEngine from consensus; nearest: line 1: {statement}" in found["why"]


def test_given_several_entries_when_one_cannot_be_edited_then_none_is_and_it_is_named(home: Path) -> None:
    (home / "src/node.py").write_text("import os\n")
    both = entries(home, "consensus_service.py", "src/node.py")
    with pytest.raises(ImportEditError, match=r"src/node\.py is not edited: nothing takes"):
        both.edited(both.read(), "wrapped")
    assert both.look()["state"] is None
    assert str(home / "src/node.py") in both.look()["why"]


def test_given_several_entries_when_the_disk_refuses_the_last_then_the_others_are_as_before(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible_collections.coinjecture.migration.plugins.module_utils import entries as module

    both, real = entries(home, "consensus_service.py", "src/node.py"), module.rewrite
    before = both.read()

    def full(path: Path, content: bytes) -> None:
        if path.name == "consensus_service.py":
            raise OSError("no space left on device")
        real(path, content)

    monkeypatch.setattr(module, "rewrite", full)
    with pytest.raises(OSError, match=r"consensus_service\.py cannot be written: no space left"):
        both.write(before, both.edited(before, "wrapped"))
    assert both.read() == before


def test_given_an_edit_that_was_cut_off_then_the_node_is_as_what_it_starts_and_the_rest_is_named(
    home: Path,
) -> None:
    both = entries(home, "consensus_service.py", "src/node.py")
    before = both.read()
    after = both.edited(before, "wrapped")
    first, other = both.paths
    other.write_bytes(after[other])  # the one that the unit starts is changed last
    found = both.look()
    assert found["state"] == "legacy"
    assert found["apart"] == f"{first} imports the legacy engine, and {other} imports the wrapper"
    both.write(both.read(), both.edited(both.read(), "wrapped"))
    assert both.look()["apart"] == ""
    assert both.read() == after


def test_given_no_entry_or_one_twice_then_the_setting_is_named() -> None:
    for names in ([], ["/a.py", "/a.py"]):
        with pytest.raises(ImportEditError, match="coinjecture_entries names"):
            Entries.of("/src", names)


def test_given_a_legacy_engine_beside_the_entry_too_then_it_is_not_edited_for_the_other_one(
    home: Path,
) -> None:
    (home / "consensus.py").write_text("class ConsensusEngine: ...\n")
    found = entries(home, "consensus_service.py").look()
    assert found["state"] is None
    assert f"{home}/consensus.py lies beside it and is found before the one in {home}/src" in found["why"]

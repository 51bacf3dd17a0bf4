"""What a node has of its own under names of the migration: kept before ours come, and put back as it was."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.displaced import Displaced, packed

from .conftest import give_to_nobody
from .test_modules import run

WRAPPER = b"# an earlier try of the same plan\nclass DualRunConsensus: ...\r\n"
LEGACY = "from consensus import ConsensusEngine\n"


@pytest.fixture
def node(open_folder: Path) -> Path:
    """A service above its sources, as the deployed node has it, and two things of its own with our names."""
    src = open_folder / "src"
    (src / "coinjecture_migration/deep").mkdir(parents=True)
    (open_folder / "operator").mkdir()
    (open_folder / "consensus_service.py").write_text(f"import sys\nsys.path.append('src')\n{LEGACY}")
    (src / "consensus.py").write_text("class ConsensusEngine: ...\n")
    (src / "network.py").write_text("import os\n")
    (src / "consensus_wrapper.py").write_bytes(WRAPPER)
    (src / "consensus_wrapper.py").chmod(0o640)
    os.utime(src / "consensus_wrapper.py", (1_000_000_000, 1_000_000_000))
    (src / "coinjecture_migration/deep/notes.txt").write_text("what we did last year")
    (src / "coinjecture_migration/link").symlink_to("deep/notes.txt")
    return open_folder


def asked(node: Path, state: str, *flags: str) -> dict[str, Any]:
    """What the module says."""
    return run(
        "displaced_files", *flags, state=state, src=str(node / "src"),
        entries=[str(node / "consensus_service.py")], folder=str(node / "operator"),
        earlier=[str(node / "wrapper.json")],
    )  # fmt: skip


def lay(node: Path) -> None:
    """What the role lays down in that place."""
    (node / "src/consensus_wrapper.py").write_text("ours")
    (node / "src/coinjecture_migration/settings.py").write_text("ours")
    (node / "src/consensus_surface").mkdir(exist_ok=True)


def what_lies_there(node: Path) -> dict[str, tuple[int, int, int, bytes | str]]:
    """Mode, owner, time and content of everything under our names."""
    found = {}
    for path in sorted((node / "src").rglob("*")):
        kind = path.lstat()
        content = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        at = int(kind.st_mtime) if path.is_file() and not path.is_symlink() else 0
        found[str(path)] = (stat.S_IMODE(kind.st_mode), kind.st_uid, at, content)
    return found


@pytest.mark.parametrize("owner", ["root", "the node's user"])
def test_given_files_of_the_nodes_own_when_kept_and_put_back_then_they_are_as_they_were(
    node: Path, owner: str
) -> None:
    if owner != "root":
        if os.geteuid() != 0:
            pytest.skip("a folder of another user is made as root")
        give_to_nobody(node / "src", *(node / "src").rglob("*"))
    before = what_lies_there(node)
    looked = asked(node, "looked")
    assert [Path(path).name for path in looked["kept"]] == ["consensus_wrapper.py", "coinjecture_migration"]
    assert looked["refused"] == []
    assert asked(node, "kept")["changed"] is True
    lay(node)
    assert asked(node, "kept")["changed"] is False, "what lies there now is ours"
    (node / "src/consensus_surface").rmdir()
    assert len(asked(node, "restored")["kept"]) == 2
    assert what_lies_there(node) == before


def test_given_a_run_that_was_cut_off_before_the_manifest_then_it_is_kept_again(node: Path) -> None:
    place = Displaced(node / "operator/displaced")
    own = [node / "src/consensus_wrapper.py"]
    place.keep(own)
    place.manifest.unlink()
    assert place.kept() is None
    assert place.keep(own) == [str(own[0])]
    own[0].write_text("ours")
    for _ in range(2):  # cut off after it was put back, and run again
        place.put_back()
        assert own[0].read_bytes() == WRAPPER


def test_given_an_earlier_version_that_is_installed_then_what_lies_there_is_ours(node: Path) -> None:
    (node / "wrapper.json").write_text("{}")
    assert asked(node, "looked")["kept"] == []
    assert asked(node, "kept")["kept"] == []
    assert asked(node, "restored")["changed"] is False


def test_given_check_mode_then_nothing_is_written(node: Path) -> None:
    assert asked(node, "kept", "--check")["changed"] is True
    assert not (node / "operator/displaced").exists()


def test_given_a_file_of_the_node_that_imports_its_own_wrapper_then_it_is_refused_by_name(node: Path) -> None:
    (node / "src/network.py").write_text("import os\nfrom consensus_wrapper import Dual\n")
    (said,) = asked(node, "looked")["refused"]
    assert said.startswith(f"{node}/src/network.py, line 2, imports {node}/src/consensus_wrapper.py")
    assert "give it another name first" in said


def test_given_what_cannot_be_put_back_as_it_is_then_it_is_refused_with_what_to_do(node: Path) -> None:
    os.mkfifo(node / "src/coinjecture_migration/pipe")
    (said,) = asked(node, "looked")["refused"]
    assert "coinjecture_migration/pipe is neither a file nor a folder nor a link" in said
    assert "move it away first" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="a folder of another user is made as root")
def test_given_a_file_of_roots_in_a_folder_of_the_nodes_user_then_it_is_refused(node: Path) -> None:
    give_to_nobody(node / "src")
    with pytest.raises(OSError, match="belongs to another user than the folder"):
        packed(node / "src/consensus_wrapper.py")


def test_given_an_archive_that_was_changed_then_it_is_not_put_back(node: Path) -> None:
    place = Displaced(node / "operator/displaced")
    place.keep([node / "src/consensus_wrapper.py"])
    next(place.folder.glob("*.tar")).write_bytes(b"other")
    with pytest.raises(OSError, match="is not what was kept"):
        place.put_back()

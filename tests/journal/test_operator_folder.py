"""What root writes lies where only root writes; what lay with the node's user is brought over once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils import durable
from ansible_collections.coinjecture.migration.plugins.module_utils.journal import (
    Known,
    append,
    digest,
    known_by,
)
from ansible_collections.coinjecture.migration.plugins.module_utils.journal_file import (
    JournalBrokenError,
    JournalFile,
)
from ansible_collections.coinjecture.migration.plugins.module_utils.operator_folder import (
    JOURNAL,
    RESERVE,
    OperatorFolder,
    head_of,
)
from ansible_collections.coinjecture.migration.plugins.module_utils.pending_operation import (
    read as read_operation,
)
from ansible_collections.coinjecture.migration.plugins.module_utils.pending_operation import (
    write as write_operation,
)

STRANGER = 12345
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="a folder of another user is made as root")
ENTRY = {"at": 1.7e9, "who": "ops", "why": "phase 1", "what": "step done", "node": "node1", "to": "shadow"}
BEGUN = {"schema": 1, "kind": "rollback", "origin": "rust", "target": "legacy", "mode": "rust"}
BEGUN |= {"since": 1.5, "by": "ann", "why": "a test"}


@pytest.fixture
def folder(tmp_path: Path) -> OperatorFolder:
    """A node with the folder of its user alone."""
    old = tmp_path / "state"
    old.mkdir()
    if os.geteuid() == 0:
        os.chown(old, STRANGER, STRANGER)
    return OperatorFolder(tmp_path / "operator", old)


def copied(text: str, network: str = "") -> dict[str, Known]:
    """What a controller knows that has a copy of this journal, as one of this network."""
    known = known_by(text)
    return {network: known} if known else {}


def laid_down(folder: OperatorFolder, owner: int | None = None) -> str:
    """The old layout: a journal of two records and an open operation, of root or of somebody else."""
    assert folder.old is not None
    text = append(append("", ENTRY), ENTRY)
    contents = {JOURNAL: text.encode(), "journal.jsonl.head": head_of(text)}
    contents["operation.json"] = json.dumps(BEGUN).encode()
    for name, content in contents.items():
        (folder.old / name).write_bytes(content)
        if owner is not None:
            os.chown(folder.old / name, owner, owner)
    return text


def test_given_the_old_layout_then_it_is_read_there_and_brought_over_by_the_first_who_writes(
    folder: OperatorFolder,
) -> None:
    text = laid_down(folder)
    assert len(JournalFile(folder).read()["records"]) == 2
    assert read_operation(folder) == BEGUN
    assert not folder.path.exists(), "reading moves nothing"
    JournalFile(folder, copied(text)).append(ENTRY)
    records = JournalFile(folder, copied(text)).read()["records"]
    assert [record["what"] for record in records] == ["step done", "step done", "journal moved", "step done"]
    assert read_operation(folder) == BEGUN, "an open operation is honoured"
    assert list((folder.old or folder.path).iterdir()) == []


def test_given_a_move_that_was_cut_off_then_the_next_one_finishes_it(
    folder: OperatorFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid_down(folder)
    with monkeypatch.context() as cut:
        cut.setattr(durable, "rename", lambda old, new: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            folder.make()
    assert read_operation(folder) == BEGUN
    with monkeypatch.context() as cut:
        cut.setattr(OperatorFolder, "_sweep", lambda self: None)
        folder.make()
    folder.make()
    assert list((folder.old or folder.path).iterdir()) == []
    assert len(JournalFile(folder).read()["records"]) == 3


@as_root
def test_given_a_journal_that_the_nodes_user_forged_then_it_is_refused_and_never_brought_over(
    folder: OperatorFolder,
) -> None:
    laid_down(folder, STRANGER)
    journal = JournalFile(folder)
    assert f"it belongs to user {STRANGER} instead of 0" in str(journal.read()["broken"])
    assert f"belongs to user {STRANGER}" in (read_operation(folder) or {})["damaged"]
    with pytest.raises(JournalBrokenError):
        journal.append(ENTRY)
    assert not folder.path.exists()
    assert journal.set_aside() == (folder.old or folder.path) / JOURNAL
    (record,) = journal.read()["records"]
    assert record["what"] == "journal moved" and len(record["detail"]["left"]) == 3


@as_root
def test_given_the_folder_of_root_then_nothing_in_the_old_place_counts(
    folder: OperatorFolder,
) -> None:
    folder.make()
    laid_down(folder)
    assert JournalFile(folder).read()["records"] == []
    assert read_operation(folder) is None


def test_given_a_copy_that_knows_another_history_then_no_record_is_appended(folder: OperatorFolder) -> None:
    JournalFile(folder).append(ENTRY)
    copies = copied(append("", ENTRY | {"why": "another"}))
    with pytest.raises(JournalBrokenError, match="another one than the controller has a copy of"):
        JournalFile(folder, copies).append(ENTRY)


@pytest.mark.parametrize(
    "change",
    [{"seq": [1]}, {"seq": True}, {"seq": 10**400}, {"at": 10**400}, {"at": "x"}, {"to": [1]},
     {"detail": [1]}, {"hashes": None}, {"what": {}}, {"gate": "x"}],
)  # fmt: skip
def test_given_a_crafted_record_then_the_journal_is_broken_and_nothing_crashes(
    folder: OperatorFolder, change: dict[str, Any]
) -> None:
    folder.make()
    record = json.loads(append("", ENTRY)) | change
    (folder.path / JOURNAL).write_text(json.dumps(record | {"digest": digest(record)}) + "\n")
    assert JournalFile(folder).read()["broken"]


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 4 MiB."""
    place = Path(tempfile.mkdtemp())
    mounted = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mounted, capture_output=True, check=False).returncode != 0:
        shutil.rmtree(place)
        pytest.skip("no small file system can be mounted here; it takes root")
    yield place
    subprocess.run(["umount", str(place)], check=True)
    shutil.rmtree(place)


def test_given_a_full_disk_then_a_way_back_is_written_from_the_reserve_and_it_comes_again(
    small_disk: Path,
) -> None:
    folder = OperatorFolder(small_disk / "operator")
    JournalFile(folder).append(ENTRY)
    with (small_disk / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="No space"):
        while True:
            filler.write(b"x" * 4096)
    assert write_operation(folder, BEGUN) is True
    assert not (folder.path / RESERVE).exists()
    JournalFile(folder).append(ENTRY)
    (small_disk / "filler").unlink()
    JournalFile(folder).append(ENTRY)
    assert (folder.path / RESERVE).stat().st_blocks * 512 >= 1024 * 1024
    assert len(JournalFile(folder).read()["records"]) == 3

"""Modules that root runs in a folder of the node's user: a trap is named, never told, never waited for."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import stat
import tarfile
from pathlib import Path

import pytest

from .conftest import give_to_nobody
from .test_modules import run

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a folder of another user is made as root")
CAPTURE = json.dumps({"schema": 1}).encode()
NAME = f"{hashlib.sha256(CAPTURE).hexdigest()}.json"
NO_CAPTURE = f"{'0' * 64}.json"


@pytest.fixture
def nodes(open_folder: Path) -> Path:
    """A folder of the node's user, with a capture and traps in it, and a secret of root's beside it."""
    secret = open_folder / "secret"
    secret.write_text('{"secret": "of root"}')
    secret.chmod(0o600)
    nodes = open_folder / "nodes"
    (nodes / "captures").mkdir(parents=True)
    for folder in (nodes, nodes / "captures"):
        (folder / NAME).write_bytes(CAPTURE)
        (folder / NO_CAPTURE).write_text("{}")
        (folder / "link.json").symlink_to(secret)
        os.mkfifo(folder / "pipe.json")
    give_to_nobody(nodes, *nodes.rglob("*"))
    return nodes


def test_given_captures_with_traps_among_them_then_only_what_is_one_is_read(nodes: Path) -> None:
    said = run("capture_files_info", folder=str(nodes / "captures"))
    assert {name: base64.b64decode(data) for name, data in said["captures"].items()} == {NAME: CAPTURE}
    refused = " ".join(said["refused"])
    assert all(name in refused for name in (NO_CAPTURE, "link.json", "pipe.json"))
    assert "of root" not in json.dumps(said)


@pytest.mark.parametrize(("name", "why"), [("link.json", "is a link"), ("pipe.json", "no regular file")])
def test_given_a_trap_in_place_of_an_entry_file_then_it_is_refused(nodes: Path, name: str, why: str) -> None:
    said = run("node_import", src=str(nodes), entries=[str(nodes / name)], backups=str(nodes))
    assert said["failed"] is True
    assert why in said["msg"]
    assert "of root" not in json.dumps(said)


def test_given_a_state_folder_with_traps_then_the_record_holds_what_is_plain_and_only_root_reads_it(
    nodes: Path,
) -> None:
    (nodes / "reserve").write_text("left out")
    said = run("state_record", folders=[str(nodes), str(nodes.parent / "absent")], leave_out=["reserve"])
    archive = Path(said["archive"])
    try:
        with tarfile.open(archive) as tar:
            packed = {entry.name: entry.isreg() for entry in tar}
        kept = (NAME, NO_CAPTURE, f"captures/{NAME}", f"captures/{NO_CAPTURE}")
        assert packed == {f"nodes/{name}": True for name in kept}
        assert len(said["left"]) == 4
        assert all("link.json" in why or "pipe.json" in why for why in said["left"])
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (archive, archive.parent)]
        assert modes == [0o600, 0o700]
    finally:
        shutil.rmtree(archive.parent)


def test_given_nothing_of_the_migration_then_nothing_is_packed(tmp_path: Path) -> None:
    said = run("state_record", folders=[str(tmp_path / "absent")])
    assert (said["changed"], said["archive"], said["left"]) == (False, None, [])

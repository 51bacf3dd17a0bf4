"""What is open on a node: one file, whole or not there, and no link is followed to it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.operator_folder import OperatorFolder
from ansible_collections.coinjecture.migration.plugins.module_utils.pending_operation import (
    OperationError,
    close,
    parse,
    read,
    write,
)

BEGUN: dict[str, Any] = {
    "schema": 1,
    "kind": "rollback",
    "origin": "final",
    "target": "legacy",
    "mode": "final",
    "since": 1_700_000_000.0,
    "by": "ann@laptop",
    "why": "a test",
}


def test_given_an_operation_then_it_is_open_until_it_is_closed(tmp_path: Path) -> None:
    folder = OperatorFolder(tmp_path / "operator")
    assert read(folder) is None
    assert write(folder, BEGUN) is True
    assert read(folder) == BEGUN
    assert write(folder, BEGUN) is False
    assert close(folder) is True
    assert (read(folder), close(folder)) == (None, False)


def test_given_another_one_then_it_takes_the_place_of_the_first(tmp_path: Path) -> None:
    folder = OperatorFolder(tmp_path / "operator")
    write(folder, BEGUN)
    assert write(folder, BEGUN | {"target": "removed"}) is True
    found = read(folder)
    assert found is not None
    assert found["target"] == "removed"
    assert sorted(entry.name for entry in folder.path.iterdir()) == ["backups", "operation.json", "reserve"]


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "party"},
        {"schema": 2},
        {"target": None},
        {"since": "now"},
        {"mode": 7},
        {"by": 1},
        {"since": True},
    ],
)
def test_given_something_else_then_it_is_refused_and_nothing_is_written(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    with pytest.raises(OperationError):
        write(OperatorFolder(tmp_path / "operator"), BEGUN | change)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '"rollback"', "null"])
def test_given_a_damaged_file_then_it_says_so_and_can_be_replaced(tmp_path: Path, text: str) -> None:
    folder, path = OperatorFolder(tmp_path), tmp_path / "operation.json"
    path.write_text(text)
    found = read(folder)
    assert found is not None
    assert str(path) in found["damaged"]
    assert write(folder, BEGUN) is True
    assert read(folder) == BEGUN


def test_given_a_link_in_its_place_then_it_is_not_followed(tmp_path: Path) -> None:
    secret, path = tmp_path / "secret", tmp_path / "operation.json"
    secret.write_text(json.dumps(BEGUN))
    path.symlink_to(secret)
    found = read(OperatorFolder(tmp_path))
    assert found is not None
    assert "damaged" in found
    write(OperatorFolder(tmp_path), BEGUN | {"target": "rust"})
    assert not path.is_symlink()
    assert json.loads(secret.read_text()) == BEGUN


def test_given_a_pipe_in_its_place_then_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "operation.json")
    assert "damaged" in (read(OperatorFolder(tmp_path)) or {})


def test_given_bytes_then_they_are_read_as_text() -> None:
    assert parse(json.dumps(BEGUN).encode())["target"] == "legacy"

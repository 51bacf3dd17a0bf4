"""What must survive a power cut is written by one helper: whole or not at all, and down to the disk."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils import durable
from ansible_collections.coinjecture.migration.plugins.module_utils.durable import (
    keep_reserve,
    link,
    remove,
    rename,
    replace,
    replacing,
)


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was brought to the disk and renamed, in this order."""
    steps: list[str] = []
    sync, move = os.fsync, os.rename

    def note_sync(handle: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        sync(handle)

    def note_move(*arguments: object, **options: int) -> None:
        steps.append("rename")
        move(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "rename", note_move)
    return steps


def test_given_a_file_then_content_name_and_folder_are_on_the_disk(tmp_path: Path, synced: list[str]) -> None:
    replace(tmp_path / "it", "old")
    replace(tmp_path / "it", "new", mode=0o640)
    assert (tmp_path / "it").read_text() == "new"
    assert (tmp_path / "it").stat().st_mode & 0o777 == 0o640
    assert synced == ["file", "rename", "folder"] * 2
    assert [path.name for path in tmp_path.iterdir()] == ["it"]


def test_given_a_link_in_either_place_then_what_it_leads_to_stays_as_it_is(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("of somebody else")
    for name in ("it", ".it.new"):
        (tmp_path / name).symlink_to(other)
    replace(tmp_path / "it", "new")
    assert other.read_text() == "of somebody else"
    assert not (tmp_path / "it").is_symlink()


def test_given_an_end_half_way_then_the_old_file_stands_and_nothing_lies_about(tmp_path: Path) -> None:
    replace(tmp_path / "it", "old")
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "it") as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert (tmp_path / "it").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["it"]


def test_given_links_names_and_removals_then_they_are_on_the_disk_too(
    tmp_path: Path, synced: list[str]
) -> None:
    link(tmp_path / "current", "a")
    link(tmp_path / "current", "b")
    assert (tmp_path / "current").readlink() == Path("b")
    (tmp_path / "inner").mkdir()
    rename(tmp_path / "current", tmp_path / "inner" / "current")
    assert (remove(tmp_path / "inner" / "current"), remove(tmp_path / "inner" / "current")) == (True, False)
    assert synced == ["rename", "folder"] * 2 + ["rename", "folder", "folder"] + ["folder"]


def test_given_a_full_disk_then_the_reserve_is_given_up_for_it_and_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = durable._replace

    def full_while_there_is_a_reserve(path: Path, data: bytes, mode: int) -> None:
        if (tmp_path / "reserve").exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data, mode)

    keep_reserve(tmp_path / "reserve", 100_000)
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 100_000
    monkeypatch.setattr(durable, "_replace", full_while_there_is_a_reserve)
    with pytest.raises(OSError, match="No space left"):
        replace(tmp_path / "it", "x")
    replace(tmp_path / "it", "x", reserve=tmp_path / "reserve")
    assert (tmp_path / "it").read_text() == "x"
    assert not (tmp_path / "reserve").exists()

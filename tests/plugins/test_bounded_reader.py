"""Root reads in a folder of the node's user: what may lie there is never followed, waited for or believed."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils import bounded_reader
from ansible_collections.coinjecture.migration.plugins.module_utils.bounded_reader import (
    UnreadableError,
    folder,
    parse_json,
    read_bytes,
    read_json,
    read_object,
    read_text,
)

STRANGER = 12345
"""A user without a name, who owns the folder that root reads."""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="a folder of another user is made as root")


@pytest.fixture
def strangers(tmp_path: Path) -> Path:
    """A folder that belongs to another user, where this machine lets us make one."""
    place = tmp_path / "strangers"
    place.mkdir(mode=0o750)
    if os.geteuid() == 0:
        os.chown(place, STRANGER, STRANGER)
    return place


def a_link_to_a_secret(place: Path) -> Path:
    secret = place.parent / "secret.json"
    secret.write_text('{"secret": 1}')
    secret.chmod(0o600)
    (place / "it").symlink_to(secret)
    return place / "it"


def a_pipe(place: Path) -> Path:
    os.mkfifo(place / "it")
    return place / "it"


def a_socket(place: Path) -> Path:
    listener = socket.socket(socket.AF_UNIX)
    old = Path.cwd()
    os.chdir(place)
    try:
        listener.bind("it")
    finally:
        os.chdir(old)
        listener.close()
    return place / "it"


def a_device(place: Path) -> Path:
    (place / "it").symlink_to("/dev/zero")
    return place / "it"


def a_folder(place: Path) -> Path:
    (place / "it").mkdir()
    return place / "it"


def a_large_file(place: Path) -> Path:
    with (place / "it").open("wb") as file:
        file.truncate(bounded_reader.MAX_BYTES + 1)
    return place / "it"


@pytest.mark.parametrize(
    "laid", [a_link_to_a_secret, a_pipe, a_socket, a_device, a_folder, a_large_file]
)  # fmt: skip
def test_given_what_is_no_plain_file_then_it_is_named_and_not_read(
    strangers: Path, laid: Callable[[Path], Path]
) -> None:
    path = laid(strangers)
    with pytest.raises(UnreadableError, match=str(path)):
        read_bytes(path)


@as_root
def test_given_a_second_name_of_a_file_of_root_then_its_content_is_not_told(strangers: Path) -> None:
    secret = strangers.parent / "secret.json"
    secret.write_text("{}")
    secret.chmod(0o600)
    os.link(secret, strangers / "it.json")
    with pytest.raises(UnreadableError, match="not the folder's owner's to read"):
        read_json(strangers / "it.json")
    secret.chmod(0o644)
    assert read_json(strangers / "it.json") == {}


@as_root
def test_given_a_folder_that_is_a_link_of_a_stranger_then_nothing_behind_it_is_read(strangers: Path) -> None:
    behind = strangers.parent / "behind"
    behind.mkdir(mode=0o700)
    (behind / "one.json").write_text("{}")
    (strangers / "captures").symlink_to(behind)
    with pytest.raises(UnreadableError, match="captures is no folder"), folder(strangers / "captures"):
        pass
    with pytest.raises(UnreadableError, match="captures is no folder"):
        read_bytes(strangers / "captures" / "one.json")


def test_given_a_folder_that_is_a_link_of_our_own_then_it_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real" / "inner").mkdir(parents=True)
    (tmp_path / "real" / "inner" / "one.json").write_text("[1]")
    (tmp_path / "near").symlink_to("real")
    (tmp_path / "far").symlink_to(tmp_path / "near" / "inner")
    assert read_json(tmp_path / "near" / "inner" / "one.json") == [1]
    assert read_json(tmp_path / "far" / "one.json") == [1]


def test_given_links_in_a_ring_then_the_walk_ends(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(UnreadableError, match="is no folder"):
        read_bytes(tmp_path / "a" / "one.json")


def test_given_no_file_or_no_folder_then_that_is_said_as_such(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path / "none" / "one.json"):
        with pytest.raises(FileNotFoundError):
            read_bytes(path)


def test_given_a_file_that_grows_while_it_is_read_then_reading_ends_at_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "it").write_bytes(b"x")
    monkeypatch.setattr(os, "read", lambda descriptor, size: b"x" * 10)
    with pytest.raises(UnreadableError, match="more than 100 bytes"):
        read_bytes(tmp_path / "it", limit=100)


def test_given_a_file_that_comes_too_slowly_then_reading_ends(tmp_path: Path) -> None:
    (tmp_path / "it").write_bytes(b"x")
    with pytest.raises(UnreadableError, match="takes more than -1 s"):
        read_bytes(tmp_path / "it", seconds=-1)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 60_000, "[" * 60_000 + "]" * 60_000, '{"a":' * 60_000, "[" * 100 + "]" * 100, "", "\x00", "{",
        "[1e999]", "NaN", "[-Infinity]", "1" * 5_000, b"\xff\xfe", '"\\ud800',
    ],
    ids=lambda text: str(text[:8]),
)  # fmt: skip
def test_given_json_that_breaks_a_parser_then_it_is_one_kind_of_error(text: str | bytes) -> None:
    with pytest.raises(UnreadableError, match="the mode file"):
        parse_json(text, "the mode file")


@pytest.mark.parametrize("value", [None, 1, 1.5, "x", [], {}, {"a": [{"b": [1, 2]}]}])
def test_given_ordinary_json_then_it_is_what_was_written(tmp_path: Path, value: object) -> None:
    (tmp_path / "it.json").write_text(json.dumps(value))
    assert read_json(tmp_path / "it.json") == value


def test_given_another_value_than_an_object_or_no_text_then_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "it").write_bytes(b"[1]")
    with pytest.raises(UnreadableError, match="no JSON object"):
        read_object(tmp_path / "it")
    (tmp_path / "it").write_bytes(b"\xff")
    with pytest.raises(UnreadableError, match="no text"):
        read_text(tmp_path / "it")


def test_given_more_names_than_anybody_needs_then_listing_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("b.json", "a.json", ".hidden.json", "c.txt"):
        (tmp_path / name).touch()
    with folder(tmp_path) as handle:
        assert bounded_reader.names(handle, tmp_path, ".json") == ["a.json", "b.json"]
        monkeypatch.setattr(bounded_reader, "MAX_NAMES", 3)
        with pytest.raises(UnreadableError, match="more than 3 names"):
            bounded_reader.names(handle, tmp_path)

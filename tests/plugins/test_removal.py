"""What is taken away is what was named, and links lead nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.coinjecture.migration.plugins.modules.paths_absent import doomed, empty, remove


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A folder of the migration, with the open operation in it."""
    folder = tmp_path / "state"
    (folder / "captures").mkdir(parents=True)
    for name in ("mode.json", "operation.json", "captures/one.json"):
        (folder / name).write_text("{}")
    return folder


def test_given_a_folder_then_it_goes_whole(state: Path) -> None:
    remove(doomed([state]))
    assert not state.exists()


def test_given_something_to_keep_then_everything_around_it_goes(state: Path) -> None:
    remove(doomed([state], [state / "operation.json"]))
    assert [path.name for path in state.iterdir()] == ["operation.json"]


def test_given_paths_that_are_not_there_then_nothing_is_doomed(tmp_path: Path) -> None:
    assert doomed([tmp_path / "a", tmp_path / "b"]) == []


def test_given_links_then_only_they_go(tmp_path: Path, state: Path) -> None:
    (tmp_path / "current").symlink_to(state)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    remove(doomed([tmp_path / "current", tmp_path / "dangling"]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state"]
    assert (state / "mode.json").exists()


def test_given_a_folder_of_others_then_it_goes_only_when_it_is_empty(tmp_path: Path) -> None:
    folder = tmp_path / "node.service.d"
    folder.mkdir()
    ours, theirs = folder / "50-migration.conf", folder / "10-theirs.conf"
    ours.touch()
    assert empty([folder], [ours]) == [folder]
    theirs.touch()
    assert empty([folder], [ours]) == []
    assert empty([tmp_path / "nowhere"]) == []

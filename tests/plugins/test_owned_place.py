"""Files in folders of the node's user: changed with that user's rights alone, and no link followed."""

from __future__ import annotations

import json
import os
import pwd
import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.entries import Entries
from ansible_collections.coinjecture.migration.plugins.module_utils.node_state import read_places
from ansible_collections.coinjecture.migration.plugins.module_utils.operator_folder import OperatorFolder
from ansible_collections.coinjecture.migration.plugins.module_utils.owned_place import (
    act,
    of_root,
    rewrite,
    rights,
)
from ansible_collections.coinjecture.migration.plugins.module_utils.release import (
    Interpreter,
    install,
    switch,
)
from ansible_collections.coinjecture.migration.plugins.module_utils.sealed import SealError, seal
from ansible_collections.coinjecture.migration.plugins.modules.paths_absent import remove
from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning.troubles import troubles

from .conftest import give_to_nobody
from .test_modules import PAIR
from .test_modules import run as run_module

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a folder of another user is made as root")
NODE = pwd.getpwnam("nobody")


@pytest.fixture
def place(open_folder: Path) -> Path:
    """A folder of root's with a secret in it, and in `home` one of the node's user with its sources."""
    (open_folder / "secret").write_text("of root")
    (open_folder / "secret").chmod(0o600)
    (open_folder / "roots").mkdir()
    home = open_folder / "home"
    (home / "src").mkdir(parents=True)
    (home / "src/node.py").write_text(PAIR)
    give_to_nobody(home, *home.rglob("*"))
    return open_folder


def untouched(place: Path) -> bool:
    """Whether root's own are as they were."""
    found = (place / "secret").stat()
    return (
        (place / "secret").read_text() == "of root"
        and (found.st_uid, stat.S_IMODE(found.st_mode)) == (0, 0o600)
        and list((place / "roots").iterdir()) == []
    )


def test_given_a_folder_of_another_user_on_the_way_then_its_owner_has_the_rights(place: Path) -> None:
    assert rights(place / "roots") is None
    assert rights(place / "home/src/not/yet") == (NODE.pw_uid, NODE.pw_gid)
    (place / "home/inner").mkdir()  # of root's, in a folder that the node's user can rename
    assert rights(place / "home/inner") == (NODE.pw_uid, NODE.pw_gid)


def test_given_a_link_of_the_nodes_user_to_a_folder_of_roots_then_it_gives_no_rights_there(
    place: Path,
) -> None:
    (place / "home/link").symlink_to(place / "roots")
    assert rights(place / "home/link") == (NODE.pw_uid, NODE.pw_gid)
    with pytest.raises(OSError, match="as user"):
        rewrite(place / "home/link/node.py", b"x")
    with pytest.raises(OSError, match="as user"):
        remove([place / "home/link/../secret"])
    assert untouched(place)


def test_given_a_link_of_roots_own_then_it_is_followed(place: Path) -> None:
    (place / "link").symlink_to(place / "roots")
    assert rights(place / "link") is None


def test_given_a_folder_of_roots_that_others_can_change_then_nothing_is_done_there(place: Path) -> None:
    (place / "roots").chmod(0o775)
    with pytest.raises(OSError, match="can be changed by others"):
        act(place / "roots", lambda: (place / "roots/x").touch())
    assert untouched(place)


def test_given_node_py_of_the_nodes_user_then_the_edit_is_that_users(place: Path) -> None:
    path = place / "home/src/node.py"
    said = run_module("node_import", src=str(path.parent), entries=[str(path)], backups=str(place))
    assert said["changed"] is True, said
    assert "consensus_wrapper" in path.read_text()
    assert path.stat().st_uid == NODE.pw_uid


def test_given_a_link_in_place_of_node_py_then_it_is_neither_read_nor_written(place: Path) -> None:
    path = place / "home/src/node.py"
    path.unlink()
    path.symlink_to(place / "secret")
    said = run_module("node_import", src=str(path.parent), entries=[str(path)], backups=str(place))
    assert "it is a link" in said["msg"]
    assert untouched(place)


def the_wrapper(place: Path) -> dict[str, Any]:
    """What `source_tree` says when it brings a wrapper of one file into the sources."""
    tree = place / "wrapper"
    tree.mkdir(exist_ok=True)
    (tree / "x.py").write_text("X = 1\n")
    return run_module(
        "source_tree", dest=str(place / "home/src"), trees=[{"from": str(tree), "to": "wrapper"}]
    )


def test_given_sources_of_the_nodes_user_then_the_wrapper_is_laid_down_as_that_user(place: Path) -> None:
    assert the_wrapper(place)["changed"] is True
    assert (place / "home/src/wrapper/x.py").stat().st_uid == NODE.pw_uid
    assert the_wrapper(place)["changed"] is False


def test_given_a_link_in_place_of_the_wrappers_folder_then_nothing_is_laid_down_behind_it(
    place: Path,
) -> None:
    (place / "home/src/wrapper").symlink_to(place / "roots")
    said = the_wrapper(place)
    assert said["failed"] is True, said
    assert untouched(place)


def test_given_a_link_among_the_sources_then_its_target_is_not_sealed(place: Path) -> None:
    (place / "home/src/consensus.py").symlink_to(place / "secret")
    (place / "release").mkdir()
    (place / "release/x.whl").touch()
    entries = Entries(place / "home/src", (place / "home/src/node.py",))
    with pytest.raises(SealError, match="it is a link"):
        seal(entries, place / "release", place / "sealed", "ops", 1.0)
    assert not (place / "sealed").exists()


def test_given_a_place_of_roots_in_a_folder_of_the_nodes_user_then_nothing_is_kept_there(
    place: Path,
) -> None:
    home, words = place / "home", "who could change what root keeps there"
    for keep in (
        lambda: install(place / "x.whl", "0" * 64, home / "releases", Interpreter("python", ""), False),
        lambda: switch(home / "current", place / "roots"),
        lambda: OperatorFolder(home / "operator").make(),
        lambda: of_root(home / "sealed"),
    ):
        with pytest.raises(OSError, match=words):
            keep()
    assert sorted(path.name for path in home.iterdir()) == ["src"]
    (told,) = read_places([home / "releases", place / "roots", home / "releases"])
    assert words in told
    assert told in troubles("node1", json.loads(json.dumps({"places": [told]})))

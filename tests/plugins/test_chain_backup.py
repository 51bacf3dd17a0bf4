"""Root's copy of the chain: read with the rights of the node's user, kept where that user cannot write."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils import chain_backup
from ansible_collections.coinjecture.migration.plugins.module_utils.chain_backup import bring_old, take
from ansible_collections.coinjecture.migration.plugins.module_utils.operator_folder import OperatorFolder

from .conftest import give_to_nobody

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a folder of another user is made as root")


@pytest.fixture
def node(open_folder: Path) -> Path:
    """A node's folders, with a chain of the user nobody."""
    for name in ("chain", "state"):
        (open_folder / name).mkdir()
    with sqlite3.connect(open_folder / "chain/chain.db") as database:
        database.execute("CREATE TABLE blocks (seq INTEGER, raw TEXT)")
        database.executemany("INSERT INTO blocks VALUES (?, 'x')", [(n,) for n in range(10)])
    database.close()
    give_to_nobody(*(open_folder / name for name in ("chain", "state", "chain/chain.db")))
    return open_folder


def test_given_a_chain_of_the_nodes_user_then_the_copy_is_roots_alone(node: Path) -> None:
    operator = OperatorFolder(node / "operator", node / "state")
    made = take(node / "chain/chain.db", "copy.db", operator, "nobody")
    copy = node / "operator/backups/copy.db"
    assert made and made["rows"] == {"blocks": 10}
    assert (copy.stat().st_uid, copy.stat().st_mode & 0o777) == (0, 0o600)
    assert copy.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in operator.path.iterdir() if path.name.startswith(".chain")] == []
    assert take(node / "chain/chain.db", "copy.db", operator, "nobody") is None


def test_given_old_backups_then_plain_files_are_brought_and_a_link_is_named(node: Path) -> None:
    operator = OperatorFolder(node / "operator", node / "state")
    secret = node / "secret"
    secret.write_text("of root")
    (node / "state/backups").mkdir()
    (node / "state/backups/old.db").write_text("a chain")
    (node / "state/backups/link.db").symlink_to(secret)
    (left,) = bring_old(operator)
    assert "link.db: it is a link" in left
    assert [path.name for path in (node / "operator" / chain_backup.BACKUPS).iterdir()] == ["old.db"]
    assert secret.stat().st_uid == 0

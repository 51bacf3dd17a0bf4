"""Given both nodes after phase 3: what is in force, what belongs to whom, what is gone."""

from __future__ import annotations

import hashlib

import pytest
from droplets import NODES, OPERATOR, SRC, STATE, connect, listening, listening_before, status
from testinfra.host import Host

from testnet.lab.plan import Droplet

BOTH = pytest.mark.parametrize("droplet", NODES, ids=lambda droplet: droplet.name)


@BOTH
def test_then_final_is_in_force_and_rust_answers(droplet: Droplet) -> None:
    said = status(connect(droplet))
    assert (said["mode"], said["answering"], said["latched"]) == ("final", "rust", None)
    assert said["engines"]["rust"]["loaded"] is True


@BOTH
def test_then_the_legacy_module_is_not_imported(droplet: Droplet) -> None:
    legacy = status(connect(droplet))["engines"]["legacy"]
    assert (legacy["loaded"], legacy["module_imported"]) == (False, False)


@BOTH
def test_then_nothing_ever_diverged(droplet: Droplet) -> None:
    ever = status(connect(droplet))["evidence"]["ever"]
    assert ever == {"divergence": 0, "rust_error": 0, "legacy_error": 0}


@BOTH
def test_then_the_same_sockets_listen_as_before(droplet: Droplet) -> None:
    before = listening_before(droplet.name)
    assert any(line.endswith(":8080") for line in before)
    assert listening(connect(droplet)) == before


@BOTH
@pytest.mark.parametrize(
    ("path", "owner", "mode"),
    [
        (f"{SRC}/node.py", "root", 0o644),
        (f"{SRC}/consensus_wrapper.py", "root", 0o644),
        (f"{SRC}/coinjecture_migration/__init__.py", "root", 0o644),
        (f"{SRC}/consensus_surface/__init__.py", "root", 0o644),
        ("/etc/coinjecture-migration/wrapper.json", "root", 0o644),
        ("/etc/systemd/system/coinjecture-node.service.d/50-migration.conf", "root", 0o644),
        ("/opt/coinjecture/releases", "root", 0o755),
        (STATE, "coinjecture", 0o750),
        (OPERATOR, "root", 0o755),
        (f"{OPERATOR}/backups", "root", 0o700),
    ],
)
def test_then_every_file_has_its_owner(droplet: Droplet, path: str, owner: str, mode: int) -> None:
    found = connect(droplet).file(path)
    assert (found.user, found.group, oct(found.mode)) == (owner, owner, oct(mode))


@BOTH
def test_then_nothing_below_the_code_can_be_written_by_the_node(droplet: Droplet) -> None:
    search = "find -L /opt/coinjecture ! -user root -o -perm /022 ! -type l | head"
    loose = connect(droplet).check_output(search)
    assert loose == ""


def test_then_both_nodes_run_the_same_bytes() -> None:
    releases = {connect(droplet).file("/opt/coinjecture/current").linked_to for droplet in NODES}
    assert len(releases) == 1
    release = releases.pop()
    for droplet in NODES:
        wheel = connect(droplet).check_output(f"sha256sum {release}/*.whl").split()[0]
        assert release == f"/opt/coinjecture/releases/{wheel}"


@BOTH
def test_then_node_py_as_it_was_is_kept_under_its_hash(droplet: Droplet) -> None:
    host: Host = connect(droplet)
    kept = host.check_output(f"ls {OPERATOR}/backups/node.py.*").splitlines()
    assert len(kept) == 1
    content: bytes = host.file(kept[0]).content
    assert kept[0].endswith(hashlib.sha256(content).hexdigest())
    assert b"from consensus import" in content


@BOTH
def test_then_the_copy_of_the_chain_is_whole(droplet: Droplet) -> None:
    copy = f"{OPERATOR}/backups/chain-before-migration.db"
    assert connect(droplet).check_output(f"sqlite3 -readonly {copy} 'PRAGMA integrity_check'") == "ok"

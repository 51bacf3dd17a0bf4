"""A wheel that comes and goes, and a node on which nothing of the migration is left."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.replay.support import GENESIS_BLOCK, capture_file, capture_of, child, wrong_legacy

from . import support
from .support import Operator, mode, open_operation, sha256

pytestmark = pytest.mark.droplets

CURRENT = "/opt/coinjecture/current"
CAPTURES = "/var/lib/coinjecture-migration/captures"
BROKEN = """
class ConsensusConfig:
    pass


class ConsensusEngine:
    def __init__(self, *_):
        raise RuntimeError("a build that can be imported and makes no engine")
"""


def running() -> str:
    """The release of the process, which is the one in force."""
    status = support.NODE.status()
    assert support.NODE.ssh("readlink", CURRENT).decode().strip().endswith(status["process"]["release"])
    return str(status["process"]["release"])


def test_given_another_wheel_then_it_replaces_the_build_and_the_soak_begins_anew(
    operator: Operator, tmp_path: Path
) -> None:
    began, before, old = time.time(), mode(), running()
    wheel = support.repacked(tmp_path, {"coinjecture/_again.py": ""})
    done = operator.play("upgrade", wheel=str(wheel))
    assert done.status == 0, done.said[-3000:]
    assert f"the soak of {before} begins anew" in done.said
    assert (mode(), running(), open_operation()) == (before, sha256(wheel), None)
    assert support.NODE.status()["evidence"]["soak_started"] > began
    support.NODE.ssh("test", "-d", f"/opt/coinjecture/releases/{old}")
    again = operator.play("upgrade", wheel=str(wheel))
    assert "nothing to do" in again.said and "changed=0" in again.said, again.said[-3000:]
    assert support.failures(began) == []


def test_given_a_captured_divergence_that_still_diverges_then_the_wheel_is_refused(
    operator: Operator, tmp_path: Path
) -> None:
    old = running()
    # A legacy engine with another rule stands for the one that the Rust engine does not agree with.
    other = wrong_legacy(tmp_path / "other", 'block["timestamp"] <= parent', 'block["timestamp"] < parent')
    capture = capture_file(tmp_path, capture_of(child(timestamp=GENESIS_BLOCK["timestamp"])))
    support.NODE.ssh("mkdir", "-p", "/opt/other", CAPTURES)
    for path in (other, other.with_name("pow.py")):
        support.NODE.ssh("tee", f"/opt/other/{path.name}", stdin=path.read_bytes())
    support.NODE.ssh("tee", f"{CAPTURES}/{capture.name}", stdin=capture.read_bytes())
    wheel = support.repacked(tmp_path, {"coinjecture/_third.py": ""})
    try:
        refused = operator.play("upgrade", wheel=str(wheel), upgrade_legacy="/opt/other/consensus.py")
        assert refused.status == 2
        assert "this wheel still diverges on at least one of 1 captured divergences" in refused.said, (
            refused.said[-3000:]
        )
        assert (running(), open_operation()) == (old, None)
        agreed = operator.play("upgrade", "--check", wheel=str(wheel))
        assert "would judge 1 captured divergences again" in agreed.said, agreed.said[-3000:]
    finally:
        support.NODE.ssh("rm", "-r", "/opt/other", f"{CAPTURES}/{capture.name}")


@pytest.mark.soak
def test_given_a_build_that_cannot_be_imported_then_it_is_refused_before_anything_is_restarted(
    operator: Operator, tmp_path: Path
) -> None:
    old, pid = running(), support.NODE.status()["process"]["pid"]
    wheel = support.repacked(tmp_path, {"coinjecture/consensus.py": "raise ImportError('broken')\n"})
    refused = operator.play("upgrade", wheel=str(wheel))
    assert refused.status == 2
    assert "the release is not installed" in refused.said, refused.said[-3000:]
    assert (running(), support.NODE.status()["process"]["pid"], open_operation()) == (old, pid, None)


@pytest.mark.soak
@pytest.mark.parametrize("where", ["shadow", "final"])
def test_given_a_build_that_makes_no_engine_then_the_old_one_is_back_in_the_same_mode(
    operator: Operator, tmp_path: Path, where: str
) -> None:
    began, old = time.time(), running()
    support.set_mode(where)
    wheel = support.repacked(tmp_path, {"coinjecture/consensus.py": BROKEN})
    failed = operator.play("upgrade", wheel=str(wheel))
    assert failed.status == 2
    assert (mode(), running(), open_operation()) == (where, old, None), failed.said[-3000:]
    assert support.failures(began) == []
    if support.NODE.status()["latched"]:
        support.NODE.ssh("sh", "-c", f"'{support.CONTROL} ack --why test'")
    support.set_mode("shadow")


def test_given_removed_then_the_node_is_as_it_was_and_as_one_that_was_never_touched(
    operator: Operator, untouched: dict[str, object]
) -> None:
    began = time.time()
    done = operator.play("rollback", to="removed")
    assert done.status == 0, done.said[-3000:]
    now = support.snapshot(support.NODE)
    assert support.differences(untouched, now) == {}
    assert support.differences(now, support.snapshot(support.UNTOUCHED), support.OF_ONE_HOST) == {}
    assert (mode(), support.serves()) == ("none", True)
    again = operator.play("rollback", to="removed")
    assert "nothing of the migration is left" in again.said and "changed=0" in again.said, again.said[-3000:]
    assert support.failures(began) == []

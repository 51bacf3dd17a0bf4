"""A change of mode that is refused leaves everything as it was: not only the mode."""

import errno
import os
import sqlite3
import stat
from collections.abc import Callable
from typing import Any

import pytest
from coinjecture_migration.control.status import report as status_of
from coinjecture_migration.runtime import durable
from coinjecture_migration.runtime.errors import ModeChangeError
from consensus_wrapper import DualRunConsensus

from tests.oracle.support import sealed
from tests.wrapper.conftest import Place, SmallDisk, chain, genesis_block
from tests.wrapper.double import DoubleEngine
from tests.wrapper.test_hostile_engines import WrongRule

VOLATILE = ("now", "flushed", "observed_seconds")
WRONG = sealed(genesis_block(), tag=666)


def whole(wrapper: DualRunConsensus, place: Place) -> dict[str, Any]:
    """Everything that a change of mode touches: in memory, in the evidence, in the files."""
    manager = wrapper._manager
    active, sync, preparation = manager.active, manager.active.sync, manager.preparation
    with sqlite3.connect(f"file:{place.state}/evidence.db?mode=ro", uri=True) as db:
        soaks = db.execute("SELECT id, mode FROM soak").fetchall()
        facts = dict(db.execute("SELECT name, value FROM fact WHERE name IN ('latched', 'baseline')"))
    status = status_of(manager)
    return {
        "active": id(active),
        "soak": (id(active.soak), manager.evidence.soak is active.soak),
        "record": manager._record,
        "sync": (sync.follower, sync.suspended, sync._everything, dict(sync._keys)),
        "preparation": preparation and (id(preparation), preparation.state, id(preparation.engine)),
        "report": {name: value for name, value in wrapper.stats().items() if name not in VOLATILE},
        "status": {
            name: status[name] for name in ("mode", "since", "latched", "unacknowledged", "mode_file")
        },
        "soaks": soaks,
        "facts": facts,
        "mode file": place.mode_file.read_bytes(),
        "files": sorted(
            p.name for p in place.state.iterdir() if not p.name.startswith(("evidence", "filler"))
        ),
    }


# Each cause makes the change refused, and returns how it is taken away again.

Cause = Callable[[DualRunConsensus, Place, SmallDisk, pytest.MonkeyPatch], Callable[[], None]]


def full(wrapper: DualRunConsensus, place: Place, disk: SmallDisk, _: Any) -> Callable[[], None]:
    """The disk is full; a way back would succeed, so its reserve is gone too."""
    disk.fill(reserve=wrapper.mode.value == "shadow")
    return disk.empty


def read_only(wrapper: DualRunConsensus, place: Place, disk: SmallDisk, _: Any) -> Callable[[], None]:
    disk.read_only()
    return disk.writable


def folder_gone(
    wrapper: DualRunConsensus, place: Place, _: SmallDisk, patch: pytest.MonkeyPatch
) -> Callable[[], None]:
    away = place.folder / "nowhere" / "mode.json"
    there = wrapper._manager.memory._path
    patch.setattr(wrapper._manager.memory, "_path", away)
    return lambda: patch.setattr(wrapper._manager.memory, "_path", there)


def folder_not_synced(
    wrapper: DualRunConsensus, place: Place, _: SmallDisk, patch: pytest.MonkeyPatch
) -> Callable[[], None]:
    """The new file is in its place already when the folder refuses."""
    real, refused = os.fsync, [True]

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode) and refused:
            refused.clear()
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    patch.setattr(durable.os, "fsync", fsync)
    return lambda: patch.setattr(durable.os, "fsync", real)


def raising(error: BaseException, *attributes: str) -> Cause:
    """Something inside raises what nobody has thought of."""

    def cause(
        wrapper: DualRunConsensus, _place: Place, _disk: SmallDisk, patch: pytest.MonkeyPatch
    ) -> Callable[[], None]:
        target: Any = wrapper._manager
        for name in attributes[:-1]:
            target = getattr(target, name)
        before = getattr(target, attributes[-1])

        def broken(*_: Any, **__: Any) -> Any:
            raise error

        patch.setattr(target, attributes[-1], broken)
        return lambda: patch.setattr(target, attributes[-1], before)

    return cause


CAUSES: dict[str, Cause] = {
    "full disk": full,
    "read-only disk": read_only,
    "folder gone": folder_gone,
    "folder not synced": folder_not_synced,
    "no memory for the record": raising(MemoryError(), "memory", "_write"),
    "no memory for the soak": raising(MemoryError(), "evidence", "prepared"),
    "no descriptors for the release": raising(OSError(errno.EMFILE, "too many"), "loader", "_linked_release"),
    "no baseline": raising(RuntimeError("odd"), "_baseline"),
}


def at_work(place: Place, rust: Any, mode: str) -> DualRunConsensus:
    """A node with a chain; in `rust` its engines have parted, which a change to legacy's answer would end."""
    rust(WrongRule)
    place.settings(on_divergence="rust", control_socket=str(place.sockets / "control.sock"))
    wrapper = place.start(mode)
    for block in chain(3):
        place.judge(wrapper, block)
    if mode == "rust":
        place.judge(wrapper, WRONG)
        assert wrapper._manager.active.sync.suspended
    assert wrapper._manager.evidence.flush()
    return wrapper


@pytest.mark.parametrize(("old", "new"), [("shadow", "rust"), ("rust", "shadow"), ("rust", "final")])
@pytest.mark.parametrize("cause", CAUSES)
def test_given_something_that_refuses_when_a_mode_is_set_then_all_is_as_it_was_and_later_it_succeeds(
    place: Place, disk: SmallDisk, rust: Any, monkeypatch: pytest.MonkeyPatch, cause: str, old: str, new: str
) -> None:
    wrapper = at_work(place, rust, old)
    before = whole(wrapper, place)
    mend = CAUSES[cause](wrapper, place, disk, monkeypatch)
    with pytest.raises((ModeChangeError, MemoryError, OSError, RuntimeError)):
        wrapper.set_mode(new, who="eve", why="a step")
    mend()
    assert wrapper._manager.evidence.flush()
    assert whole(wrapper, place) == before
    divergences = wrapper.stats()["outcomes"]["divergence"]
    if old == "shadow":
        place.judge(wrapper, sealed(chain(3)[-1], tag=666))
        assert wrapper.stats()["outcomes"]["divergence"] == divergences + 1, "it counts where it is reported"
    wrapper.set_mode(new, who="eve", why="again")
    assert (wrapper.mode.value, wrapper.stats()["mode"], place.recorded_mode()["mode"]) == (new, new, new)
    assert status_of(wrapper._manager)["mode_file"]["problem"] is None


def latch(wrapper: DualRunConsensus, _: Place) -> None:
    wrapper._manager.demote(wrapper._manager.active, "a test", None)


def fork(wrapper: DualRunConsensus, _: Place) -> None:
    found = {"at": 1.0, "peer": "http://p", "height": 1, "own": "a", "peers": "b", "dump": None}
    wrapper._manager.watchers.sentinel.restore(found)


def evidence_refuses(wrapper: DualRunConsensus, _: Place) -> None:
    def refuse(_batch: Any) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    wrapper._manager.evidence._store.write = refuse  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("arrange", "target", "if_mode", "code"),
    [
        (latch, "rust", None, "latched"),
        (fork, "rust", None, "fork"),
        (evidence_refuses, "rust", None, "evidence"),
        (lambda *_: None, "rust", "legacy", "other_mode"),
        (lambda *_: None, "turbo", None, "unknown_mode"),
    ],
    ids=["latched", "fork", "evidence", "other mode", "unknown mode"],
)
def test_given_a_rule_that_refuses_when_a_mode_is_committed_then_all_is_as_it_was(
    place: Place, arrange: Any, target: str, if_mode: str | None, code: str
) -> None:
    wrapper = place.start("shadow")
    arrange(wrapper, place)
    wrapper._manager.evidence.flush()
    before = whole(wrapper, place)
    with pytest.raises(ModeChangeError) as refused:
        wrapper._manager.commit(target, "eve", "a step", if_mode)
    assert refused.value.code == code
    assert whole(wrapper, place) == before


@pytest.mark.parametrize("state", ["none", "failed", "another mode"])
def test_given_no_fitting_preparation_when_a_mode_is_committed_then_all_is_as_it_was(
    place: Place, rust: Any, state: str
) -> None:
    class Unbuildable(DoubleEngine):
        def __init__(self, *args: Any) -> None:
            raise KeyError("odd")

    wrapper = place.start("legacy")
    if state != "none":
        rust(Unbuildable if state == "failed" else DoubleEngine)
        wrapper._manager.prepare("shadow" if state == "failed" else "final", "eve").wait()
    wrapper._manager.evidence.flush()
    before = whole(wrapper, place)
    with pytest.raises(ModeChangeError) as refused:
        wrapper._manager.commit("shadow", "eve", "too early")
    assert refused.value.code == "not_prepared"
    assert whole(wrapper, place) == before


def test_given_a_disk_that_refuses_when_a_latch_is_acknowledged_then_it_is_as_it_was(
    place: Place, disk: SmallDisk, rust: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rust(WrongRule)
    wrapper = place.start("rust")
    place.judge(wrapper, WRONG)
    fork(wrapper, place)
    wrapper._manager._remember_watched()
    before = whole(wrapper, place)
    for cause in (
        full,
        read_only,
        folder_gone,
        folder_not_synced,
        raising(MemoryError(), "memory", "_write"),
    ):
        mend = cause(wrapper, place, disk, monkeypatch)
        if cause is full:
            disk.fill(reserve=False)
        with pytest.raises((ModeChangeError, MemoryError)) as refused:
            wrapper._manager.ack("eve", "seen")
        mend()
        if cause is read_only:
            assert "read-only" in str(refused.value) and "make room" not in str(refused.value)
        wrapper._manager._reserve.fill()
        assert whole(wrapper, place) == before
    assert wrapper._manager.ack("eve", "seen")["watchers"] == ["fork"]
    assert status_of(wrapper._manager)["unacknowledged"] == []


def test_given_evidence_that_refuses_when_a_latch_is_acknowledged_then_nothing_is_claimed(
    place: Place, rust: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rust(WrongRule)
    wrapper = place.start("rust")
    place.judge(wrapper, WRONG)
    assert wrapper._manager.evidence.flush()
    before = whole(wrapper, place)
    with monkeypatch.context() as patch:
        patch.setattr(wrapper._manager.evidence._store, "write", evidence_broken)
        with pytest.raises(
            ModeChangeError, match=r"the evidence could not be written; the latch stays in both"
        ):
            wrapper._manager.ack("eve", "seen")
    assert whole(wrapper, place) == before
    assert wrapper._manager.evidence.flush(), "and no later flush clears it"
    assert whole(wrapper, place) == before
    wrapper.close()
    assert status_of(place.start(None)._manager)["latched"] is not None


def evidence_broken(_batch: Any) -> None:
    raise sqlite3.OperationalError("disk I/O error")


def test_given_a_demotion_in_between_when_final_is_refused_then_only_the_demotion_is_there(
    place: Place, rust: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = place.start("rust")
    manager, under = wrapper._manager, wrapper._manager.active
    wait = under.calls.wait_for_last

    def and_demote(seconds: float) -> bool:
        manager.demote(under, "a divergence of the last call", None)
        return wait(seconds)

    monkeypatch.setattr(under.calls, "wait_for_last", and_demote)
    with pytest.raises(ModeChangeError) as refused:
        wrapper.set_mode("final", who="eve", why="phase 3")
    assert refused.value.code == "demoted"
    assert (wrapper.mode.value, wrapper.stats()["mode"], place.recorded_mode()["mode"]) == ("shadow",) * 3
    assert manager.active.soak is manager.evidence.soak
    assert manager.active.sync is under.sync
    assert wrapper.stats()["baseline"] is None, "no soak has ended in final"
    assert place.recorded_mode()["latched"]["from"] == "rust"

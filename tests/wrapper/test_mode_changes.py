"""Prepare in the background, commit at once, and every way back."""

import itertools
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from coinjecture_migration.control.status import report as status_of
from coinjecture_migration.evidence_reader import read
from coinjecture_migration.runtime.errors import ModeChangeError
from coinjecture_migration.vocabulary import MODES
from consensus_wrapper import ConsensusMode, DualRunConsensus

from tests.oracle.support import bits, sealed
from tests.wrapper.conftest import Place, chain, genesis_block
from tests.wrapper.double import DoubleEngine, held
from tests.wrapper.test_hostile_engines import WrongRule
from tests.wrapper.test_modes import outcomes

ROOT = Path(__file__).parents[2]


def change(wrapper: DualRunConsensus, mode: str) -> None:
    wrapper.set_mode(mode, who="test", why="a step")


@pytest.mark.parametrize(("old", "new"), list(itertools.permutations(MODES, 2)))
def test_given_a_chain_when_the_mode_changes_then_nothing_of_it_is_lost_and_judging_goes_on(
    place: Place, old: str, new: str
) -> None:
    wrapper = place.start(old)
    blocks = chain(12)
    for block in blocks[:6]:
        assert place.judge(wrapper, block) == "accept"
    tip = wrapper.best_tip
    change(wrapper, new)
    assert wrapper.mode is ConsensusMode(new)
    assert place.recorded_mode()["mode"] == new
    assert (wrapper.best_tip.cumulative_work, wrapper.best_tip.receipt_time) == (
        tip.cumulative_work,
        tip.receipt_time,
    )
    assert [block["block_hash"] for block in wrapper.get_chain_from_genesis()[1:]] == [
        block["block_hash"] for block in blocks[:6]
    ]
    for block in blocks[6:]:
        assert place.judge(wrapper, block) == "accept"
    assert outcomes(wrapper) == {"match" if new in ("shadow", "rust") else "alone": 6}
    assert ("consensus" in sys.modules) == (new != "final")


def test_given_a_change_then_the_evidence_is_brought_to_the_disk_once_and_the_rest_is_left_to_its_thread(
    place: Place,
) -> None:
    wrapper = place.start("shadow")
    for block in chain(6):
        place.judge(wrapper, block)
    evidence = wrapper._manager.evidence
    evidence.thread.close(wait=True)
    evidence._turn()
    place.judge(wrapper, chain(7)[-1])
    said: list[str] = []
    evidence._store._open().set_trace_callback(said.append)
    change(wrapper, "rust")
    assert [one for one in said if one.startswith("PRAGMA")] == ["PRAGMA synchronous=FULL"]
    evidence._turn()
    assert "PRAGMA wal_checkpoint(PASSIVE)" in said
    found = read(place.state / "evidence.db")
    assert (found["evidence"]["mode"], found["totals"]["shadow"]["match"]) == ("rust", 7)


def test_given_a_way_back_when_it_is_answered_then_the_mode_is_in_both_places_and_soon_all_of_both_soaks(
    place: Place,
) -> None:
    wrapper = place.start("rust")
    evidence = wrapper._manager.evidence
    evidence.thread.close(wait=True)
    evidence._turn()
    for block in chain(6):
        place.judge(wrapper, block)
    change(wrapper, "shadow")
    with sqlite3.connect(f"file:{place.state}/evidence.db?mode=ro", uri=True) as db:
        assert db.execute("SELECT value FROM fact WHERE name = 'mode'").fetchone() == ('"shadow"',)
    assert place.recorded_mode()["mode"] == "shadow"
    evidence._turn()
    assert read(place.state / "evidence.db")["evidence"]["mode"] == "shadow"
    assert read(place.state / "evidence.db")["totals"]["rust"]["match"] == 6
    assert wrapper.stats()["ever"] == {"divergence": 0, "rust_error": 0, "legacy_error": 0}


def test_given_branches_and_blocks_sent_again_when_final_goes_back_to_legacy_then_tree_and_tip_are_the_same(
    place: Place,
) -> None:
    wrapper = place.start("shadow")
    trunk, branch = chain(5, tag=1), chain(3, tag=2)
    again = trunk[2] | {"complexity": trunk[2]["complexity"] | {"measured_solve_time": 0.5}}
    for block in [*trunk, *branch, again, *chain(2, trunk[2], tag=3)]:
        assert place.judge(wrapper, block) == "accept"
    before = tree_of(wrapper)
    change(wrapper, "final")
    assert tree_of(wrapper) == before
    change(wrapper, "legacy")
    assert tree_of(wrapper) == before


def test_given_nodes_the_log_cannot_contain_when_a_mode_is_prepared_then_they_are_copied(
    place: Place,
) -> None:
    wrapper = place.start("legacy")
    good = chain(3)
    for block in good:
        place.judge(wrapper, block)
    infinite = sealed(good[-1], work={"measured_solve_time": 1e308, "measured_verify_time": 1e-9})
    assert place.judge(wrapper, infinite) == "malformed"
    unlogged = sealed(good[0], tag=9)
    wrapper.verify_block(unlogged)
    wrapper.handle_reorg(good[1]["block_hash"])
    before = tree_of(wrapper)
    assert infinite["block_hash"] in before[0]
    change(wrapper, "shadow")
    change(wrapper, "rust")
    assert tree_of(wrapper) == before
    assert place.judge(wrapper, sealed(infinite)) == "malformed", "its parent is known to both"
    assert wrapper.stats()["outcomes"]["divergence"] == 0


def test_given_a_stored_block_only_legacy_can_judge_when_a_mode_is_prepared_then_its_branch_is_copied(
    place: Place,
) -> None:
    wrapper = place.start("legacy")
    deep: list[Any] = []
    for _ in range(70):
        deep = [deep]
    outside = sealed(genesis_block(), transactions=deep)
    for block in [outside, *chain(3, outside)]:
        assert place.judge(wrapper, block) == "accept"
    before = tree_of(wrapper)
    change(wrapper, "rust")
    assert tree_of(wrapper) == before
    assert place.judge(wrapper, chain(4, outside)[-1]) == "accept"
    assert outcomes(wrapper) == {"match": 1}
    wrapper.close()
    again = place.start(None)
    assert tree_of(again)[1][0] == chain(4, outside)[-1]["block_hash"], "and so it is after a restart"
    assert again.mode is ConsensusMode.REFACTORED_PRIMARY
    assert place.judge(again, sealed(outside, tag=1, transactions=deep)) == "accept"
    assert again.stats()["out_of_domain_accepted"] == 1


def tree_of(wrapper: DualRunConsensus) -> Any:
    """A tree in plain values: nodes by hash, and the tip."""
    nodes = {
        key: (node.parent_hash, node.height, bits(node.cumulative_work), node.receipt_time)
        for key, node in wrapper.block_tree.items()
    }
    tip = wrapper.best_tip
    return nodes, (tip.block["block_hash"], tip.cumulative_work, tip.receipt_time)


def test_given_a_log_on_which_the_engines_differ_when_prepared_then_it_fails_and_everything_is_as_it_was(
    place: Place, rust: Any
) -> None:
    class WrongOnReplay(DoubleEngine):
        def _judge(self, block: Any, *, full: bool) -> None:
            if block["merkle_root"] == WrongRule.wrong_root:
                raise self.reject("bad_proof")
            super()._judge(block, full=full)

        @staticmethod
        def reject(reason: str) -> Exception:
            from testnet.node.src.consensus import HeaderValidationError

            return HeaderValidationError(reason, reason)

    rust(WrongOnReplay)
    wrapper = place.start("legacy")
    wrong = sealed(genesis_block(), tag=666)
    for block in [wrong, *chain(3, wrong)]:
        place.judge(wrapper, block)
    before, record = tree_of(wrapper), place.recorded_mode()
    with pytest.raises(ModeChangeError) as refused:
        change(wrapper, "shadow")
    assert refused.value.code == "prepare_failed"
    assert "stored log" in str(refused.value)
    assert (tree_of(wrapper), place.recorded_mode()) == (before, record)
    assert wrapper.mode is ConsensusMode.LEGACY_ONLY
    assert place.judge(wrapper, chain(1)[0]) == "accept"


@pytest.mark.parametrize("failure", [ImportError("no such file"), KeyError("odd"), BaseException("panic")])
def test_given_an_engine_that_cannot_be_built_when_prepared_then_everything_is_as_it_was(
    place: Place, rust: Any, failure: BaseException
) -> None:
    class Unbuildable(DoubleEngine):
        def __init__(self, *args: Any) -> None:
            raise failure

    rust(Unbuildable)
    wrapper = place.start("legacy")
    record = place.recorded_mode()
    with pytest.raises(ModeChangeError, match="prepare shadow failed"):
        change(wrapper, "shadow")
    assert place.recorded_mode() == record
    assert [place.judge(wrapper, block) for block in chain(2)] == ["accept", "accept"]
    rust(DoubleEngine)
    change(wrapper, "shadow")
    assert place.judge(wrapper, chain(3)[-1]) == "accept", "a second attempt works"


def test_given_a_disk_that_refuses_when_a_mode_is_committed_then_everything_is_as_it_was(
    place: Place, rust: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = place.start("shadow")

    def refuse(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("coinjecture_migration.modes.memory.write_mode_file", refuse)
    with pytest.raises(ModeChangeError) as refused:
        change(wrapper, "rust")
    assert refused.value.code == "disk"
    assert wrapper.mode is ConsensusMode.SHADOW


def test_given_blocks_that_come_while_a_mode_is_prepared_when_committed_then_the_new_engine_has_them(
    place: Place, rust: Any
) -> None:
    building, go_on = threading.Event(), threading.Event()

    class Slow(DoubleEngine):
        def _rebuild(self) -> None:
            super()._rebuild()
            building.set()
            assert go_on.wait(20)

    rust(Slow)
    wrapper = place.start("legacy")
    blocks = chain(12)
    for block in blocks[:4]:
        place.judge(wrapper, block)
    preparation = wrapper._manager.prepare("shadow", "test")
    assert building.wait(20)
    for block in blocks[4:8]:
        assert place.judge(wrapper, block) == "accept", "answers go on"
    assert status_of(wrapper._manager)["prepare"]["state"] == "running"
    assert status_of(wrapper._manager)["prepare"]["done"] == 4
    with pytest.raises(ModeChangeError) as refused:
        wrapper._manager.commit("shadow", "test", "too early")
    assert refused.value.code == "not_prepared"
    go_on.set()
    assert preparation.wait(20)
    assert preparation.state == "ready"
    for block in blocks[8:10]:
        place.judge(wrapper, block)
    wrapper._manager.commit("shadow", "test", "now")
    for block in blocks[10:]:
        assert place.judge(wrapper, block) == "accept"
    assert outcomes(wrapper) == {"match": 2}


def test_given_a_call_under_way_when_the_mode_changes_then_the_answer_waits_for_it_and_nothing_else(
    place: Place, rust: Any
) -> None:
    engine, judging, go_on = held()
    rust(engine)
    wrapper = place.start("shadow")
    answers: list[str] = []
    caller = threading.Thread(target=lambda: answers.append(place.judge(wrapper, chain(1)[0])))
    caller.start()
    assert judging.wait(20)
    committed = threading.Event()

    def commit() -> None:
        wrapper._manager.commit("legacy", "test", "down")
        committed.set()

    control = threading.Thread(target=commit)
    control.start()
    while wrapper.mode is not ConsensusMode.LEGACY_ONLY:  # the swap does not wait for the call
        assert control.is_alive()
    assert not committed.is_set(), "the acknowledgement does"
    assert status_of(wrapper._manager)["mode"] == "legacy"
    go_on.set()
    caller.join(20)
    assert committed.wait(20)
    assert answers == ["accept"]


def test_given_a_demotion_while_final_is_committed_when_it_ends_then_the_demotion_stands(
    place: Place, rust: Any
) -> None:
    engine, judging, go_on = held(WrongRule)
    rust(engine)
    wrapper = place.start("rust")
    caller = threading.Thread(target=lambda: place.judge(wrapper, sealed(genesis_block(), tag=666)))
    caller.start()
    assert judging.wait(20)
    refusals: list[str] = []

    def commit() -> None:
        try:
            wrapper._manager.commit("final", "test", "up")
        except ModeChangeError as refusal:
            refusals.append(refusal.code)

    control = threading.Thread(target=commit)
    control.start()
    while wrapper.mode is not ConsensusMode.REFACTORED_ONLY:
        assert control.is_alive()
    go_on.set()
    caller.join(20)
    control.join(20)
    assert refusals == ["demoted"]
    assert wrapper.mode is ConsensusMode.SHADOW
    assert place.recorded_mode()["latched"]["to"] == "shadow"
    assert place.judge(wrapper, chain(1)[0]) == "accept"


def test_given_threads_that_judge_at_once_when_the_mode_goes_round_then_every_call_has_one_outcome(
    place: Place,
) -> None:
    wrapper = place.start("legacy")
    lanes = [chain(60, tag=lane) for lane in range(1, 5)]
    answers: list[str] = []
    node_lock = threading.Lock()

    def mine(blocks: list[dict[str, Any]]) -> None:
        for block in blocks:
            with node_lock:  # as the node does: one lock from judging to its row in the log
                answers.append(place.judge(wrapper, block))

    threads = [threading.Thread(target=mine, args=(lane,)) for lane in lanes]
    for thread in threads:
        thread.start()
    judged = 0
    for number, mode in enumerate(itertools.cycle(["shadow", "rust", "final", "rust", "shadow", "legacy"])):
        if number >= 6 and not any(thread.is_alive() for thread in threads):
            break
        soak = wrapper._active.soak
        change(wrapper, mode)
        judged += soak.counters.snapshot()["calls"]
    for thread in threads:
        thread.join(60)
    assert answers == ["accept"] * 240
    assert judged + wrapper.stats()["calls"] == 240
    assert wrapper.stats()["ever"] == {"divergence": 0, "rust_error": 0, "legacy_error": 0}
    assert len(wrapper.block_tree) == 241


def test_given_callers_without_a_lock_of_their_own_when_they_judge_at_once_then_the_engines_agree(
    place: Place,
) -> None:
    wrapper = place.start("rust")
    lanes = [chain(40, tag=lane) for lane in range(1, 6)]
    threads = [
        threading.Thread(target=lambda lane=lane: [wrapper.verify_block(block) for block in lane])
        for lane in lanes
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert outcomes(wrapper) == {"match": 200}


def test_given_a_latched_node_when_an_operator_wants_up_then_an_acknowledgement_comes_first(
    place: Place, rust: Any
) -> None:
    rust(WrongRule)
    wrapper = place.start("rust")
    place.judge(wrapper, sealed(genesis_block(), tag=666))
    assert wrapper.mode is ConsensusMode.SHADOW
    with pytest.raises(ModeChangeError) as refused:
        change(wrapper, "rust")
    assert refused.value.code == "latched"
    change(wrapper, "legacy")
    assert place.recorded_mode()["latched"], "the way down is open and keeps the latch"
    wrapper._manager.ack("operator", "looked at it")
    assert place.recorded_mode()["latched"] is None
    change(wrapper, "shadow")

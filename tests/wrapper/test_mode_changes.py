"""Prepare in the background, commit at once, and every way back."""

import itertools
import json
import re
import shlex
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import consensus_surface
import pytest
from coinjecture_migration.control.status import report as status_of
from coinjecture_migration.runtime.errors import ModeChangeError, StartError
from consensus_wrapper import ConsensusMode, DualRunConsensus

from tests.oracle.support import bits, sealed
from tests.wrapper.conftest import NODE_SOURCE, Place, chain, genesis_block
from tests.wrapper.double import DoubleEngine
from tests.wrapper.test_hostile_engines import WrongRule
from tests.wrapper.test_modes import outcomes

ROOT = Path(__file__).parents[2]


def change(wrapper: DualRunConsensus, mode: str) -> None:
    wrapper.set_mode(mode, who="test", why="a step")


@pytest.mark.parametrize(
    ("old", "new"), list(itertools.permutations(["legacy", "shadow", "rust", "final"], 2))
)
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
    judging, go_on = threading.Event(), threading.Event()

    class Slow(DoubleEngine):
        def judge(self, *args: Any) -> Any:
            judging.set()
            assert go_on.wait(20)
            return super().judge(*args)

    rust(Slow)
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
    judging, go_on = threading.Event(), threading.Event()

    class SlowAndWrong(WrongRule):
        def judge(self, *args: Any) -> Any:
            judging.set()
            assert go_on.wait(20)
            return super().judge(*args)

    rust(SlowAndWrong)
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


# Start


def test_given_no_mode_file_when_started_then_the_constructor_s_mode_counts_and_is_written(
    place: Place,
) -> None:
    assert place.start("shadow").mode is ConsensusMode.SHADOW
    assert place.recorded_mode()["mode"] == "shadow"


def test_given_a_mode_file_when_started_then_the_constructor_s_mode_does_not_count(place: Place) -> None:
    place.start("rust").close()
    again = place.start("legacy")
    assert again.mode is ConsensusMode.REFACTORED_PRIMARY


def test_given_a_latch_when_restarted_then_it_is_kept(place: Place, rust: Any) -> None:
    rust(WrongRule)
    wrapper = place.start("rust")
    place.judge(wrapper, sealed(genesis_block(), tag=666))
    latch = place.recorded_mode()["latched"]
    wrapper.close()
    rust(DoubleEngine)
    again = place.start("rust")
    assert again.mode is ConsensusMode.SHADOW
    assert status_of(again._manager)["latched"] == latch == place.recorded_mode()["latched"]


@pytest.mark.parametrize(
    "damage", ["", "{", "null", "[]", '{"schema": 1, "mode": "turbo"}', '{"schema": 2}', "\x00" * 40]
)
def test_given_a_damaged_mode_file_when_started_then_legacy_and_an_alert(place: Place, damage: str) -> None:
    place.mode_file.write_text(damage)
    assert place.start("rust").mode is ConsensusMode.LEGACY_ONLY
    assert [alert["kind"] for alert in place.alerts] == ["mode_file_damaged"]
    assert place.mode_file.read_text() == damage, "it stays until somebody has acted on it"


def test_given_a_write_torn_by_a_power_cut_when_started_then_the_old_record_counts(place: Place) -> None:
    place.start("shadow").close()
    (place.folder / ".mode.json.new").write_text('{"schema": 1, "mo')
    assert place.start("legacy").mode is ConsensusMode.SHADOW
    assert place.alerts == []


def test_given_a_missing_mode_file_when_the_evidence_knows_another_mode_then_there_is_an_alert(
    place: Place,
) -> None:
    wrapper = place.start("rust")
    wrapper.close()
    place.mode_file.unlink()
    assert place.start(None).mode is ConsensusMode.LEGACY_ONLY
    assert [(alert["kind"], alert["remembered"]) for alert in place.alerts] == [("mode_file_missing", "rust")]


@pytest.mark.parametrize("mode", ["shadow", "rust"])
def test_given_a_broken_wheel_when_a_dual_mode_starts_then_the_node_runs_in_legacy_latched(
    place: Place, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setitem(sys.modules, "coinjecture.consensus", None)  # what a missing module looks like
    wrapper = place.start(mode)
    assert wrapper.mode is ConsensusMode.LEGACY_ONLY
    assert place.recorded_mode()["latched"]["from"] == mode
    assert [alert["kind"] for alert in place.alerts] == ["demotion"]
    assert place.judge(wrapper, chain(1)[0]) == "accept"
    status = status_of(wrapper._manager)
    assert status["engines"]["rust"]["loaded"] is False
    assert "ModuleNotFoundError" in status["engines"]["rust"]["error"]


def test_given_a_broken_wheel_when_final_starts_then_it_refuses_and_says_the_rollback_command(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "coinjecture.consensus", None)
    with pytest.raises(StartError, match=r"playbooks/rollback\.yml -l node1 -e to=legacy") as refused:
        place.start("final")
    told = re.search(r"as root on the node: (.*?), then start the unit", str(refused.value))
    assert told is not None
    subprocess.run(shlex.split(told[1]), check=True, timeout=60)
    assert place.start(None).mode is ConsensusMode.LEGACY_ONLY


@pytest.mark.parametrize("mode", ["legacy", "shadow", "rust"])
def test_given_no_legacy_module_when_started_then_it_refuses(
    place: Place, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setitem(sys.modules, "consensus", None)
    with pytest.raises(StartError, match=r"consensus\.py"):
        place.start(mode)


def test_given_a_wrong_configuration_when_started_then_the_engine_s_own_error_goes_out(place: Place) -> None:
    from testnet.node.src.pow import ProblemRegistry

    with pytest.raises(Exception, match="no genesis block"):
        DualRunConsensus(consensus_surface.ConsensusConfig(), place.storage, ProblemRegistry(), mode="legacy")


def test_given_logs_on_which_the_engines_differ_when_rust_mode_starts_then_it_demotes(
    place: Place, rust: Any
) -> None:
    wrapper = place.start("legacy")
    for block in chain(3):
        place.judge(wrapper, block)
    wrapper.close()
    for known in (place.mode_file, *place.folder.glob("evidence.db*")):
        known.unlink()

    class Forgetful(DoubleEngine):
        def _rebuild(self) -> None:
            super()._rebuild()
            self.block_tree.popitem()

    rust(Forgetful)
    again = place.start("rust")
    assert again.mode is ConsensusMode.SHADOW
    assert "divergence" in {alert["kind"] for alert in place.alerts}
    assert place.judge(again, chain(4)[-1]) == "accept"
    assert outcomes(again) == {"match": 1}


def test_given_final_when_a_node_starts_then_the_legacy_module_is_not_imported_and_back_it_goes(
    place: Place,
) -> None:
    script = textwrap.dedent(
        f"""
        import json, sys
        sys.path[:0] = {[str(path) for path in (NODE_SOURCE, ROOT / "wrapper")]!r}
        from consensus_wrapper import ConsensusConfig, DualRunConsensus as ConsensusEngine, ValidationError
        assert "consensus" not in sys.modules, "the import alone must not need it"
        from pow import ProblemRegistry
        from storage import Storage
        from pathlib import Path

        genesis = json.loads(sys.stdin.readline())
        config = ConsensusConfig(genesis_block=genesis, max_headers_per_second=0)
        storage = Storage(Path({str(place.folder / "chain.db")!r}))
        engine = ConsensusEngine(config, storage, ProblemRegistry(), mode="final")
        for line in sys.stdin:
            block = json.loads(line)
            with storage.transaction():
                assert engine.verify_block(block) is True
                storage.append_block(line.encode(), engine.block_tree[block["block_hash"]].receipt_time)
        print("consensus" in sys.modules, engine.best_tip.height)
        engine.set_mode("legacy", who="test", why="back")
        print("consensus" in sys.modules, engine.best_tip.height)
        engine.set_mode("final", who="test", why="and up")
        print("consensus" in sys.modules, engine.best_tip.height)
        try:
            import consensus_wrapper
            consensus_wrapper.calculate_block_hash
        except AttributeError as error:
            print("refused")
        """
    )
    lines = [json.dumps(block) for block in [genesis_block(), *chain(4)]]
    done = subprocess.run(
        [sys.executable, "-c", script],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["False 4", "True 4", "False 4", "refused"]

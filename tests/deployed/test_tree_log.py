"""The tree across restarts of a node that keeps no log: carried whole, or not at all and said so."""

from __future__ import annotations

import copy
import os
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from coinjecture_migration.control.server import handle
from coinjecture_migration.control.status import report as status_of
from coinjecture_migration.engines import whole
from coinjecture_migration.engines.rust import RustEngine
from coinjecture_migration.engines.tree_file import SEAL, Row, _sealed
from coinjecture_migration.runtime.errors import ModeChangeError
from coinjecture_migration.vocabulary import MODES
from consensus_wrapper import ConsensusMode, DualRunConsensus, HeaderValidationError

from tests.deployed.conftest import Deployed


def seen(wrapper: DualRunConsensus) -> list[Any]:
    """All that a node can see of its tree."""
    tree = wrapper.block_tree
    nodes = [
        (
            key,
            tree[key].block,
            tree[key].parent_hash,
            tree[key].cumulative_work,
            tree[key].height,
            tree[key].receipt_time,
        )
        for key in tree
    ]
    tip = wrapper.best_tip
    return [nodes, (tip.block, tip.receipt_time, tip.cumulative_work), wrapper.get_best_tip().block_hash]


def tree(wrapper: DualRunConsensus) -> dict[str, Any]:
    """What `status` says of it."""
    found: dict[str, Any] = status_of(wrapper._manager)["tree"]
    return found


def grown(deployed: Deployed, mode: str) -> DualRunConsensus:
    """A wrapper in a mode, with a chain, a fork and a tip that was moved by hand."""
    wrapper = deployed.start("legacy")
    wrapper.set_mode(mode, who="test", why="up")
    blocks = deployed.chain(wrapper, 5)
    for block in blocks:
        wrapper.validate_header(block)
    fork = deployed.child(wrapper, blocks[1], mining_capacity="mobile", timestamp=blocks[1].timestamp + 0.5)
    fork.block_hash = "f" * 64
    wrapper.validate_header(fork)
    wrapper.handle_reorg(blocks[3].block_hash)
    return wrapper


@pytest.mark.parametrize("mode", MODES)
def test_given_a_restart_then_the_node_sees_the_tree_as_before(deployed: Deployed, mode: str) -> None:
    wrapper = grown(deployed, mode)
    before = seen(wrapper)
    wrapper.close()
    again = deployed.start()
    assert again.mode is ConsensusMode(mode)
    assert seen(again) == before
    assert tree(again)["carried"] == {
        "nodes": 7, "roots": 1, "tip": before[2], "cumulative": before[1][2], "torn": False
    }  # fmt: skip
    assert type(again.get_best_tip()) is type(again.genesis_block)
    assert again.validate_header(deployed.child(again)) is True
    assert again.stats()["ever"] == {"divergence": 0, "rust_error": 0, "legacy_error": 0}
    if mode != "legacy":
        again.set_mode("legacy", who="test", why="the other engine has it too")
    after = seen(again)
    again.close()
    assert seen(deployed.start()) == after


def test_given_legacy_then_children_and_a_text_capacity_come_back_too(deployed: Deployed) -> None:
    wrapper = grown(deployed, "legacy")
    children = {key: node.children for key, node in wrapper.block_tree.items()}
    wrapper.close()
    again = deployed.start()
    assert {key: node.children for key, node in again.block_tree.items()} == children
    assert again.block_tree["f" * 64].block.mining_capacity == "mobile"


@pytest.mark.parametrize("mode", ["legacy", "shadow", "rust"])
def test_given_a_block_that_only_an_object_can_be_then_it_is_the_same_again(
    deployed: Deployed, mode: str
) -> None:
    wrapper = deployed.start("legacy")
    wrapper.set_mode(mode, who="test", why="up")
    cities = {"type": "tsp", "cities": [(0.5, float("-inf")), (1, 2)], "$": {1, 2}, 7: Decimal("1.50")}
    block = deployed.child(
        wrapper, problem=cities, transactions=[b"raw", wrapper.genesis_block.mining_capacity]
    )
    block.seen_by = "a peer"
    del block.complexity.solution_quality
    assert wrapper.validate_header(block) is True
    before = copy.deepcopy(wrapper.get_best_tip())
    wrapper.close()
    tip = deployed.start().get_best_tip()
    assert vars(tip) | {"complexity": None} == vars(before) | {"complexity": None}
    assert vars(tip.complexity) == vars(before.complexity)


def test_given_a_program_that_inserts_without_judging_then_that_is_carried_too(deployed: Deployed) -> None:
    wrapper = deployed.start("legacy")
    wrapper._add_block_to_tree(deployed.child(wrapper), 5.0)
    before = seen(wrapper)
    wrapper.close()
    assert seen(deployed.start()) == before


def test_given_a_kept_tree_when_shadow_is_prepared_then_rust_judges_every_block_of_it_again(
    deployed: Deployed,
) -> None:
    wrapper = grown(deployed, "legacy")
    wrapper._add_block_to_tree(deployed.child(wrapper, block_hash="e" * 64), 5.0)
    wrapper.validate_header(deployed.child(wrapper, wrapper.block_tree["e" * 64].block))
    before = seen(wrapper)
    wrapper.close()
    again = deployed.start()
    again.set_mode("rust", who="test", why="up")
    assert (len(before[0]), seen(again)) == (9, before)
    again.set_mode("legacy", who="test", why="back")
    prepared = again._manager.prepare("shadow", "test")
    assert prepared.wait(10)
    assert (prepared.state, prepared.done) == ("ready", 7), "all but the one that nobody judged"


def test_given_a_rust_engine_that_judges_the_kept_tree_otherwise_then_shadow_is_not_entered(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = grown(deployed, "legacy")
    judge = RustEngine.judge_alone

    def without_solution(engine: RustEngine, block: Any, received_at: float, profile: str) -> Any:
        changed = copy.copy(block)
        changed.solution = [] if block.index == 4 else block.solution
        return judge(engine, changed, received_at, profile)

    monkeypatch.setattr(RustEngine, "judge_alone", without_solution)
    with pytest.raises(ModeChangeError, match="rust refuses it from the log"):
        wrapper.set_mode("shadow", who="test", why="up")
    assert wrapper.mode is ConsensusMode.LEGACY_ONLY
    assert wrapper.stats()["divergence_kinds"] == {"log": 1}


def test_given_the_control_socket_when_the_tree_is_asked_for_then_it_is_on_the_disk(
    deployed: Deployed,
) -> None:
    wrapper = grown(deployed, "shadow")
    answer = handle(wrapper._manager, {"op": "export_tree"})
    assert (answer["state"], answer["rows"]) == ("kept", 6)
    assert (deployed.place.state / "tree.log").stat().st_size == answer["bytes"]


def test_given_a_killed_process_then_what_was_flushed_is_carried(deployed: Deployed) -> None:
    wrapper = grown(deployed, "legacy")
    before = seen(wrapper)
    wrapper._manager.tree_log.flush()
    file = deployed.place.state / "tree.log"
    torn = file.read_bytes() + b'0123456789abcdef {"key"'
    wrapper.close()
    file.write_bytes(torn)
    again = deployed.start()
    assert seen(again) == before
    assert tree(again)["carried"]["torn"] is True
    again.validate_header(deployed.child(again))
    after = seen(again)
    again.close()
    assert seen(deployed.start()) == after


def resealed(file: Path, change: Any) -> None:
    """Change the lines of a file as somebody would who knows its form."""
    seal, lines = "", []
    for text in change([line[SEAL + 1 :] for line in file.read_bytes().splitlines()]):
        seal = _sealed(text, seal)
        lines.append(seal.encode() + b" " + text + b"\n")
    file.write_bytes(b"".join(lines))


def first(old: bytes, new: bytes) -> Any:
    """A change of the first block's line."""
    return lambda file: resealed(file, lambda texts: [texts[0], texts[1].replace(old, new, 1), *texts[2:]])


def lines(change: Any) -> Any:
    """A change of the lines' content."""
    return lambda file: resealed(file, change)


def without_a_line(file: Path) -> None:
    written = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(written[:2] + written[3:]))


DAMAGE: dict[str, Any] = {
    "empty": lambda file: file.write_bytes(b""),
    "no line": lambda file: file.write_bytes(b"\0" * 5000),
    "a byte": lambda file: file.write_bytes(file.read_bytes().replace(b'"accept"', b'"Accept"', 1)),
    "a line gone": without_a_line,
    "a folder": lambda file: (file.unlink(), file.mkdir()),
    "a pipe": lambda file: (file.unlink(), os.mkfifo(file)),
    "a link": lambda file: (file.rename(file.with_name("other")), file.symlink_to(file.with_name("other"))),
    "another version": lines(lambda texts: [b'{"schema":2,"roots":[]}', *texts[1:]]),
    "another root": lines(lambda texts: [b'{"schema":1,"roots":["00"]}', *texts[1:]]),
    "another sum": first(b'"work":', b'"work":9'),
    "another height": first(b'"height":1', b'"height":2'),
    "a hash of its own": first(b'{"key":"', b'{"key":"0'),
    "no parent": lines(lambda texts: [texts[0], *texts[2:]]),
    "a class of another": first(b"blocks:Block", b"subprocess:Popen"),
    "deep": lines(lambda texts: [texts[0], b"[" * 90_000 + b"]" * 90_000]),
    "no object": lines(lambda texts: [texts[0], b"7"]),
    "no parts": lines(lambda texts: [texts[0], b'{"block":{"$":["object"]}}']),
    "a key of no tree": first(b'{"key":"', b'{"key":[],"k":"'),
    "a tip nowhere": lines(lambda texts: [*texts, b'{"tip":"nowhere"}']),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("mode", ["legacy", "final"])
def test_given_a_file_that_is_no_tree_then_it_begins_at_the_genesis_and_says_so(
    deployed: Deployed, damage: str, mode: str
) -> None:
    wrapper = grown(deployed, mode)
    wrapper.close()
    DAMAGE[damage](deployed.place.state / "tree.log")
    again = deployed.start()
    assert again.get_best_tip() == again.genesis_block
    assert list(again.block_tree) == [again.genesis_block.block_hash]
    assert (tree(again)["state"], tree(again)["carried"]) == ("kept", None)
    assert "tree.log" in tree(again)["refused"]
    assert [alert["kind"] for alert in deployed.place.alerts] == ["tree_log"]
    assert os.path.lexists(deployed.place.state / "tree.refused")
    again.validate_header(deployed.child(again))
    again.close()
    assert deployed.start().get_best_tip().index == 1


def test_given_a_tree_larger_than_its_bound_then_none_is_kept_and_it_is_said(deployed: Deployed) -> None:
    wrapper = deployed.start("legacy", tree_log_max_bytes=4096)
    for block in deployed.chain(wrapper, 8):
        wrapper.validate_header(block)
    wrapper._manager.tree_log.flush()
    assert "more than tree_log_max_bytes (4096)" in tree(wrapper)["why"]
    assert (tree(wrapper)["state"], [alert["kind"] for alert in deployed.place.alerts]) == (
        "lost",
        ["tree_log"],
    )
    assert not (deployed.place.state / "tree.log").exists()
    with pytest.raises(ModeChangeError, match="tree is not kept"):
        handle(wrapper._manager, {"op": "export_tree"})
    assert wrapper.validate_header(deployed.child(wrapper)) is True
    wrapper.close()
    assert deployed.start().get_best_tip().index == 0


def test_given_a_block_that_comes_again_and_again_then_the_file_is_written_anew_and_the_tree_is_kept(
    deployed: Deployed,
) -> None:
    wrapper = deployed.start("shadow", tree_log_max_bytes=8192)
    block = deployed.child(wrapper)
    for _ in range(12):
        wrapper.validate_header(copy.deepcopy(block))
        wrapper._manager.tree_log.flush()
    before = seen(wrapper)
    assert tree(wrapper)["state"] == "kept"
    wrapper.close()
    assert seen(deployed.start()) == before


def test_given_a_full_disk_then_judging_goes_on_and_the_tree_is_kept_again_once_it_is_asked_for(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = grown(deployed, "rust")

    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("coinjecture_migration.engines.tree_file.os.write", full)
        assert wrapper.validate_header(deployed.child(wrapper)) is True
        wrapper._manager.tree_log.flush()
    assert "No space left" in tree(wrapper)["why"]
    assert wrapper.validate_header(deployed.child(wrapper)) is True
    before = seen(wrapper)
    assert handle(wrapper._manager, {"op": "export_tree"})["state"] == "kept"
    wrapper.close()
    assert seen(deployed.start()) == before


def test_given_a_block_without_a_durable_form_then_none_is_kept_and_it_is_said_which(
    deployed: Deployed,
) -> None:
    wrapper = grown(deployed, "legacy")
    wrapper.validate_header(deployed.child(wrapper, transactions=[object()]))
    wrapper._manager.tree_log.flush()
    assert tree(wrapper)["why"] == "a builtins.object has no durable form"
    wrapper.close()
    assert deployed.start().get_best_tip().index == 0


def test_given_another_process_that_has_the_file_then_nothing_is_taken_from_it(deployed: Deployed) -> None:
    wrapper = grown(deployed, "legacy")
    wrapper._manager.tree_log.flush()
    other = deployed.start()
    assert (tree(other)["state"], tree(other)["why"]) == ("lost", "another process of this node keeps it")
    assert other.get_best_tip().index == 0
    with pytest.raises(ModeChangeError, match="another process"):
        handle(other._manager, {"op": "export_tree"})
    before = seen(wrapper)
    wrapper.close()
    other.close()
    assert seen(deployed.start()) == before


def test_given_an_engine_that_cannot_take_it_over_then_none_has_any_of_it(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown(deployed, "shadow").close()
    take, refused = RustEngine.take, []

    def refuse(engine: RustEngine, nodes: Any, tip: Any, *, replace: bool = False) -> None:
        if not refused:
            refused.append(engine)
            raise BaseException("a panic")  # as PyO3 has it
        take(engine, nodes, tip, replace=replace)

    monkeypatch.setattr(RustEngine, "take", refuse)
    again = deployed.start()
    active = again._active
    assert active.legacy is not None
    assert active.rust is not None
    for engine in (active.legacy, active.rust):
        assert engine.keys_in_order() == [again.genesis_block.block_hash]
    assert "a panic" in tree(again)["refused"]
    assert again.validate_header(deployed.child(again)) is True
    assert again.stats()["outcomes"]["match"] == 8, "seven of them before the restart"


def test_given_a_block_that_changes_while_it_is_read_then_it_is_written_down_later(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = grown(deployed, "legacy")
    log = wrapper._manager.tree_log
    log.thread.close(wait=True)
    log.flush()
    before, row = (deployed.place.state / "tree.log").read_bytes(), Row.as_text

    def changes(_: Row) -> str:
        raise RuntimeError("dictionary changed size during iteration")

    wrapper.validate_header(deployed.child(wrapper, block_hash="d" * 64))
    monkeypatch.setattr(Row, "as_text", changes)
    log.flush()
    assert (tree(wrapper)["state"], (deployed.place.state / "tree.log").read_bytes()) == ("kept", before)
    monkeypatch.setattr(Row, "as_text", row)
    log.flush()
    after = seen(wrapper)
    wrapper.close()
    assert seen(deployed.start()) == after


def test_given_it_is_switched_off_then_no_file_is_left_for_a_later_start(deployed: Deployed) -> None:
    grown(deployed, "legacy").close()
    wrapper = deployed.start(tree_log=False)
    assert wrapper.get_best_tip().index == 0
    assert tree(wrapper)["state"] == "off"
    assert not (deployed.place.state / "tree.log").exists()


def test_given_a_reject_of_a_block_that_is_known_then_no_line_is_written_for_it(deployed: Deployed) -> None:
    wrapper = grown(deployed, "shadow")
    known = copy.deepcopy(wrapper.get_best_tip())
    known.solution = []
    for _ in range(3):
        with pytest.raises(HeaderValidationError):
            wrapper.validate_header(known)
    assert handle(wrapper._manager, {"op": "export_tree"})["rows"] == 6


def test_given_a_call_then_what_the_tree_costs_it_is_a_few_microseconds(deployed: Deployed) -> None:
    wrapper = grown(deployed, "legacy")
    block, log = wrapper.get_best_tip(), wrapper._manager.tree_log
    started = time.process_time()
    for _ in range(10_000):
        log._noted.clear()
        log.note(block, "accept")
    assert (time.process_time() - started) / 10_000 < 40e-6


@pytest.mark.parametrize(
    "value", [b"\x00", {(1, 2): {3}}, frozenset({(None,)}), {"$": ["dict"]}, -0.0, 10**400, "\ud800"]
)
def test_given_a_value_that_json_has_no_word_for_then_it_comes_back(value: Any) -> None:
    made = whole.from_text(whole.as_text([value]))
    assert (repr(made), type(made[0])) == (repr([value]), type(value))

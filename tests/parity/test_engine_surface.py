"""Given the same calls, the high-level Rust engine answers as the Python engine it stands in for."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from coinjecture import consensus as rust
from consensus_surface import REASONS, ConsensusConfig

from testnet.node.src import consensus as legacy
from testnet.node.src import pow
from tests.oracle.support import Clock, sealed

from .support import GENESIS, RecordingStorage, config, scenarios

GENESIS_BLOCK: dict[str, Any] = json.loads(GENESIS["testnet"]["block_json"])


class Pair:
    """Both engines on storages of their own, called alike."""

    def __init__(self, log: Any = (), genesis: str = "testnet", **changes: Any) -> None:
        self.storages = (RecordingStorage(log), RecordingStorage(log))
        settings, registry = config(genesis, **changes), pow.ProblemRegistry()
        self.legacy = legacy.ConsensusEngine(settings, self.storages[0], registry)
        self.rust = rust.ConsensusEngine(settings, self.storages[1], registry)

    def both(self, call: Callable[[Any], Any]) -> Any:
        """Call both; their answers, or the reasons of their rejects, must be the same."""
        answers = [_answer(call, engine) for engine in (self.legacy, self.rust)]
        assert answers[0] == answers[1]
        return answers[0]

    def compare(self) -> None:
        """Trees, tips and storage writes are the same."""
        assert self.storages[0].writes == self.storages[1].writes
        # By their text, in which a NaN is like any other and True is not like 1.
        assert _texts(self.rust.block_tree.items()) == _texts(self.legacy.block_tree.items())
        assert repr(vars(self.rust.best_tip)) == repr(vars(self.legacy.best_tip))


def _texts(nodes: Iterable[tuple[Any, Any]]) -> list[str]:
    return [repr((key, vars(node))) for key, node in nodes]


def _answer(call: Callable[[Any], Any], engine: Any) -> Any:
    try:
        return call(engine)
    except (legacy.HeaderValidationError, rust.HeaderValidationError) as error:
        return "rejected", error.reason
    except (legacy.ValidationError, rust.ValidationError) as error:
        return "refused", type(error).__name__
    except TypeError:
        return "type error"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of both engines: they read the same module's."""
    return Clock(monkeypatch)


def branch(parent: dict[str, Any], length: int, tag: int, **work: Any) -> list[dict[str, Any]]:
    blocks = []
    for _ in range(length):
        parent = sealed(parent, tag=tag, work=work)
        blocks.append(parent)
    return blocks


@pytest.mark.parametrize("form", ["dicts", "bytes"])
def test_every_scenario_leaves_the_same_tree_tip_and_writes(form: str, clock: Clock) -> None:
    for profile in ("header", "full"):
        for scenario in scenarios(profile):
            pair = Pair(genesis=scenario["genesis"])
            for step in scenario["steps"]:
                clock.now = step["received_at"]
                text = step["block_json"]
                block: Any = json.loads(text) if form == "dicts" else text.encode()
                name = "verify_block" if profile == "full" else "validate_header"
                pair.both(lambda engine, block=block, name=name: getattr(engine, name)(block))
            pair.compare()


def test_a_reorg_returns_the_blocks_that_left_and_joined(clock: Clock) -> None:
    pair = Pair()
    for block in (*branch(GENESIS_BLOCK, 3, tag=1), *branch(GENESIS_BLOCK, 2, tag=2)):
        pair.both(lambda engine, block=block: engine.verify_block(block))
    side = branch(GENESIS_BLOCK, 2, tag=2)[-1]["block_hash"]
    removed, added = pair.both(lambda engine: engine.handle_reorg(side))
    assert (len(removed), len(added)) == (3, 2)
    assert pair.rust.get_best_tip()["block_hash"] == side
    assert pair.both(lambda engine: engine.get_chain_from_genesis())[1:] == added
    pair.compare()


def test_a_reorg_deeper_than_the_limit_or_to_nowhere_changes_nothing(clock: Clock) -> None:
    pair = Pair(max_reorg_depth=2)
    for block in (*branch(GENESIS_BLOCK, 3, tag=1), *branch(GENESIS_BLOCK, 1, tag=2)):
        pair.both(lambda engine, block=block: engine.verify_block(block))
    side = branch(GENESIS_BLOCK, 1, tag=2)[0]["block_hash"]
    for target in (side, "unknown", None, []):
        expected = "type error" if target == [] else ([], [])
        assert pair.both(lambda engine, target=target: engine.handle_reorg(target)) == expected
    pair.compare()


def test_a_tip_that_was_replaced_stays_the_tip_and_its_chain_is_its_own(clock: Clock) -> None:
    pair = Pair()
    block = sealed(GENESIS_BLOCK)
    weaker = block | {"complexity": block["complexity"] | {"asymmetry_time": 1.5}}
    for offered in (block, weaker):
        pair.both(lambda engine, offered=offered: engine.verify_block(offered))
        clock.now += 1
    assert pair.rust.best_tip.block == block
    assert pair.rust.block_tree[block["block_hash"]].block == weaker
    assert pair.both(lambda engine: engine.get_chain_from_genesis())[-1] == block
    assert pair.both(lambda engine: engine.get_chain_from_genesis(block["block_hash"]))[-1] == weaker
    # The old node and the new one are two: leaving one for the other is a reorg of one block.
    assert pair.both(lambda engine: engine.handle_reorg(block["block_hash"])) == ([block], [weaker])
    pair.compare()


def test_a_ring_of_replaced_parents_ends_a_chain(clock: Clock) -> None:
    pair = Pair()
    first = sealed(GENESIS_BLOCK)
    second = sealed(first)
    ring = first | {"index": 0, "previous_hash": second["block_hash"]}
    for block in (first, second, ring):
        pair.both(lambda engine, block=block: engine.validate_header(block))
        clock.now += 1
    for tip in (None, first["block_hash"], second["block_hash"]):
        assert len(pair.both(lambda engine, tip=tip: engine.get_chain_from_genesis(tip))) in (2, 3)


def test_a_block_is_final_at_the_confirmation_depth(clock: Clock) -> None:
    pair = Pair(confirmation_depth=3)
    blocks = branch(GENESIS_BLOCK, 4, tag=1)
    for block in blocks:
        pair.both(lambda engine, block=block: engine.verify_block(block))
    asked = [GENESIS_BLOCK["block_hash"], *(block["block_hash"] for block in blocks), "unknown", None]
    answers = [pair.both(lambda engine, key=key: engine.is_finalized(key)) for key in asked]
    assert answers == [True, True, False, False, False, False, False]


def test_the_tree_is_rebuilt_from_the_log_without_writes(caplog: pytest.LogCaptureFixture) -> None:
    blocks = branch(GENESIS_BLOCK, 3, tag=1)
    unfit = sealed(GENESIS_BLOCK, tag=9, index=7)
    log = [(json.dumps(block).encode(), 1700000000.0 + n) for n, block in enumerate([*blocks, unfit])]
    pair = Pair(log)
    pair.compare()
    assert pair.storages[1].writes == []
    assert pair.rust.best_tip.receipt_time == 1700000002.0
    assert "stored block 3 is not accepted again" in caplog.text
    assert pair.rust.get_chain_from_genesis() == [GENESIS_BLOCK, *blocks]


def test_blocks_come_out_as_they_were_given_in(clock: Clock) -> None:
    engine = Pair().rust
    first = sealed(GENESIS_BLOCK)
    second = SimpleNamespace(**sealed(first))
    assert engine.verify_block(first) and engine.verify_block(second)
    chain = engine.get_chain_from_genesis()
    assert chain[1] is first
    assert chain[2] is second is engine.get_best_tip()


FORMS: dict[str, Callable[[str], Any]] = {
    "bytes": str.encode,
    "bytearray": lambda text: bytearray(text, "utf-8"),
    "text": lambda text: text,
    "a dict": lambda text: json.loads(text),
    "a mapping": lambda text: MappingProxyType(json.loads(text)),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_block_of_any_form_is_judged_alike(form: Callable[[str], Any], clock: Clock) -> None:
    pair = Pair()
    first = sealed(GENESIS_BLOCK)
    second = sealed(first) | {"block_hash": "\u00e9"}
    for block in (first, second, sealed(first), {}, first | {"index": "x"}):
        given = form(json.dumps(block, ensure_ascii=False))
        pair.both(lambda engine, given=given: engine.verify_block(given))
    assert len(pair.rust.block_tree) == 3
    assert repr(pair.rust.get_best_tip()) == repr(pair.legacy.get_best_tip())


@pytest.mark.parametrize("text", ["", "[]", "x", "\ufeff{}", "{} {}", '{"index": 1}', '"index"', "null"])
@pytest.mark.parametrize("name", ["bytes", "bytearray", "text"])
def test_a_text_that_is_no_block_is_malformed_to_both(name: str, text: str, clock: Clock) -> None:
    pair, form = Pair(), FORMS[name]
    assert pair.both(lambda engine: engine.verify_block(form(text))) == ("rejected", "malformed")
    assert pair.both(lambda engine: engine.validate_header(form(text))) == ("rejected", "malformed")


def test_an_object_with_attributes_is_a_block_of_the_engines_that_read_them(clock: Clock) -> None:
    # The deployed engine has such objects; the reference engine has none, as docs/engine-surface.md says.
    pair, block = Pair(), SimpleNamespace(**sealed(GENESIS_BLOCK))
    assert pair.rust.verify_block(block)
    with pytest.raises(legacy.HeaderValidationError) as refusal:
        pair.legacy.verify_block(block)
    assert refusal.value.reason == "malformed"


def test_a_failing_storage_is_no_verdict_and_the_block_stays(clock: Clock) -> None:
    pair = Pair()

    def broken(*_: Any) -> None:
        raise OSError("disk full")

    for storage in pair.storages:
        storage.store_tip = broken  # type: ignore[method-assign]
    block = sealed(GENESIS_BLOCK)
    for engine in (pair.legacy, pair.rust):
        with pytest.raises(OSError, match="disk full"):
            engine.verify_block(block)
    pair.compare()
    assert pair.rust.get_best_tip() == block


def test_a_genesis_that_does_not_fit_is_refused() -> None:
    for changes in ({"genesis_block": None}, {"network_id": "another"}, {"genesis_timestamp": 1.0}):
        for module in (legacy, rust):
            with pytest.raises(module.ValidationError, match="genesis"):
                module.ConsensusEngine(config(**changes), RecordingStorage(), None)


def test_out_of_the_domain_is_refused_where_no_other_engine_can_judge() -> None:
    engine = Pair().rust
    huge = sealed(GENESIS_BLOCK, work={"problem_size": 5000})
    with pytest.raises(rust.HeaderValidationError, match="outside the parity domain") as refusal:
        engine.verify_block(huge)
    assert refusal.value.reason == "malformed"
    assert len(engine.block_tree) == 1


@pytest.mark.parametrize("spoil", ["nothing", "parent", "commitment", "solution", "bundle", "type"])
def test_reveals_are_checked_alike(spoil: str) -> None:
    pair = Pair(max_proof_size_bytes=10)
    block = sealed(GENESIS_BLOCK)
    if spoil == "solution":
        block |= {"solution": [7, 8]}
    params = pow.ProblemRegistry().encode_params(block["problem"])
    commitment = pow.calculate_commitment(params, b"salt", block["previous_hash"], block["solution"])
    if spoil == "parent":
        block |= {"previous_hash": "unknown"}
    if spoil == "type":
        block |= {"problem": None}
    bundle = b"x" * (11 if spoil == "bundle" else 10)
    if spoil == "commitment":
        commitment = "0" * 64
    answer = pair.both(lambda engine: engine.validate_reveal(block, commitment, b"salt", bundle))
    assert answer == (True if spoil == "nothing" else ("refused", "RevealValidationError"))


def test_a_copied_tree_is_the_other_engines_with_its_tip(clock: Clock) -> None:
    pair = Pair()
    block = sealed(GENESIS_BLOCK)
    weaker = block | {"complexity": block["complexity"] | {"asymmetry_time": 1.5}}
    roots = [block | {"index": False, "block_hash": key, "previous_hash": None} for key in (True, 1, None)]
    for offered in (block, weaker, *branch(GENESIS_BLOCK, 2, tag=5), *roots):
        pair.both(lambda engine, offered=offered: engine.validate_header(offered))
        clock.now += 1
    fresh = Pair().rust
    fresh.import_tree(pair.legacy.block_tree.items(), pair.legacy.best_tip)
    assert list(map(repr, fresh.block_tree)) == list(map(repr, pair.legacy.block_tree))
    nodes, tip = fresh.export_tree()
    assert [vars(node) for _, node in nodes] == [vars(node) for node in pair.legacy.block_tree.values()]
    assert vars(tip) == vars(pair.legacy.best_tip)
    side = sealed(GENESIS_BLOCK, tag=8)
    node = legacy.BlockNode(side, side["previous_hash"], 1.0, 1, 2.0)
    fresh.import_tree([(side["block_hash"], node)], tip, replace=False)
    assert len(fresh.block_tree) == len(pair.legacy.block_tree) + 1


def test_settings_pin_the_profile_and_the_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "wrapper.json"
    monkeypatch.setenv("COINJECTURE_SETTINGS", str(settings))
    unsealed = sealed(GENESIS_BLOCK) | {"block_hash": "unsealed"}
    settings.write_text('{"pin_profile": "header", "alert": "other settings are not ours"}')
    assert Pair().rust.verify_block(unsealed)
    settings.write_text('{"work_budget": 1}')
    with pytest.raises(rust.BudgetExceededError):
        Pair().rust.verify_block(sealed(GENESIS_BLOCK))
    for damaged in ("{", "[]", '{"pin_profile": "both"}', '{"work_budget": 0}', '{"work_budget": true}'):
        settings.write_text(damaged)
        with pytest.raises(ValueError, match=r"wrapper\.json"):
            Pair()


def test_the_shared_names_are_one() -> None:
    assert rust.ConsensusConfig is ConsensusConfig
    assert rust.REASONS is REASONS and len(REASONS) == 11
    assert set(ConsensusConfig.__dataclass_fields__) == set(legacy.ConsensusConfig.__dataclass_fields__)


def test_python_without_the_native_module_still_has_the_shared_names() -> None:
    surface = importlib.util.find_spec("consensus_surface")
    assert surface is not None and surface.origin is not None
    folder = str(Path(surface.origin).parents[1])
    code = "import consensus_surface, sys; assert 'coinjecture._core' not in sys.modules"
    environment = {"PYTHONPATH": folder, "PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, "-S", "-c", code], check=True, env=environment, timeout=60)

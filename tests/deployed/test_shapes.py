"""What the deployed node's shape asks of the wrapper, one fault of its first meeting at a time."""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any

import pytest
from coinjecture_migration.control.status import report as status_of
from coinjecture_migration.engines.shape import ShapeError, shape_from, shape_of
from coinjecture_migration.runtime.errors import BrokenEngineError, ModeChangeError, StartError
from coinjecture_migration.vocabulary import MODES
from consensus_wrapper import ConsensusMode, HeaderValidationError

from tests.deployed.conftest import Deployed


def test_given_no_genesis_in_the_configuration_then_it_comes_from_the_legacy_engine_and_is_kept(
    deployed: Deployed,
) -> None:
    wrapper = deployed.start("shadow")
    kept = json.loads((deployed.place.state / "genesis.json").read_text())
    assert kept["block"]["block_hash"] == wrapper.genesis_block.block_hash
    assert (
        kept["block"]["complexity"]["energy_metrics"]["solve_energy_joules"] == 0.1
    )  # to_dict() leaves it out


def test_given_a_restart_in_final_then_genesis_and_tip_are_the_nodes_own_objects(deployed: Deployed) -> None:
    wrapper = deployed.start("shadow")
    before = wrapper.genesis_block
    wrapper.set_mode("final", who="test", why="up")
    wrapper.close()
    again = deployed.start()
    assert again.mode is ConsensusMode.REFACTORED_ONLY
    assert again.genesis_block == before == again.get_best_tip()
    assert again.get_best_tip().complexity.energy_metrics.verify_energy_joules == 0.001


def test_given_no_kept_genesis_when_final_starts_then_it_says_what_is_missing(deployed: Deployed) -> None:
    wrapper = deployed.start("shadow")
    wrapper.set_mode("final", who="test", why="up")
    wrapper.close()
    (deployed.place.state / "genesis.json").unlink()
    with pytest.raises(StartError, match=r"no genesis is known.*rollback"):
        deployed.start()


def test_given_a_disk_that_refuses_when_the_genesis_is_to_be_kept_then_shadow_is_not_entered(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = deployed.start("legacy")

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("coinjecture_migration.engines.genesis.durable.replace", refuse)
    with pytest.raises(ModeChangeError, match="genesis cannot be kept"):
        wrapper.set_mode("shadow", who="test", why="up")
    assert wrapper.mode is ConsensusMode.LEGACY_ONLY


@pytest.mark.parametrize("mode", MODES)
def test_given_a_storage_call_whose_answer_is_needed_when_modes_change_then_it_is_carried_out(
    deployed: Deployed, mode: str
) -> None:
    wrapper = deployed.start("legacy")
    for target in (mode, "legacy"):
        wrapper.set_mode(target, who="test", why="there and back")
        assert wrapper.validate_header(deployed.child(wrapper)) is True
    assert status_of(wrapper._manager)["engines"]["legacy"]["error"] is None


def test_given_a_content_store_that_answers_no_more_then_no_mode_without_a_way_back_is_entered(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = deployed.start("shadow")
    monkeypatch.setattr(deployed.storage, "store_proof_bundle", lambda _bundle: None)
    for target in ("rust", "final"):
        with pytest.raises(
            ModeChangeError, match="could not be built again: RuntimeError: No CID returned"
        ) as no:
            wrapper.set_mode(target, who="test", why="up")
        assert no.value.code == "no_way_back"
        with pytest.raises(ModeChangeError, match="could not be built again") as no:
            wrapper._manager.prepare(target, "test")
        assert (no.value.code, wrapper._manager.preparation) == ("no_way_back", None)
    assert wrapper.mode is ConsensusMode.SHADOW
    assert wrapper.validate_header(deployed.child(wrapper)) is True


def test_given_a_legacy_engine_that_cannot_be_built_when_rust_starts_then_it_says_so_with_advice(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = deployed.start("shadow")
    wrapper.set_mode("rust", who="test", why="up")
    wrapper.close()
    monkeypatch.setattr(deployed.storage, "store_proof_bundle", lambda _bundle: None)
    with pytest.raises(StartError, match=r"mode rust needs the legacy engine.*No CID returned"):
        deployed.start()


@pytest.mark.parametrize("mode", ["shadow", "rust"])
def test_given_a_block_whose_hash_no_rule_asks_for_then_it_is_not_compared(
    deployed: Deployed, mode: str
) -> None:
    wrapper = deployed.start(mode)
    block = deployed.child(wrapper, mining_capacity="mobile")  # text: its calculate_hash() raises
    assert wrapper.validate_header(block) is True
    assert wrapper.stats()["outcomes"]["match"] == 1


def test_given_a_reject_before_the_score_matters_then_the_score_is_not_compared(deployed: Deployed) -> None:
    wrapper = deployed.start("shadow")
    block = deployed.child(wrapper, timestamp="later")
    block.complexity.measured_solve_time = None
    with pytest.raises(HeaderValidationError):
        wrapper.validate_header(block)
    assert wrapper.stats()["outcomes"]["match"] == 1


def test_given_a_legacy_engine_that_prints_then_it_prints_once_and_never_where_it_is_told_not_to(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    wrapper = deployed.start("shadow")
    capsys.readouterr()
    wrapper.validate_header(deployed.child(wrapper))
    wrapper._manager.watchers.self_check.run()
    assert capsys.readouterr().out.count("accepted at height") == 1
    wrapper.close()
    quiet = deployed.start(quiet_legacy=True)
    quiet.validate_header(deployed.child(quiet))
    assert capsys.readouterr().out == ""


def test_given_the_self_check_then_its_engines_see_the_nodes_own_storage(deployed: Deployed) -> None:
    wrapper = deployed.start("shadow")
    for _ in range(3):
        wrapper.validate_header(deployed.child(wrapper))
    rows = len(deployed.storage._run("SELECT * FROM work_index"))
    wrapper._manager.watchers.self_check.run()
    found = wrapper.stats()["determinism"]
    assert (found["blocks"], found["mismatches"], found["differences"]) == (3, 0, 0)
    assert len(deployed.storage._run("SELECT * FROM work_index")) == rows


@pytest.mark.parametrize("mode", MODES)
def test_given_a_program_that_inserts_without_judging_then_every_engine_has_the_block(
    deployed: Deployed, mode: str
) -> None:
    wrapper = deployed.start("legacy")
    wrapper.set_mode(mode, who="test", why="up")
    blocks = []
    for time in (5.0, 6.0):
        block = deployed.child(wrapper)
        wrapper._add_block_to_tree(block, time)
        blocks.append(block)
    tip = wrapper.best_tip
    assert (tip.block, tip.height, tip.receipt_time) == (blocks[1], 2, 6.0)
    assert deployed.storage._run("SELECT max(height) FROM work_index") == [(2,)]
    wrapper.set_mode("shadow" if mode != "shadow" else "rust", who="test", why="the other engine has it too")
    assert wrapper.validate_header(deployed.child(wrapper)) is True
    assert wrapper.stats()["ever"] == {"divergence": 0, "rust_error": 0, "legacy_error": 0}


def reveal_of(block: Any) -> tuple[bytes, bytes]:
    """A commitment of the deployed form, and its salt."""
    from tests.deployed.conftest import Registry

    epoch = int(block.timestamp // 3600).to_bytes(8, "big")
    solution = hashlib.sha256(json.dumps(block.solution).encode()).digest()
    return hashlib.sha256(
        Registry().encode_params(block.problem) + b"salt" + epoch + solution
    ).digest(), b"salt"


@pytest.mark.parametrize("mode", ["legacy", "shadow", "rust"])
def test_given_a_reveal_that_only_legacy_knows_then_legacy_answers_and_nobody_is_demoted(
    deployed: Deployed, mode: str
) -> None:
    wrapper = deployed.start(mode)
    block = deployed.child(wrapper)
    assert wrapper.validate_reveal(block, *reveal_of(block)) is True
    assert wrapper.mode is ConsensusMode(mode)
    assert wrapper.stats()["outcomes"]["alone"] == 1
    assert deployed.storage._run("SELECT count(*) FROM commit_index") == [(1,)]


def test_given_a_reveal_declared_as_legacys_when_final_is_asked_then_it_says_that_nobody_knows_it(
    deployed: Deployed,
) -> None:
    wrapper = deployed.start("shadow", reveal="legacy")
    wrapper.set_mode("final", who="test", why="up")
    with pytest.raises(BrokenEngineError, match="only the legacy engine knows this node's reveals"):
        wrapper.validate_reveal(deployed.child(wrapper), b"", b"")


def test_given_a_reveal_of_the_deployed_form_when_final_is_asked_then_it_is_never_called_wrong(
    deployed: Deployed,
) -> None:
    wrapper = deployed.start("shadow")
    wrapper.set_mode("final", who="test", why="up")
    block = deployed.child(wrapper)
    commitment, salt = reveal_of(block)
    for call in (lambda: wrapper.validate_reveal(block, commitment, salt),
                 lambda: wrapper.validate_reveal(block, commitment=commitment, miner_salt=salt)):  # fmt: skip
        with pytest.raises(BrokenEngineError, match="only the legacy engine knows this node's reveals"):
            call()
    assert wrapper.validate_header(block) is True, "no block is refused for it"


def test_given_an_engine_that_began_at_a_peers_block_then_shadow_says_where_it_began(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = deployed.start("legacy")
    peers = deployed.child(wrapper, index=1234)
    engine = wrapper._active.legacy.engine  # type: ignore[union-attr]
    engine.block_tree.clear()
    engine.best_tip = None
    engine._add_block_to_tree(peers, 1.0)
    with pytest.raises(
        ModeChangeError, match=r"rust begins at it, the genesis, and legacy at .*another block"
    ):
        wrapper.set_mode("shadow", who="test", why="up")


def test_given_a_shape_then_a_block_is_made_whole_again_from_its_json(deployed: Deployed) -> None:
    block = deployed.start("legacy").genesis_block
    shape = shape_from(json.loads(json.dumps(shape_of(block).as_json())))
    plain = json.loads(json.dumps(block, default=lambda part: getattr(part, "value", None) or vars(part)))
    assert shape.make(plain) == block
    del plain["solution"]
    with pytest.raises(ShapeError, match="solution"):
        shape.make(plain)


def test_given_no_release_and_a_package_of_the_nodes_of_its_name_then_the_message_names_both(
    deployed: Deployed,
) -> None:
    (deployed.place.folder / "current").unlink()
    for name in [
        name for name in sys.modules if name.partition(".")[0] in ("coinjecture", "_coinjecture_release")
    ]:
        deployed.monkeypatch.delitem(sys.modules, name)
    latch = status_of(deployed.start("shadow")._manager)["latched"]
    assert latch is not None
    assert "the wheel cannot be imported" in latch["why"]
    assert "the node's own package of that name" in latch["why"]
    assert "playbooks/repair.yml -l node1" in latch["why"]

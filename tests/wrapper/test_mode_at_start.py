"""Which mode a node starts in: by its mode file, by a latch, or by what is broken."""

import json
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import consensus_surface
import pytest
from coinjecture_migration.control.status import report as status_of
from coinjecture_migration.runtime.errors import StartError
from consensus_wrapper import ConsensusMode, DualRunConsensus

from tests.oracle.support import sealed
from tests.wrapper.conftest import NODE_SOURCE, Place, chain, genesis_block
from tests.wrapper.double import DoubleEngine
from tests.wrapper.test_hostile_engines import WrongRule
from tests.wrapper.test_modes import outcomes

ROOT = Path(__file__).parents[2]


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

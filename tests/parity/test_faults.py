"""Given a fault build, when a fault is chosen, it happens, in the way the wrapper has to bear."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "fault-module"

JUDGE = """
import json, os, sys, time
from coinjecture import _core
from testnet.node.src import consensus
from tests.oracle.support import GENESIS, sealed
assert _core.build_info()["features"] == ["faults"]
known = GENESIS["testnet"]
engine = _core.Engine(known["block_json"], known["received_at"])
block = json.loads(known["block_json"])
for height in (1, 2, 3):
    block = sealed(block)
    captured = _core.capture(block)
    started = time.perf_counter()
    try:
        judgement = engine.judge(captured, 1.0, "full")
        engine.apply(judgement)
        print("work", judgement.work == captured.work)
        assert os.environ["COINJECTURE_FAULT"] != "slow" or time.perf_counter() - started > 0.2
    except BaseException as error:
        kinds = [kind.__name__ for kind in type(error).__mro__]
        print(kinds[0], "Exception" in kinds, len(engine))
        # The engine is not spoiled by it.
        assert engine.tip().height == len(engine) - 1
        block = json.loads(known["block_json"]) if len(engine) == 1 else block
"""


@pytest.fixture(scope="module")
def fault_module() -> Path:
    """A folder with the package and a native module that has the faults, from the crate as it is now."""
    target = FOLDER / "target"
    environment = os.environ | {
        "PYO3_BUILD_EXTENSION_MODULE": "1",
        "CARGO_TARGET_DIR": str(target),
        "CARGO_PROFILE_DEV_DEBUG": "0",
    }
    command = ["cargo", "build", "--locked", "-q", "-p", "coinjecture-python", "--features", "faults"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    package = FOLDER / "coinjecture"
    package.mkdir(exist_ok=True)
    shutil.copy(target / "debug" / "lib_core.so", package / "_core.abi3.so")
    for source in (ROOT / "python" / "src" / "coinjecture").glob("*.py"):
        shutil.copy(source, package)
    return FOLDER


def judged_with(module: Path, fault: str, after: int = 0, live: str = "") -> list[str]:
    """What three judgements of valid blocks give in a process with a fault."""
    environment = os.environ | {
        "PYTHONPATH": f"{module}{os.pathsep}{ROOT / 'python' / 'src'}{os.pathsep}{ROOT}",
        "COINJECTURE_FAULT": fault,
        "COINJECTURE_FAULT_AFTER": str(after),
        "COINJECTURE_FAULT_LIVE": live,
    }
    command = [sys.executable, "-c", JUDGE]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_divergence_is_a_wrong_score_at_every_odd_height(fault_module: Path) -> None:
    assert judged_with(fault_module, "divergence") == ["work False", "work True", "work False"]


def test_blocks_received_before_the_process_started_are_spared_where_that_is_asked_for(
    fault_module: Path,
) -> None:
    assert judged_with(fault_module, "divergence", live="1") == ["work True"] * 3


def test_an_error_is_an_exception_and_no_verdict(fault_module: Path) -> None:
    assert judged_with(fault_module, "error") == ["EngineError True 1"] * 3


def test_a_panic_is_a_base_exception_that_except_exception_misses(fault_module: Path) -> None:
    assert judged_with(fault_module, "panic") == ["PanicException False 1"] * 3


def test_a_loop_ends_when_the_work_budget_is_used_up(fault_module: Path) -> None:
    assert judged_with(fault_module, "loop", after=2)[-1] == "BudgetExceededError True 3"


def test_a_slow_engine_answers_late_and_right(fault_module: Path) -> None:
    assert judged_with(fault_module, "slow") == ["work True"] * 3


def test_a_fault_waits_for_its_turn(fault_module: Path) -> None:
    assert judged_with(fault_module, "panic", after=1) == ["work True", *["PanicException False 2"] * 2]


def test_without_a_choice_a_fault_build_judges_as_ever(fault_module: Path) -> None:
    assert judged_with(fault_module, "") == ["work True"] * 3

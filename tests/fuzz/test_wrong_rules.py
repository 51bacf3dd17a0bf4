"""Given an engine with one small mistake in a rule, the short run of CI finds it.

One build of the native module has all the mistakes; which one is made is chosen when its process starts. The
short run is the one of `test_generator.py`: the same seed and no more scenarios than it has.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from coinjecture import _core

from .test_generator import SCENARIOS, SEED

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "wrong-rules-module"
NAMES = re.findall(
    r'^    \("([a-z_]+)", Wrong::', (ROOT / "rust/consensus/src/wrong.rs").read_text(encoding="utf-8"), re.M
)

HUNT = f"""
import json
from coinjecture import _core
from fuzz.compare import Comparison
from fuzz.rust import RustEngine
from fuzz.totals import Totals
from fuzz.workers import scenario_seed
assert _core.build_info()["features"] == ["wrong-rules"]
comparison, totals = Comparison(RustEngine), Totals()
for number in range({SCENARIOS}):
    difference = comparison.run(scenario_seed({SEED}, number), totals)
    if difference is not None:
        small = comparison.shrink(difference)
        print(json.dumps({{"cases": totals.cases, "fields": small.fields, "steps": len(small.steps)}}))
        break
else:
    print(json.dumps({{"cases": totals.cases, "fields": [], "steps": 0}}))
"""


@pytest.fixture(scope="module")
def wrong_module() -> Path:
    """A folder with the package and a native module that has the wrong rules, from the crate as it is now."""
    target = ROOT / "build" / "fault-module" / "target"  # shared with the fault build: the same dependencies
    environment = os.environ | {
        "PYO3_BUILD_EXTENSION_MODULE": "1",
        "CARGO_TARGET_DIR": str(target),
        "CARGO_PROFILE_DEV_DEBUG": "0",
    }
    command = ["cargo", "build", "--locked", "-q", "-p", "coinjecture-python", "--features", "wrong-rules"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(FOLDER, ignore_errors=True)
    shutil.copytree(ROOT / "python/src", FOLDER, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    shutil.copy(target / "debug" / "lib_core.so", FOLDER / "coinjecture" / "_core.abi3.so")
    return FOLDER


def hunted(module: Path, wrong: str) -> dict[str, object]:
    """What the short run finds in a process with a wrong rule."""
    environment = os.environ | {
        "PYTHONPATH": f"{module}{os.pathsep}{ROOT}",
        "COINJECTURE_WRONG_RULE": wrong,
    }
    call = [sys.executable, "-c", HUNT]
    done = subprocess.run(call, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("wrong", NAMES)
def test_the_short_run_finds_the_mistake(wrong: str, wrong_module: Path) -> None:
    found = hunted(wrong_module, wrong)
    assert found["fields"], f"{wrong} was not found in {found['cases']} cases"
    assert isinstance(found["steps"], int) and found["steps"] >= 1


def test_without_a_choice_the_same_build_is_right(wrong_module: Path) -> None:
    assert hunted(wrong_module, "")["fields"] == []


def test_there_is_a_mistake_of_every_sort() -> None:
    assert len(NAMES) >= 6


def test_the_engine_in_use_has_none_of_them() -> None:
    assert _core.build_info()["features"] == []
    binary = Path(str(_core.__file__)).read_bytes()
    assert b"COINJECTURE_WRONG_RULE" not in binary and b"COINJECTURE_FAULT" not in binary

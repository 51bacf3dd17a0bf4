"""Given an engine with one small mistake in a rule, the short run of CI finds it.

The mistakes are made in a copy of the crates. One build of it has all of them; which one is made is chosen
when its process starts. The short run is the one of `test_generator.py`: the same seed and no more scenarios
than it has.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from coinjecture import _core

from .test_generator import SCENARIOS, SEED

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "wrong-rules-module"
SOURCE = FOLDER.with_name("wrong-rules-source")
CHOSEN = "COINJECTURE_WRONG_RULE"
MISTAKES = (
    # A comparison: a block may be as old as its parent.
    (
        "timestamp",
        "rules/verdict.rs",
        "if block.timestamp.at_most(&parent.timestamp)? {",
        "if block.timestamp.at_most(&parent.timestamp)?"
        " && !(MISTAKE && parent.timestamp.at_most(&block.timestamp)?) {",
    ),
    # A comparison: of equal sums the later one wins too, if it arrives in the same moment.
    (
        "tie",
        "chain/fork_choice.rs",
        "node.received_at < tip.received_at",
        "(node.received_at < tip.received_at || MISTAKE && node.received_at <= tip.received_at)",
    ),
    # A comparison: the largest size of a tier is outside.
    (
        "tier_bound",
        "rules/verdict.rs",
        "size.at_most(&Value::Int(high))?",
        "size.at_most(&Value::Int(high - i64::from(MISTAKE)))?",
    ),
    # An order of evaluation: the sum becomes an integer before the node is in the tree.
    (
        "sum_first",
        "engine/judgement.rs",
        "let moves_tip = beats(&node, tip);",
        "if MISTAKE && !node.cumulative.is_finite() { return Self::reject(Reject::malformed()); }"
        " let moves_tip = beats(&node, tip);",
    ),
    # An order of evaluation: two factors of the score are multiplied first.
    (
        "association",
        "rules/work.rs",
        "let score = time_ratio * root * weight *",
        "let score = (if MISTAKE { time_ratio * (root * weight) } else { time_ratio * root * weight }) *",
    ),
    # A rounding: a product and a sum are rounded once instead of twice.
    (
        "fused",
        "rules/work.rs",
        "Ok(bonus) => Ok(score + bonus),",
        "Ok(bonus) if MISTAKE =>"
        " Ok((time_ratio * root * weight * n.to_f64()? * quality).mul_add(efficiency, bonus)),"
        " Ok(bonus) => Ok(score + bonus),",
    ),
    # An argument order: the larger of a NaN and zero.
    (
        "larger_of_nan",
        "rules/work.rs",
        "larger(Num::Float(0.0), epsilon.num()?)",
        "if MISTAKE { larger(epsilon.num()?, Num::Float(0.0)) }"
        " else { larger(Num::Float(0.0), epsilon.num()?) }",
    ),
    # An escape: DEL is written as it is.
    (
        "delete",
        "json/writer.rs",
        "        0x22 => out",
        "        0x7f if MISTAKE => out.push(0x7f),\n        0x22 => out",
    ),
    # A layout: the exponent form begins one power of ten late; until then a library writes its own.
    (
        "exponent",
        "json/writer.rs",
        "..MOST_WITHOUT_EXPONENT).contains",
        "..MOST_WITHOUT_EXPONENT * f64::from(1 + 9 * u8::from(MISTAKE))).contains",
    ),
    # A summation: floats are added as later Pythons add them.
    (
        "compensated",
        "rules/subset_sum.rs",
        'problem.get(b"target"), minor)?',
        'problem.get(b"target"), if MISTAKE { 12 } else { minor })?',
    ),
)
"""Each with its name, its file of the core, the text of the rule, and what stands there instead."""
CHOICE = f"""
/// Whether this mistake is the chosen one.
pub(crate) fn mistake(name: &str) -> bool {{
    static CHOSEN: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    CHOSEN.get_or_init(|| std::env::var("{CHOSEN}").unwrap_or_default()) == name
}}
"""
NAMES = [name for name, *_ in MISTAKES]

HUNT = f"""
import json
from pathlib import Path
from coinjecture import _core
from fuzz.compare import Comparison
from fuzz.rust import RustEngine
from fuzz.totals import Totals
from fuzz.workers import scenario_seed
assert Path(_core.__file__).parent == Path({str(FOLDER / "coinjecture")!r})
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


def make_mistakes(crate: Path) -> None:
    """Make all the mistakes in the sources of the core."""
    for name, file, rule, instead in MISTAKES:
        text = (crate / file).read_text(encoding="utf-8")
        assert text.count(rule) == 1, f"{name}: {file} reads otherwise now: {rule}"
        mistaken = instead.replace("MISTAKE", f'crate::mistake("{name}")')
        (crate / file).write_text(text.replace(rule, mistaken), encoding="utf-8")
    with (crate / "lib.rs").open("a", encoding="utf-8") as out:
        out.write(CHOICE)


@pytest.fixture(scope="module")
def wrong_module() -> Path:
    """A folder with the package and a native module that has the wrong rules, from the crate as it is now."""
    target = ROOT / "build" / "fault-module" / "target"  # shared with the fault build: the same dependencies
    environment = os.environ | {
        "PYO3_BUILD_EXTENSION_MODULE": "1",
        "CARGO_TARGET_DIR": str(target),
        "CARGO_PROFILE_DEV_DEBUG": "0",
    }
    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.copytree(ROOT / "rust", SOURCE / "rust")
    for name in ("Cargo.toml", "Cargo.lock"):
        shutil.copy(ROOT / name, SOURCE)
    make_mistakes(SOURCE / "rust/consensus/src")
    command = ["cargo", "build", "--locked", "-q", "-p", "coinjecture-python"]
    done = subprocess.run(command, cwd=SOURCE, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(FOLDER, ignore_errors=True)
    shutil.copytree(ROOT / "python/src", FOLDER, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    shutil.copy(target / "debug" / "lib_core.so", FOLDER / "coinjecture" / "_core.abi3.so")
    return FOLDER


def hunted(module: Path, wrong: str) -> dict[str, object]:
    """What the short run finds in a process with a wrong rule."""
    environment = os.environ | {
        "PYTHONPATH": f"{module}{os.pathsep}{ROOT}",
        CHOSEN: wrong,
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
    assert CHOSEN.encode() not in binary and b"COINJECTURE_FAULT" not in binary

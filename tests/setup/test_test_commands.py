"""`make test` counts both halves, `test-one` finds one by name, a scenario that fails leaves its things."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class Clone:
    """A tree with the scripts, and programs in their way that do what a test says."""

    def __init__(self, folder: Path) -> None:
        self.tree, self.programs = folder / "clone", folder / "bin"
        self.programs.mkdir()
        (self.tree / "scripts").mkdir(parents=True)
        for name in ("test", "molecule"):
            shutil.copy(ROOT / "scripts" / name, self.tree / "scripts" / name)

    def says(self, name: str, script: str) -> None:
        """A program that does what the script says."""
        program = self.programs / name
        program.write_text(f"#!/usr/bin/env bash\n{script}\n")
        program.chmod(0o755)

    def runs(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """A script of the tree, to its end."""
        environment = {name: value for name, value in os.environ.items() if name != "TEST_TALLY"}
        environment["PATH"] = f"{self.programs}:{environment['PATH']}"
        return subprocess.run(
            argv, cwd=self.tree, env=environment, capture_output=True, text=True, timeout=60, check=False
        )


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


QUICK = 'echo "test result: ok. 40 passed; 0 failed; 0 ignored"; echo "600 0" >"$TEST_TALLY"'
DROPLETS = 'echo "90 0" >>"$TEST_TALLY"; echo "8 0" >>"$TEST_TALLY"'


def halves(quick: str, droplets: str) -> str:
    return f'case "$*" in *test-quick) {quick} ;; *test-droplets) {droplets} ;; esac'


def test_given_both_halves_pass_then_the_last_line_counts_them_together(clone: Clone) -> None:
    clone.says("make", halves(f"echo linted; {QUICK}", DROPLETS))
    done = clone.runs("scripts/test")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "test: 738 passed, 0 failed"
    shown = done.stdout.partition("==== the half without containers ====")[2]
    assert "linted" in shown, "apart from what the other half says"


@pytest.mark.parametrize(
    ("quick", "droplets", "last", "named"),
    [
        (f"{QUICK}; exit 2", DROPLETS, "738 passed, 1 failed", "the half quick failed"),
        ('echo "599 1" >"$TEST_TALLY"; exit 2', DROPLETS, "697 passed, 1 failed", "the half quick failed"),
        (QUICK, 'echo "80 3" >"$TEST_TALLY"; exit 2', "720 passed, 3 failed", "the half droplets failed"),
        (QUICK, "exit 2", "640 passed, 1 failed", "the half droplets failed"),
    ],
    ids=["outside of a test", "a test", "tests on droplets", "no network"],
)
def test_given_a_half_that_fails_then_the_whole_does_and_names_it(
    clone: Clone, quick: str, droplets: str, last: str, named: str
) -> None:
    clone.says("make", halves(quick, f"mkdir -p build/failed/one-test; {droplets}"))
    done = clone.runs("scripts/test")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == f"test: {last}", done.stdout
    assert named in done.stdout
    assert "build/failed/one-test" in done.stdout


def test_given_both_halves_then_they_run_side_by_side(clone: Clone) -> None:
    meet = "for _ in $(seq 200); do [ ! -e {other} ] || exit 0; sleep 0.05; done; exit 2"
    quick = f"touch quick; {meet.format(other='droplets')}"
    clone.says("make", halves(quick, f"touch droplets; {meet.format(other='quick')}"))
    assert clone.runs("scripts/test").returncode == 0


def test_given_a_scenario_that_breaks_off_then_its_output_and_the_droplets_are_kept_before_they_go(
    clone: Clone,
) -> None:
    clone.says(
        "molecule", 'echo "molecule $*" >>steps; case "$1" in test) echo "converge failed"; exit 3 ;; esac'
    )
    clone.says("python", 'echo "python $*" >>steps')
    done = clone.runs("scripts/molecule", "migrate")
    assert done.returncode == 3
    assert (clone.tree / "steps").read_text().splitlines() == [
        "molecule test --scenario-name migrate --destroy=never",
        "python -m testnet.lab gather build/failed/molecule-migrate",
        "molecule destroy --scenario-name migrate",
    ]
    assert (clone.tree / "build/failed/molecule-migrate/output.txt").read_text() == "converge failed\n"
    assert done.stdout.endswith("what it left: build/failed/molecule-migrate\n")
    assert (clone.tree / "build/molecule/migrate.tally").read_text() == "0 1\n"


def test_given_a_scenario_whose_tests_fail_then_it_is_not_counted_again(clone: Clone) -> None:
    clone.says("molecule", 'case "$1" in test) echo "9 2" >>"$TEST_TALLY"; exit 1 ;; esac')
    clone.says("python", "exit 0")
    assert clone.runs("scripts/molecule", "faults").returncode == 1
    assert (clone.tree / "build/molecule/faults.tally").read_text() == "9 2\n"


def test_given_a_scenario_that_passes_then_nothing_is_left(clone: Clone) -> None:
    clone.says("molecule", "exit 0")
    assert clone.runs("scripts/molecule", "migrate").returncode == 0
    assert not (clone.tree / "build/failed").exists()


PYTEST = "'python' '-m' 'pytest'"


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("migrate", "'scripts/setup' '--image'", "'scripts/molecule' 'migrate'"),
        ("test_rolled_back", "'scripts/setup' '--image'", "'scripts/molecule' 'migrate'"),
        ("tests/rehearsal/test_fault.py", "'scripts/setup' '--image'", "'python' '-m' 'testnet.lab' 'down'"),
        ("tests/layout", f"'nice' '-n' '5' {PYTEST} 'tests/layout'", ""),
        (
            "folder_leads_back",
            f"'nice' '-n' '5' {PYTEST} 'tests/layout/test_no_circles.py' '-k' 'folder_leads_back'",
            "",
        ),
        (
            "whole_numbers_stay",
            "'cargo' 'test' '--workspace' '--locked' '--release' 'whole_numbers_stay'",
            "",
        ),
    ],
)
def test_given_a_name_then_what_it_needs_is_run(name: str, first: str, last: str) -> None:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = ["scripts/test-one", "--plan", name]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"$ {first}" == done.stdout.splitlines()[0]
    assert f"$ {last or first}" == done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "which one?"),
        ("no_such_thing", "no test is called"),
        ("tests/nope", "there is no tests/nope"),
    ],
)
def test_given_a_name_of_nothing_then_one_sentence_says_so(name: str, why: str) -> None:
    done = subprocess.run(["scripts/test-one", name], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"test-one: {why}")

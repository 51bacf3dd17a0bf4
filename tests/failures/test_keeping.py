"""A scenario that fails leaves what one needs to see why, in a folder that is named at the end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from testnet.lab import gathered
from testnet.machine.docker import Docker
from tests.failures.keeping import ROOT, place

SCENARIO = """
import subprocess
import pytest

def play(*words):
    subprocess.run(["./ansible-playbook", *words], capture_output=True, text=True, timeout=1)

@pytest.mark.parametrize("node", ["node1", "node 2/[x]"])
@pytest.mark.droplets
def test_given_a_node_then_it_is_migrated(node):
    print("what the test printed")
    play("playbooks/phase1.yml", "-l", node)
    assert node == "migrated"

def test_given_a_play_that_hangs_then_what_it_said_is_there():
    play("hangs")

def test_given_nothing_then_it_passes():
    pass
"""
PLAYBOOK = '#!/bin/sh\necho "step refused: $2 $3"; [ "$1" != hangs ] || exec sleep 30\n'
DOCKER = """#!/bin/sh
case "$1 $2" in
  "ps --filter") echo coinjecture-node1 ;;
  "exec coinjecture-node1") shift 2; case "$1" in
    journalctl) echo "node1 wrote this" ;;
    sh) mkdir -p var/lib/kept; echo step > var/lib/kept/journal.jsonl; tar -cf - var ;;
  esac ;;
esac
"""


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def ran(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A run of the scenarios, in a folder with a playbook that refuses and an engine with one droplet."""
    environment = os.environ | {
        "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
        "TEST_TALLY": str(folder / "tally"),
    }  # fmt: skip
    environment = {name: value for name, value in environment.items() if not name.startswith("PYTEST_")}
    options = ("-p", "tests.failures.keeping", "-c", "scenario.ini", "--failed-folder", "failed")
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *words, "test_scenario.py"],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("scenarios")
    (made / "test_scenario.py").write_text(SCENARIO)
    (made / "scenario.ini").write_text("[pytest]\nmarkers = droplets: on droplets\n")
    program(made / "ansible-playbook", PLAYBOOK)
    program(made / "docker", DOCKER)
    return made


@pytest.fixture(scope="module")
def failed(folder: Path) -> subprocess.CompletedProcess[str]:
    """The run in which all but one scenario fail."""
    return ran(folder)


def test_given_a_scenario_that_fails_then_its_folder_is_named_at_the_end_and_has_all_of_it(
    folder: Path, failed: subprocess.CompletedProcess[str]
) -> None:
    named = "failed/test_scenario-test_given_a_node_then_it_is_migrated-node1"
    assert failed.returncode == 1
    assert named in failed.stdout.partition("what the failed tests left")[2].splitlines(), failed.stdout
    left = folder / named
    assert "what the test printed" in (left / "call.txt").read_text()
    assert (
        "node == " in (left / "call.txt").read_text() or "assert 'node1'" in (left / "call.txt").read_text()
    )
    play = (left / "play-1.txt").read_text()
    assert "playbooks/phase1.yml -l node1" in play and "step refused: -l node1" in play
    assert "exit status 0" in play
    assert (left / "coinjecture-node1/system.log").read_text() == "node1 wrote this\n"
    assert (left / "coinjecture-node1/var/lib/kept/journal.jsonl").read_text() == "step\n"


def test_given_many_failures_then_the_droplets_are_asked_once_and_the_others_say_where(
    folder: Path, failed: subprocess.CompletedProcess[str]
) -> None:
    second = place(folder / "failed", "test_scenario.py::test_given_a_node_then_it_is_migrated[node 2/[x]]")
    assert "node1" in (second / "droplets.txt").read_text()
    assert not (second / "coinjecture-node1").exists()


def test_given_a_play_that_hangs_then_what_it_had_said_is_kept(
    folder: Path, failed: subprocess.CompletedProcess[str]
) -> None:
    left = place(
        folder / "failed", "test_scenario.py::test_given_a_play_that_hangs_then_what_it_said_is_there"
    )
    said = sorted(left.glob("play-*.txt"))[-1].read_text()
    assert "step refused" in said and "was stopped at its time limit" in said
    assert not (left / "coinjecture-node1").exists(), "it is not about droplets"


def test_given_a_run_then_it_is_counted_and_one_that_passes_leaves_nothing(
    folder: Path, failed: subprocess.CompletedProcess[str]
) -> None:
    assert (folder / "tally").read_text() == "1 3\n"
    passing = place(folder / "failed", "test_scenario.py::test_given_nothing_then_it_passes")
    assert not passing.exists()
    passing.mkdir()
    assert ran(folder, "-k", "nothing").returncode == 0
    assert not passing.exists(), "what an earlier run has left"


def test_given_long_names_then_two_tests_have_two_folders(tmp_path: Path) -> None:
    one, other = (place(tmp_path, f"tests/a/test_b.py::test_{'x' * 300}[{end}]") for end in "ab")
    assert one != other and len(one.name) <= 150


def test_given_an_engine_that_does_not_answer_then_nothing_is_gathered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "docker", "#!/bin/sh\nexit 1\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(gathered, "find_docker", lambda: Docker())
    assert gathered.gather(tmp_path / "left") == []

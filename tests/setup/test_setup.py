"""`scripts/setup` on a machine that lacks something: one sentence, what to type, and nothing changed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
USED = (
    "bash",
    "dirname",
    "uname",
    "find",
    "sort",
    "sha256sum",
    "cut",
    "xargs",
    "cat",
    "rm",
    "mkdir",
    "touch",
)


class Machine:
    """A machine with chosen programs only, and a copy of the script in a tree of its own."""

    def __init__(self, folder: Path) -> None:
        self.tree, self.programs = folder / "clone", folder / "bin"
        (self.tree / "scripts").mkdir(parents=True)
        self.programs.mkdir()
        shutil.copy(ROOT / "scripts/setup", self.tree / "scripts/setup")
        self.has(*USED)
        self.says("python3", "exit 0")

    def has(self, *names: str) -> None:
        for name in names:
            found = shutil.which(name)
            assert found, f"{name} is needed for this test"
            (self.programs / name).symlink_to(found)

    def says(self, name: str, script: str) -> None:
        """A program that does what `script` says and leaves a note that it was started."""
        program = self.programs / name
        program.write_text(f'#!{shutil.which("bash")}\necho "{name} $*" >>"{self.started}"\n{script}\n')
        program.chmod(0o755)

    @property
    def started(self) -> Path:
        return self.tree.parent / "started"

    def setup(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.tree / "scripts/setup"],
            env={"PATH": str(self.programs), "HOME": os.environ.get("HOME", "/")},
            capture_output=True,
            text=True,
        )

    def assert_untouched(self) -> None:
        assert {path.name for path in self.tree.iterdir()} == {"scripts"}
        assert "apt-get" not in self.started.read_text()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_given_no_compiler_and_no_root_then_it_says_what_to_type(machine: Machine) -> None:
    machine.says("id", "echo 1000")
    machine.says("apt-get", "exit 0")
    done = machine.setup()
    assert done.returncode == 1
    assert (
        "cannot install packages without root. Type: sudo apt-get install -y build-essential" in done.stderr
    )
    machine.assert_untouched()


def test_given_sudo_that_asks_for_a_password_then_it_does_not_wait_for_one(machine: Machine) -> None:
    machine.says("id", "echo 1000")
    machine.says("apt-get", "exit 0")
    machine.says("sudo", "exit 1")
    assert "Type: sudo apt-get install" in machine.setup().stderr
    assert "sudo -n true" in machine.started.read_text()
    machine.assert_untouched()


def test_given_another_distribution_then_it_names_what_it_needs(machine: Machine) -> None:
    machine.says("id", "echo 0")
    done = machine.setup()
    assert done.returncode == 1
    assert "needs build-essential" in done.stderr and "there is no apt-get here" in done.stderr
    machine.assert_untouched()


def test_given_an_old_python_then_it_says_which_one_it_wants(machine: Machine) -> None:
    machine.says("python3", "exit 1")
    done = machine.setup()
    assert done.returncode == 1
    assert "needs Python 3.11 or later" in done.stderr
    machine.assert_untouched()


def test_given_a_copied_clone_then_its_venv_of_the_old_one_is_made_anew(machine: Machine) -> None:
    machine.has("cc", "cargo", "ssh")
    headers = machine.tree.parent / "include"
    headers.mkdir()
    (headers / "Python.h").touch()
    make = "mkdir -p .venv/bin; printf '#!%s/.venv/bin/python3' \"$PWD\" >.venv/bin/pip"
    machine.says("python3", f'case "$*" in *sysconfig*) echo {headers};; "-m venv .venv") {make};; esac')
    (machine.tree / "requirements").mkdir()
    (machine.tree / "requirements/tools.txt").touch()
    old = machine.tree / ".venv/bin/pip"
    old.parent.mkdir(parents=True)
    old.write_text("#!/the/old/clone/.venv/bin/python3\n")
    assert "this .venv was made for another folder; it is made anew" in machine.setup().stdout
    assert "python3 -m venv .venv" in machine.started.read_text()
    assert "made for another folder" not in machine.setup().stdout, "the new one is its own"

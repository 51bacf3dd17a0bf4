"""The versions of ansible-core that one place states: plays run on the oldest and on the newest of them."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.coinjecture.migration.plugins.plugin_utils.runs import supported
from tests.usage.support import ROOT, inventory, play

PROGRAMS = {
    supported.OLDEST: ROOT / ".venv/ansible-oldest/bin/ansible-playbook",
    supported.NEWEST: Path(sys.executable).with_name("ansible-playbook"),
}
each_version = pytest.mark.parametrize("version", PROGRAMS, ids=lambda version: ".".join(map(str, version)))


@each_version
def test_given_a_stated_version_then_it_is_the_one_that_is_installed_for_the_tests(
    version: tuple[int, int],
) -> None:
    assert PROGRAMS[version].exists(), "make setup installs it"
    told = subprocess.run(
        [PROGRAMS[version], "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert f"[core {version[0]}.{version[1]}." in told.stdout.splitlines()[0]


@pytest.mark.parametrize(
    ("version", "runs"), [("2.15.13", False), ("2.16.0", True), ("2.19.14", True), ("2.20.0b1", False)]
)
def test_given_a_version_then_it_is_taken_or_refused_in_a_sentence(version: str, runs: bool) -> None:
    said = supported.unsupported(version)
    assert (said == "") is runs
    assert runs or said.startswith(f"this is ansible-core {version}, and the plays run on 2.16 to 2.19;")


def test_given_a_python_without_a_library_that_the_filters_need_then_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert supported.incomplete() == ""
    monkeypatch.setattr(supported, "LIBRARIES", ("jsonschema", "no_such_library"))
    assert f"{sys.executable} has no no_such_library" in supported.incomplete()


def test_given_collection_and_readme_then_they_state_the_same_versions() -> None:
    first, last = (".".join(map(str, bound)) for bound in (supported.OLDEST, supported.NEWEST))
    beyond = f"{supported.NEWEST[0]}.{supported.NEWEST[1] + 1}"
    stated = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["requires_ansible"]
    assert stated == f">={first}.0,<{beyond}.0"
    assert f"ansible-core {first} to {last}" in " ".join((ROOT / "README.md").read_text().split())


@each_version
def test_given_a_refusal_then_its_reason_is_printed_in_every_version(
    tmp_path: Path, version: tuple[int, int]
) -> None:
    done = play("playbooks/ack.yml", "-i", str(inventory(tmp_path)), program=PROGRAMS[version])
    assert done.status == 2
    assert "nothing is acknowledged: ansible-playbook -i" in done.said
    assert "in callback plugin" not in done.said, "the output plug-in works"
    commands = re.findall(r"nothing is acknowledged: (ansible-playbook .*? -e 'why=.*?')", done.said)
    assert commands and {shlex.split(one)[-1] for one in commands} == {'why="what was found and done"'}


@each_version
def test_given_a_play_that_works_then_it_works_in_every_version_and_nothing_warns(
    tmp_path: Path, version: tuple[int, int]
) -> None:
    done = play("playbooks/unlock.yml", "-i", str(inventory(tmp_path)), program=PROGRAMS[version])
    assert done.status == 0, done.said
    assert "nobody is at work" in done.said
    assert "WARNING" not in done.said


@each_version
def test_given_silent_nodes_then_what_only_says_is_heard_alone_in_every_version(
    tmp_path: Path, version: tuple[int, int]
) -> None:
    hosts = str(inventory(tmp_path, ansible_connection="ssh", ansible_port=1))
    done = play("playbooks/status.yml", "-i", hosts, program=PROGRAMS[version])
    heard, _, end = done.said.partition("TASK [End with what a program reads of it")
    assert "node1 does not answer" in heard
    assert "TASK [" not in heard + end
    assert done.status == 4
    asked = play("playbooks/preflight.yml", "-i", hosts, program=PROGRAMS[version])
    assert asked.status == 4
    assert "node2 does not answer: connect to host 127.0.0.1 port 1: Connection refused" in asked.said


@each_version
def test_given_a_misspelt_variable_then_it_is_refused_in_every_version(
    tmp_path: Path, version: tuple[int, int]
) -> None:
    done = play(
        "playbooks/phase1.yml", "-i", str(inventory(tmp_path)), "-e", "wiat=1", program=PROGRAMS[version]
    )
    assert done.status == 1
    assert "nothing knows the variable wiat; did you mean wait?" in done.said

"""What a run prints by default: what was said, what changed, what failed; the rest with -v or in a log."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.coinjecture.migration.plugins.plugin_utils.messages import digest
from tests.usage.support import ROOT
from tests.usage.test_versions import PROGRAMS, each_version

LONG = "a sentence that is longer than a terminal of eighty columns is wide, so that it has to be broken"
COMMAND = f"{LONG}: ansible-playbook playbooks/rollback.yml -l node1"
TASKS: list[dict[str, Any]] = [
    {"name": "Look", "ansible.builtin.command": "true", "changed_when": False},
    {"name": "Say it", "ansible.builtin.debug": {"msg": LONG}},
    {"name": "Say what to type", "ansible.builtin.debug": {"msg": COMMAND}},
    {"name": "Edit it", "ansible.builtin.copy": {"content": "old\nnew\n", "dest": "{{ folder }}/edited"}},
    {
        "name": "Bring them",
        "ansible.builtin.copy": {"content": "a\nb\n", "dest": "{{ folder }}/{{ item }}"},
        "loop": ["first", "second"],
    },
    {"name": "Try it", "ansible.builtin.fail": {"msg": "not so"}, "ignore_errors": True},
    {
        "name": "Refuse it",
        "ansible.builtin.fail": {"msg": "no, because of \033[31mthis"},
        "when": "inventory_hostname == 'node2'",
    },
]


@pytest.fixture
def typed(tmp_path: Path) -> list[str]:
    """A playbook of one play on two nodes that are this machine."""
    (tmp_path / "edited").write_text("old\n")
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts = {"nodes": {"hosts": {"node1": {}, "node2": {}}, "vars": local | {"folder": str(tmp_path)}}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(hosts))
    plays = [{"name": "Do it", "hosts": "nodes", "serial": 1, "gather_facts": False, "tasks": TASKS}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump(plays))
    return ["-i", str(tmp_path / "hosts.yml"), str(tmp_path / "play.yml")]


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return kept | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")} | more


def in_a_pipe(typed: list[str], program: Path | None = None, **more: str) -> tuple[int, str]:
    done = subprocess.run(
        [program or Path(sys.executable).with_name("ansible-playbook"), *typed],
        cwd=ROOT, env=environment(**more), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    return done.returncode, untimed(done.stdout)


def untimed(said: str) -> str:
    """What was said on any machine: on a busy one every task may take long, and is told to."""
    return re.sub(
        r" \(\d+ s\)$", "", re.sub(r"^  \w+: [A-Z][\w ]+ \(\d+ s\)\n", "", said, flags=re.M), flags=re.M
    )


def on_a_terminal(typed: list[str], **more: str) -> tuple[int, str]:
    """The same on a pseudo-terminal of 80 columns."""
    main, side = pty.openpty()
    subprocess.run(["stty", "cols", "80", "rows", "24"], stdin=side, check=True)
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    process = subprocess.Popen(
        [program, *typed], cwd=ROOT, env=environment(**more), stdin=side, stdout=side, stderr=side
    )
    os.close(side)
    said = b""
    while True:
        try:
            chunk = os.read(main, 65536)
        except OSError:  # the other side is closed
            break
        if not chunk:
            break
        said += chunk
    os.close(main)
    return process.wait(), untimed(said.decode().replace("\r\n", "\n"))


@each_version
def test_given_a_run_then_what_is_said_and_changed_is_a_line_each_and_failures_are_in_full(
    typed: list[str], tmp_path: Path, version: tuple[int, int]
) -> None:
    status, said = in_a_pipe(typed, PROGRAMS[version], ANSIBLE_LOG_PATH=str(tmp_path / "log"))
    assert status == 2
    for line in (
        "Do it",
        f"  node1: {LONG}",
        f"  {COMMAND}",
        "  node1: changed: Edit it",
        "  node1: changed: Bring them (2 times)",
        "node1 : ok=6 changed=2 unreachable=0 failed=0 ignored=1",
        "node2 : ok=6 changed=0 unreachable=0 failed=1 ignored=1",
    ):
        assert line in said.splitlines(), said
    assert "Look" not in said and "PLAY [" not in said and "ok: [" not in said
    assert said.count("TASK [Try it]") == 2 and said.count("...ignoring") == 2
    assert "TASK [Refuse it]" in said
    assert r"fatal: [node2]: FAILED! => no, because of \x1b[31mthis" in said
    log = (tmp_path / "log").read_text()
    assert "TASK [Look]" in log and "PLAY [Do it]" in log and "PLAY RECAP" in log
    assert "node1: changed:" not in log, "the log has it in Ansible's words"


def test_given_v_then_everything_is_shown_as_ansible_shows_it(typed: list[str]) -> None:
    for option in ("-v", "-vvv"):
        status, said = in_a_pipe([*typed, "-l", "node1", option])
        assert status == 0
        assert "PLAY [Do it]" in said and "TASK [Look]" in said and "PLAY RECAP" in said
        assert "node1: changed:" not in said


def test_given_a_check_then_it_says_what_would_change_then_shows_edits_and_counts_the_rest(
    typed: list[str],
) -> None:
    status, said = in_a_pipe([*typed, "--check", "--diff"])
    assert status == 2
    assert "Do it (check: nothing is changed)" in said
    lines = said.splitlines()
    change, edit = lines.index("  node1: would change: Edit it"), lines.index("+new")
    assert change < lines.index("  node1: would change: Bring them (2 times)") < edit
    assert "+a" not in lines
    folded = [line for line in lines if "lines of diffs; -v shows them" in line]
    assert len(folded) == 2 and folded[0].startswith("  besides 2 files, ")
    assert edit < lines.index("  node2: would change: Edit it"), "of each node when it has ended"


def test_given_a_terminal_of_80_columns_then_sentences_are_broken_and_commands_are_not(
    typed: list[str],
) -> None:
    status, said = on_a_terminal([*typed, "-l", "node1"], TERM="xterm", ANSIBLE_NOCOLOR="1")
    assert status == 0
    assert "\r\033[K  Look" in said, "the task at work is drawn in place"
    shown = re.sub(r"[^\n]*\r\033\[K", "", said).splitlines()
    assert f"  {COMMAND}" in shown
    assert "  node1: a sentence that is longer than a terminal of eighty columns is wide," in shown
    assert "    so that it has to be broken" in shown


def test_given_a_terminal_that_draws_nothing_then_lines_are_plain(typed: list[str]) -> None:
    status, said = on_a_terminal([*typed, "-l", "node1"], TERM="dumb")
    assert status == 0
    assert "\033" not in said and "\r" not in said
    assert "  node1: changed: Edit it" in said.splitlines()


def test_given_no_colour_on_a_terminal_that_has_some_then_there_is_none(typed: list[str]) -> None:
    _, said = on_a_terminal([*typed, "-l", "node1"], TERM="xterm", NO_COLOR="1")
    assert not re.search(r"\033\[[0-9;]*m", said)


def test_given_a_long_task_that_is_asked_again_and_again_then_only_its_end_is_a_line(
    typed: list[str], tmp_path: Path
) -> None:
    long = {"name": "Build it", "ansible.builtin.command": "sleep 3", "async": 60, "poll": 1}
    play = {"name": "Do it", "hosts": "node1", "gather_facts": False, "tasks": [long]}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
    status, said = in_a_pipe(typed, ANSIBLE_ASYNC_DIR=str(tmp_path / "async"))
    assert (status, "ASYNC" in said) == (0, False), said
    assert "  node1: changed: Build it" in said
    assert "ASYNC POLL" in in_a_pipe([*typed, "-v"], ANSIBLE_ASYNC_DIR=str(tmp_path / "async"))[1]


def test_given_a_task_that_warns_then_the_warning_is_seen(typed: list[str], tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library/warner.py").write_text(
        "from ansible.module_utils.basic import AnsibleModule\n"
        "module = AnsibleModule({})\nmodule.warn('look at this')\nmodule.exit_json()\n"
    )
    plays = [
        {"hosts": "node1", "gather_facts": False, "vars": only, "tasks": [{"name": "Warn", "warner": {}}]}
        for only in ({}, {"only_says": True})
    ]
    for play in plays:
        (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
        status, said = on_a_terminal(typed, TERM="dumb")
        assert status == 0
        assert "[WARNING]: look at this" in said


# The lines themselves


def test_given_a_task_then_its_line_tells_host_change_items_and_a_long_time() -> None:
    items = {"changed": True, "results": [{"changed": True}, {"changed": False}, {"changed": True}]}
    assert digest.did("Do", "node1", items, 1.0, check=False) == "node1: changed: Do (2 times)"
    assert digest.did("Do", "node1", {"changed": True}, 41.2, check=True) == "node1: would change: Do (41 s)"
    assert digest.did("Look", "node1", {}, 12.0, check=False) == "node1: Look (12 s)"
    assert digest.did("Look", "node1", {}, 9.0, check=False) == ""


def test_given_a_task_that_looks_again_then_it_is_said_how_often_and_how_long() -> None:
    found = {"attempts": 21, "retries": 30}
    told = "node1: Wait for it: not yet, look 21 of 30, 20 s"
    assert digest.looks_again("Wait for it", "node1", found, 20.4) == told


@pytest.mark.parametrize("message", [None, {"a": 1}, [1], "", "All assertions passed"])
def test_given_a_result_that_says_nothing_to_a_person_then_nothing_is_said(message: Any) -> None:
    assert digest.said({"msg": message, "_ansible_verbose_always": True}, "node1") == []
    assert digest.said({"msg": "ok"}, "node1") == [], "a module's own word is not for a person"


def test_given_a_long_edit_then_it_is_counted_but_for_that_of_the_nodes_program() -> None:
    edits, long = digest.Edits(), "line\n" * (digest.EDIT_LINES + 1)
    edits.add({"before": "x", "after": "y"}, long, "ansible.builtin.copy")
    edits.add({"before": "x", "after": "y"}, long, digest.ALWAYS_SHOWN)
    edits.add({"before": {"state": "absent"}, "after": {"state": "file"}}, "-a\n+b\n", "ansible.builtin.file")
    assert edits.told() == [long, "besides 2 files, 43 lines of diffs; -v shows them"]
    assert edits.told() == []


def test_given_a_task_of_a_role_then_its_name_is_the_one_that_is_written() -> None:
    assert digest.named("coinjecture.migration.journal : Write it: restart") == "Write it: restart"
    assert digest.named("Say what was done: this") == "Say what was done: this"

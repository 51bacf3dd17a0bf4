"""Commands that a person is told to type: they aim at what the run aimed at, and fit where the person is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from ansible_collections.coinjecture.migration.plugins.plugin_utils.messages.typed_run import Run, command
from tests.usage.support import ROOT, inventory, play


def test_given_no_run_then_a_command_is_typed_at_the_root_of_the_clone() -> None:
    assert command("status") == "ansible-playbook playbooks/status.yml"
    assert command("journal", "node1", set_aside="the reason") == (
        "ansible-playbook playbooks/journal.yml -l node1 -e 'set_aside=\"the reason\"'"
    )


def test_given_a_run_then_what_was_asked_of_its_playbook_goes_to_no_other() -> None:
    run = Run("../x", "complete", ("-i", "inv"), "node1", ("my.yml",), {"port": 1}, {"accept": {"a": "b"}})
    assert run.command("complete", confirm="yes") == (
        "ansible-playbook -i inv ../x/complete.yml -l node1 -e @my.yml -e '{\"port\": 1}' "
        '-e \'{"accept": {"a": "b"}}\' -e confirm=yes'
    )
    assert run.command("rollback", "") == (
        "ansible-playbook -i inv ../x/rollback.yml -e @my.yml -e '{\"port\": 1}'"
    )


def test_given_any_value_then_the_shell_gives_ansible_the_same_one() -> None:
    nasty = 'it\'s "so"; $(rm) \\ {{ x }}'
    last = shlex.split(Run().command("status", why=nasty))[-1]
    assert last == '{"why": "it\'s \\"so\\"; $(rm) \\\\ {{ x }}"}'


@pytest.mark.parametrize(("folder", "path"), [(ROOT, "playbooks/"), (ROOT / "playbooks", "")])
def test_given_a_refusal_then_the_command_it_names_is_typed_there_and_aims_at_the_same_network(
    tmp_path: Path, folder: Path, path: str
) -> None:
    hosts = inventory(tmp_path)
    (tmp_path / "more.yml").write_text("health_timeout: 5\n")
    typed = (
        "-i", str(hosts), "-l", "node1",
        "-e", "coinjecture_unit=other.service", "-e", f"@{tmp_path}/more.yml",
        "-e", '{"grafana_token": "hidden-one", "ansible_become_pass": "hidden-two"}',
        "-e", "events_sentry_dsn=hidden-three", "-e", "ansible_user=ops", "-u", "ops",
    )  # fmt: skip
    done = play(f"{path}upgrade.yml", *typed, folder=folder)
    assert done.status == 2
    told = re.search(r"the wheel that is to come: (ansible-playbook .*?wheel=PATH)", done.said)
    assert told, done.said
    assert shlex.split(told[1]) == [
        "ansible-playbook", "-i", str(hosts), "-u", "ops", f"{path}upgrade.yml", "-l", "node1",
        "-e", f"@{tmp_path}/more.yml", "-e", "coinjecture_unit=other.service", "-e", "ansible_user=ops",
        "-e", "wheel=PATH",
    ]  # fmt: skip
    assert "hidden" not in done.said
    again = play(*shlex.split(told[1])[1:], folder=folder)
    assert "the upgrade stopped on node1" in again.said, again.said
    assert "go back" not in again.said, "nobody knows what the node is, so no way back is advised"


def test_given_the_whole_tree_then_nobody_composes_a_command_by_hand() -> None:
    """What is said through `command` cannot lose the inventory."""
    here = [*ROOT.glob("plugins/**/*.py"), *ROOT.glob("roles/**/*.yml"), *ROOT.glob("playbooks/**/*.yml")]
    by_hand = re.compile(r"ansible-playbook[ {]|(?<![\w/*])[a-z0-9_]+\.yml -[lie] ")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in here
        if path.name != "typed_run.py" and not path.is_symlink()
        for line in path.read_text().splitlines()
        if by_hand.search(line.split("#")[0]) and not line.startswith('"""')
    ]
    assert found == []

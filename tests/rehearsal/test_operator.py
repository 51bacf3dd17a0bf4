"""Of Ansible's output a person hears what was said, not how it was packed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from testnet.rehearsal import operator
from testnet.rehearsal.operator import TOLD, Operator, spoken


def test_a_failure_is_heard_with_its_node_and_its_message() -> None:
    line = 'fatal: [node1]: FAILED! => {"changed": false, "msg": "node1 cannot prepare \\"shadow\\""}\n'
    assert spoken(line) == 'fatal: node1 cannot prepare "shadow"'


def test_a_message_with_quotes_comes_as_it_is_and_is_heard_alike() -> None:
    assert spoken('fatal: [node1]: FAILED! => so "x" => y\n') == 'fatal: so "x" => y'
    assert spoken('ok: [node1] => now "x"\n') == 'now "x"'


def test_a_message_is_heard_without_its_quotes() -> None:
    assert spoken('    "msg": "phase 1 on node1: starts now"\n') == "phase 1 on node1: starts now"


def test_what_is_no_json_is_heard_as_it_is() -> None:
    assert spoken("fatal: [node1]: UNREACHABLE! => no route\n") == "fatal: [node1]: UNREACHABLE! => no route"


def test_a_list_of_lines_is_not_heard_as_its_bracket() -> None:
    assert TOLD.match('    "msg": "done: phase 1 on node1"\n')
    assert not TOLD.match('    "msg": [\n')


def test_a_play_is_seen_as_anybody_sees_it_and_its_last_words_come_from_ansibles_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    tasks = [
        {"name": "Look", "ansible.builtin.assert": {"that": "true"}},
        {"name": "Refuse it", "ansible.builtin.fail": {"msg": 'no "now"'}},
    ]
    play = {"name": "Do it", "hosts": "localhost", "gather_facts": False, "tasks": tasks}
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks/own.yml").write_text(yaml.safe_dump([play]))
    (tmp_path / "ansible.cfg").write_text((operator.ROOT / "ansible.cfg").read_text())
    (tmp_path / "ansible_collections").symlink_to(operator.ROOT / "ansible_collections")
    (tmp_path / "hosts.yml").write_text("all: {hosts: {localhost: {ansible_connection: local}}}\n")
    monkeypatch.setattr(operator, "ROOT", tmp_path)
    run = Operator(tmp_path / "logs", str(tmp_path / "hosts.yml")).play("own")
    assert (run.exit_status, run.last_words) == (2, 'no "now"')
    shown = capfd.readouterr().out
    assert "fatal: [localhost]: FAILED!" in shown and "TASK [Look]" not in shown
    assert "TASK [Look]" in run.log.read_text()

"""Of Ansible's output a person hears what was said, not how it was packed."""

from __future__ import annotations

from testnet.rehearsal.operator import TOLD, spoken


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

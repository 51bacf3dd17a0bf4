"""What a person gets to see: the screen, and the files of the inventory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.coinjecture.migration.plugins.plugin_utils.discovery.defaults import Defaults, stated
from ansible_collections.coinjecture.migration.plugins.plugin_utils.discovery.inventory import (
    connection,
    files,
)
from ansible_collections.coinjecture.migration.plugins.plugin_utils.discovery.screen import lines

from .support import DEPLOYED, TABLES, Host, api, chain, copied, follows

UNIT = {"name": "coinjecture_unit", "value": "a.service", "why": "it starts /opt/a.py"}
PORT = {"name": "coinjecture_api_port", "value": 5000, "why": "nginx takes it"}


def test_given_variables_of_a_host_then_only_how_it_is_reached_is_written_and_no_secret() -> None:
    reached = {"ansible_host": "192.0.2.1", "ansible_port": 22, "ansible_become": False}
    reached |= {"ansible_ssh_common_args": "-F none"}
    secret = {"ansible_password": "x", "ansible_become_password": "y"}
    assert connection(reached | secret | {"droplet_address": "", "coinjecture_unit": "z"}) == reached


def test_given_one_node_then_its_settings_are_the_groups_each_with_its_reason() -> None:
    written = files({"node1": {"connection": {"ansible_host": "a"}, "settings": [UNIT, PORT]}}, ["node2"])
    assert list(written) == ["hosts.yml", "group_vars/nodes/node.yml"]
    text = written["group_vars/nodes/node.yml"]
    assert yaml.safe_load(text) == {"coinjecture_unit": "a.service", "coinjecture_api_port": 5000}
    assert "# it starts /opt/a.py.\ncoinjecture_unit: a.service\n" in text
    assert yaml.safe_load(written["hosts.yml"]) == {"nodes": {"hosts": {"node1": {"ansible_host": "a"}}}}
    assert "node2" in written["hosts.yml"].partition("nodes:")[0]


def test_given_nodes_that_differ_then_what_is_alike_is_the_groups_and_the_rest_is_each_ones_own() -> None:
    other = PORT | {"value": 5001}
    settings = {"node1": [UNIT, PORT], "node2": [UNIT, other]}
    written = files({name: {"connection": {}, "settings": one} for name, one in settings.items()})
    assert yaml.safe_load(written["group_vars/nodes/node.yml"]) == {"coinjecture_unit": "a.service"}
    assert yaml.safe_load(written["host_vars/node2.yml"]) == {"coinjecture_api_port": 5001}


def test_given_a_node_of_the_defaults_then_its_file_says_so() -> None:
    written = files({"node1": {"connection": {}, "settings": []}})
    assert yaml.safe_load(written["group_vars/nodes/node.yml"]) == {}


@pytest.mark.parametrize(
    "value", ["a: b # c", "- x", "'", '"', "no", "1", "ümläut", 'SELECT "a b", raw FROM t']
)
def test_given_any_text_then_the_file_gives_it_back(value: str) -> None:
    setting = UNIT | {"value": value, "why": "a # b\nc: d"}
    text = files({"n": {"connection": {}, "settings": [setting]}})["group_vars/nodes/node.yml"]
    assert yaml.safe_load(text) == {"coinjecture_unit": value}


class Marked(int):
    """A number as Ansible marks it."""


def test_given_values_that_ansible_has_marked_then_they_are_written_plainly() -> None:
    setting = PORT | {"value": {"port": Marked(5000), "whole": True, "part": 0.5, "none": None}}
    written = files({"n": {"connection": {"ansible_port": Marked(22)}, "settings": [setting]}})
    assert yaml.safe_load(written["hosts.yml"])["nodes"]["hosts"]["n"] == {"ansible_port": 22}
    (value,) = yaml.safe_load(written["group_vars/nodes/node.yml"]).values()
    assert value == {"port": 5000, "whole": True, "part": 0.5, "none": None}


def test_given_settled_settings_then_later_defaults_are_made_of_them() -> None:
    defaults = Defaults(stated())
    settled: dict[str, Any] = {"coinjecture_home": "/home/c/n"}
    assert defaults.of("coinjecture_entries", {}) == ["/opt/coinjecture/src/node.py"]
    assert defaults.of("coinjecture_entries", settled) == ["/home/c/n/src/node.py"]
    assert defaults.of("migration_sealed", settled) == "/home/c/n/sealed"


def test_given_a_node_then_the_screen_tells_facts_settings_refusals_and_what_cannot_be_proved(
    tmp_path: Path,
) -> None:
    host = Host(tmp_path)
    home = copied("testnet/deployed_node/service", tmp_path / "opt")
    copied("testnet/deployed_node/src", home / "src")
    chain(home / "data/blockchain.db", *TABLES)
    python, unit, served = (
        f"{home}/.venv/bin/python3",
        "coinjecture-consensus.service",
        "coinjecture-api.service",
    )
    with api(DEPLOYED) as port:
        host.unit(unit, python, "consensus_service.py", working=home)
        host.unit(served, python, "api_server.py", working=home, listens=[port])
        found = host.found()
    told = follows(found)
    shown = "\n".join(lines("node1", found, told, ["preflight says so"]))
    user = told.settled["coinjecture_user"]
    for part in (
        f"unit          {unit}, running, as {user}, in {home}",
        "judges        validate_header (raises HeaderValidationError), validate_and_process_block (returns a",
        "It prints while it judges.",
        f"private calls _add_block_to_tree ({home}/consensus_service.py, line ",
        f"{home}/src/coinjecture there already",
        f"database      {home}/data/blockchain.db: blocks 0, headers 0, tips 0",
        "listens       on no socket",
        f"beside it     {served}, running, as {user}, listens on 127",
        f"API           port {port} ({served}): /v1/data/block/latest",
        'coinjecture_log_query: ""   # no table numbers its rows and holds a whole block in each',
        "  preflight says so",
        "rules 7-9, of proofs, are not compared",
    ):
        assert part in shown, f"{part}\n\n{shown}"

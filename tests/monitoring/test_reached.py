"""The play ends with addresses, a line that opens the way to them, and the next command."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.filter.monitoring import monitoring_reached

LOGIN = {
    "connection": "ssh", "host": "127.0.0.1", "port": 22030, "user": "ops",
    "key": "/a clone/build/testnet/id_ed25519",
    "arguments": '-F none  -o UserKnownHostsFile="/a clone/known_hosts"\n',
}  # fmt: skip
SERVICES = {"Prometheus": "127.0.0.1:9090", "Alertmanager": "127.0.0.1:9093", "Grafana": ""}


def test_given_a_monitoring_host_then_one_line_of_ssh_leads_to_all_of_its_services() -> None:
    lines = monitoring_reached(LOGIN, SERVICES)
    assert lines[0].split() == ["Prometheus", "http://127.0.0.1:9090"]
    assert "none was set up" in lines[2]
    (typed,) = [shlex.split(line) for line in lines if line.startswith("ssh ")]
    assert typed == [
        *("ssh", "-N", "-L", "9090:127.0.0.1:9090", "-L", "9093:127.0.0.1:9093", "-p", "22030"),
        *("-i", "/a clone/build/testnet/id_ed25519", "-F", "none"),
        *("-o", "UserKnownHostsFile=/a clone/known_hosts", "ops@127.0.0.1"),
    ]
    assert lines[-1] == "ansible-playbook playbooks/status.yml"


@pytest.mark.parametrize(
    ("changes", "typed"),
    [
        ({"port": "", "key": "", "arguments": ""}, "ops@127.0.0.1"),
        ({"port": "", "key": "", "arguments": "", "user": ""}, "127.0.0.1"),
    ],
)
def test_given_what_ssh_knows_by_itself_then_it_is_not_said(changes: dict[str, Any], typed: str) -> None:
    (line,) = [line for line in monitoring_reached(LOGIN | changes, SERVICES) if line.startswith("ssh ")]
    assert line == f"ssh -N -L 9090:127.0.0.1:9090 -L 9093:127.0.0.1:9093 {typed}"


def test_given_a_grafana_elsewhere_then_its_own_address_is_told_and_no_way_is_opened_to_it() -> None:
    lines = monitoring_reached(LOGIN, SERVICES | {"Grafana": "https://grafana.example.org"})
    assert lines[2].split() == ["Grafana", "https://grafana.example.org"]
    assert "grafana" not in next(line for line in lines if line.startswith("ssh "))


def test_given_a_monitoring_host_that_is_this_machine_then_no_ssh_is_needed() -> None:
    assert not any("ssh" in line for line in monitoring_reached(LOGIN | {"connection": "local"}, SERVICES))

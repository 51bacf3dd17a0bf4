"""The play ends with addresses, a line that opens the way to them, and the next command."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.coinjecture.migration.plugins.filter.monitoring import monitoring_reached
from tests.monitoring.support import ROOT

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


def test_given_the_local_network_then_the_play_itself_ends_with_these_lines(tmp_path: Path) -> None:
    """The last task of the play, with what the roles before it leave: the task speaks to no host."""
    plays = yaml.safe_load((ROOT / "playbooks/monitoring.yml").read_text())
    last = plays[-1]["tasks"][-1]
    roles = [
        task["ansible.builtin.include_role"] for task in plays[-1]["tasks"] if "include_role" in str(task)
    ]
    public = {role["name"].rpartition(".")[2] for role in roles if role.get("public")}
    assert public == {"monitoring", "grafana"}, "without that their defaults end with them"
    defaults = [str(ROOT / f"roles/{name}/defaults/main.yml") for name in sorted(public)]
    told = {"hosts": "monitoring", "gather_facts": False, "vars_files": defaults, "tasks": [last]}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([told]))
    done = subprocess.run(
        ["ansible-playbook", "-i", "inventory/local", "-e", f"migration_root={ROOT}", tmp_path / "play.yml"],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (typed,) = [shlex.split(line) for line in done.stdout.splitlines() if line.startswith("ssh ")]
    assert typed[typed.index("-p") + 1] == "22030"
    assert typed[typed.index("-i") + 1] == str(ROOT / "build/testnet/id_ed25519")
    assert typed[-1] == "ops@127.0.0.1"
    assert "Prometheus    http://127.0.0.1:9090" in done.stdout
    assert "Grafana       none was set up" in done.stdout

"""What `make testnet` ends with can be typed as it stands."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from testnet.lab import __main__ as lab
from testnet.lab.access import access_lines, ssh_line
from testnet.lab.plan import DROPLETS, KNOWN_HOSTS, NODES, OPERATOR_KEY, ROOT
from testnet.lab.variants import REFERENCE, VARIANTS


def test_given_the_network_then_every_droplet_has_its_login_and_every_node_its_address() -> None:
    lines = access_lines(REFERENCE)
    for droplet in DROPLETS:
        (line,) = [line for line in lines if line.startswith(droplet.name)]
        assert line.endswith(ssh_line(droplet))
    for node in NODES:
        assert any(node.api in line for line in lines if line.startswith(node.name))
    assert lines[-2:] == [
        "ansible-playbook playbooks/preflight.yml",
        "ansible-playbook playbooks/monitoring.yml",
    ]


def test_given_a_login_then_it_uses_the_clones_own_key_and_host_keys_and_nothing_of_the_users() -> None:
    typed = shlex.split(ssh_line(NODES[0]))
    assert (ROOT / typed[typed.index("-i") + 1]) == OPERATOR_KEY
    assert ROOT / typed[typed.index("-o") + 1].removeprefix("UserKnownHostsFile=") == KNOWN_HOSTS
    assert typed[1:5] == ["-F", "none", "-p", "22011"]


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=lambda variant: variant.name)
def test_given_other_nodes_then_the_commands_name_their_inventory(variant: object) -> None:
    named = [line for line in access_lines(variant) if line.startswith("ansible-playbook")]  # type: ignore[arg-type]
    for line in named:
        assert ("-i inventory/examples/" in line) is (variant is not REFERENCE)
        assert Path(ROOT / line.split()[-1]).is_file()


def test_given_the_command_then_it_ends_with_these_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lab.network, "up", lambda variant: REFERENCE)
    assert lab.main(["up"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == access_lines(REFERENCE)

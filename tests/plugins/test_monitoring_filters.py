"""What monitoring.yml makes of the inventory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.coinjecture.migration.plugins.filter import monitoring

ROOT = Path(__file__).resolve().parents[2]


def filters() -> dict[str, Any]:
    """The filters as Ansible loads them."""
    found: dict[str, Any] = monitoring.FilterModule().filters()
    return found


def test_given_the_calendar_of_the_plan_then_each_nodes_soaks_are_the_longest_that_is_waited_for() -> None:
    phases = yaml.safe_load((ROOT / "playbooks/group_vars/all/phases.yml").read_text())["phases"]
    required = filters()["soak_required"]
    hour = 3600
    assert required(phases, "node1", ["node1", "node2"]) == {
        "shadow": 168 * hour,
        "rust": 168 * hour,
        "final": 72 * hour,
    }
    assert required(phases, "node2", ["node1", "node2"])["final"] == 0


@pytest.mark.parametrize("phases", [[{}], [{"mode": "shadow", "soak_after": "long"}], None])
def test_given_phases_that_cannot_be_read_then_the_filter_says_so(phases: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="phases cannot be read"):
        filters()["soak_required"](phases, "node1", ["node1"])


def test_given_nodes_then_each_target_has_its_own_address_and_api() -> None:
    targets = filters()["scrape_nodes"](["a", "b"], ["10.0.0.1", "10.0.0.2"], ["http://a/", "http://b"], 9478)
    assert targets == [
        {"name": "a", "metrics": "10.0.0.1:9478", "api": "http://a"},
        {"name": "b", "metrics": "10.0.0.2:9478", "api": "http://b"},
    ]


def test_given_fewer_addresses_than_nodes_then_none_is_paired_wrongly() -> None:
    with pytest.raises(ValueError, match="shorter"):
        filters()["scrape_targets"](["a", "b"], ["10.0.0.1"], 9100)

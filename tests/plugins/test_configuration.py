"""Configuration that cannot be written once: what both folders see, roles' defaults and specifications."""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.parents[1].name for path in ROOT.glob("roles/*/meta/argument_specs.yml"))
COLLECTION = "ansible_collections/coinjecture/migration"
TASKS = sorted(
    {*ROOT.glob("roles/*/*/*.yml"), *ROOT.glob("playbooks/*.yml"), *ROOT.glob("playbooks/tasks/*.yml")}
)
SCENARIOS = [ROOT / ".config/molecule/config.yml", *sorted(ROOT.glob("molecule/*/molecule.yml"))]
INVENTORIES = (
    "inventory/local/group_vars/nodes/calendar.yml",
    "inventory/testnet/group_vars/nodes/calendar.yml",
)

CALENDARS = (*INVENTORIES, "molecule/faults/vars/walk.yml", "molecule/migrate/vars/calendar.yml")


def document(path: Path) -> Any:
    """A YAML file."""
    return yaml.safe_load(path.read_text())


@pytest.mark.parametrize("folder", [ROOT, ROOT / "playbooks"])
def test_given_either_folder_then_ansible_cfg_leads_to_the_same_places(folder: Path) -> None:
    """Ansible resolves the paths of an ansible.cfg against the folder where it found it, links or not."""
    assert (folder / "ansible.cfg").resolve() == ROOT / "ansible.cfg"
    config = configparser.ConfigParser()
    config.read(folder / "ansible.cfg")
    assert (folder / config["defaults"]["inventory"]).resolve() == ROOT / "inventory/local"
    beside = folder / "collections" if folder != ROOT else folder / config["defaults"]["collections_path"][0]
    for name in ("plugins", "roles", "meta", "galaxy.yml"):
        assert (beside / COLLECTION / name).resolve() == ROOT / name


def test_given_the_list_of_roles_then_every_role_has_a_specification() -> None:
    assert sorted(path.name for path in (ROOT / "roles").iterdir()) == ROLES
    assert len(ROLES) >= 9


@pytest.mark.parametrize("role", ROLES)
def test_given_a_role_then_every_default_is_specified_and_has_its_prefix(role: str) -> None:
    defaults = document(ROOT / f"roles/{role}/defaults/main.yml")
    specified = document(ROOT / f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert set(defaults) <= set(specified)
    assert all(name.startswith(f"{role}_") for name in specified)
    for name, option in specified.items():
        assert ("required" in option) != (name in defaults), f"{name} is required, or has a default"


@pytest.mark.parametrize("inventory", INVENTORIES)
def test_given_an_inventory_then_it_states_the_whole_calendar(inventory: str) -> None:
    real, own = document(ROOT / "playbooks/group_vars/all/phases.yml"), document(ROOT / inventory)
    assert [phase["mode"] for phase in own["phases"]] == ["shadow", "rust", "final"]
    assert [set(phase) for phase in own["phases"]] == [set(phase) for phase in real["phases"]]


@pytest.mark.parametrize("path", CALENDARS)
def test_given_a_calendar_then_it_states_only_criteria_that_exist_and_differ(path: str) -> None:
    stated = {name: value for name, value in document(ROOT / path).items() if name.startswith("gate_")}
    assert "gate_criteria" not in stated
    defaults = document(ROOT / "roles/gate/defaults/main.yml")
    assert set(stated) <= set(defaults)
    assert [name for name, value in stated.items() if value == defaults[name]] == []


def test_given_the_example_of_a_real_network_then_it_has_the_calendar_of_the_plan() -> None:
    hour = 3600
    for path in ("playbooks/group_vars/all/phases.yml", INVENTORIES[1]):
        soaks = [(p["soak_between_nodes"], p["soak_after"]) for p in document(ROOT / path)["phases"]]
        assert soaks == [(48 * hour, 168 * hour), (24 * hour, 168 * hour), (72 * hour, 0)]
    assert document(ROOT / INVENTORIES[1])["network_is_test"] is False


def test_given_the_local_network_then_no_soak_is_longer_than_a_minute() -> None:
    assert document(ROOT / INVENTORIES[0])["local_soak_seconds"] <= 60


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.parent.name)
def test_given_a_scenario_then_it_is_told_where_the_keys_are(path: Path) -> None:
    """Molecule's own inventory comes first: its `inventory_dir` leads to a place without host keys."""
    executor = document(path)["ansible"]["executor"]
    told = executor["args"]["ansible_playbook"]
    assert "--extra-vars=lab_state=${MOLECULE_PROJECT_DIRECTORY}/build/testnet" in told


@pytest.mark.parametrize("path", TASKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_given_a_file_of_tasks_then_no_key_stands_in_it_twice(path: Path) -> None:
    """Ansible warns of a merged key that is stated again, in every play that reads the file."""
    nodes: list[yaml.Node] = [yaml.compose(path.read_text())]
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.SequenceNode):
            nodes += node.value
        elif isinstance(node, yaml.MappingNode):
            names = [key.value for key, _ in node.value if key.value != "<<"]
            merged = [value for key, value in node.value if key.value == "<<"]
            names += [key.value for value in merged for key, _ in value.value]
            assert len(names) == len(set(names))
            nodes += [value for _, value in node.value]

"""What a run is refused for before its first task: each typed as a person would."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.usage.support import ROOT, inventory, play, printed

UNTOUCHED = "Nothing was asked or changed."


@pytest.fixture
def hosts(tmp_path: Path) -> str:
    return str(inventory(tmp_path))


@pytest.mark.parametrize(
    ("playbook", "typed", "reason"),
    [
        ("phase1", "wiat=true", "nothing knows the variable wiat; did you mean wait?"),
        ("phase1", "wait=nope", "wait cannot be 'nope': it is true or false"),
        ("phase1", "to=legacy", "to is for rollback.yml, not for phase1.yml to phase3.yml"),
        ("rollback", "to=legcy", "to cannot be 'legcy': it is one of rust, shadow, legacy, removed"),
        ("replay", "replay_install=fasle", "replay_install cannot be 'fasle': it is true or false"),
        ("phase1", "health_timeout=soon", "health_timeout cannot be 'soon': it is a number"),
        ("phase1", '{"gate_criteria": {"min_cals": 1}}', "it has no min_cals; did you mean min_calls?"),
        ("phase1", "ansible_usr=ops", "nothing knows the variable ansible_usr; did you mean ansible_user?"),
    ],
)
def test_given_an_extra_variable_that_is_none_then_it_is_refused_by_name(
    hosts: str, playbook: str, typed: str, reason: str
) -> None:
    done = play(f"playbooks/{playbook}.yml", "-i", hosts, "-e", typed)
    assert done.status == 1
    assert reason in done.said
    assert UNTOUCHED in done.said
    assert "TASK" not in done.said


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--tags", "foo"), "--tags foo would leave out every task"),
        (("--skip-tags", "all"), "--skip-tags all would leave out every task"),
        (("--start-at-task", "Ask the gate"), "--start-at-task would leave out checks"),
        (("--step",), "--step would leave out checks"),
        (("--limit", "!node1,!node2"), "leaves no host of this playbook"),
        (("--limit", "node1,nod2"), "Could not match supplied host pattern, ignoring: nod2"),
        (("-i", "/no/such/inventory"), "Completely failed to parse inventory source /no/such/inventory"),
    ],
)
def test_given_options_that_leave_nothing_to_do_then_the_run_fails_and_says_so(
    hosts: str, tmp_path: Path, options: tuple[str, ...], reason: str
) -> None:
    other = tmp_path / "other.yml"
    other.write_text(yaml.safe_dump({"monitoring": {"hosts": {"monitor": {}}}}))
    done = play("playbooks/phase1.yml", "-i", hosts, "-i", str(other), *options)
    assert done.status == 1
    assert reason in done.said
    assert "TASK" not in done.said


@pytest.mark.parametrize("content", [{"nodes": {"hosts": {}}}, {"droplets": {"hosts": {"node1": {}}}}])
def test_given_an_inventory_without_nodes_then_the_run_fails_and_says_so(
    tmp_path: Path, content: dict[str, object]
) -> None:
    hosts = tmp_path / "hosts.yml"
    hosts.write_text(yaml.safe_dump(content))
    done = play("playbooks/status.yml", "-i", str(hosts))
    assert done.status == 1
    assert f"the inventory {hosts} has no" in done.said


@pytest.mark.parametrize("playbook", ["phase1", "preflight", "rollback", "status"])
def test_given_another_folder_then_the_run_is_refused_and_told_where_to_go(
    hosts: str, tmp_path: Path, playbook: str
) -> None:
    done = play(ROOT / f"playbooks/{playbook}.yml", "-i", hosts, folder=tmp_path)
    assert done.status == 1
    assert f"Type: cd {ROOT} and the same command again" in done.said


@pytest.mark.parametrize("folder", [ROOT, ROOT / "playbooks"])
def test_given_either_folder_of_the_clone_then_the_run_begins(hosts: str, folder: Path) -> None:
    done = play(ROOT / "playbooks/unlock.yml", "-i", hosts, folder=folder)
    assert done.status == 0, done.said
    assert done.said.count("nobody is at work") == 2


def test_given_values_that_were_typed_as_text_then_every_task_has_them_in_their_types(tmp_path: Path) -> None:
    typed = ("removal_packages=false", "health_timeout=40 own=no", '{"gate_criteria": {"min_calls": "5"}}')
    shown = (
        "{{ removal_packages | type_debug }} {{ removal_packages }}, {{ health_timeout | type_debug }}, "
        "{{ own | type_debug }} {{ own }}, {{ gate_criteria.min_calls | type_debug }}"
    )
    assert "bool False, int, bool False, int" in printed(tmp_path, shown, *typed, own=True)


def test_given_a_playbook_of_somebody_else_then_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "own.yml").write_text(
        yaml.safe_dump([{"name": "Own", "hosts": "localhost", "gather_facts": False}])
    )
    assert play(tmp_path / "own.yml", "-e", "whatever=1", "--tags", "own").status == 0

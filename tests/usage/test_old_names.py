"""Names that have changed: who types or states an old one is understood, and told the new one."""

from __future__ import annotations

from pathlib import Path

import yaml

from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.criteria import DEFAULTS
from ansible_collections.coinjecture.migration.plugins.plugin_utils.messages.extra_variables import table
from ansible_collections.coinjecture.migration.plugins.plugin_utils.messages.old_names import (
    CRITERIA,
    NAMES,
    VALUES,
    current,
    whole_criteria,
)
from ansible_collections.coinjecture.migration.plugins.plugin_utils.messages.typed_run import _kept
from tests.usage.support import ROOT, inventory, play, printed


def test_given_the_table_then_no_old_name_is_left_and_every_new_one_is_known() -> None:
    known = table()
    assert set(NAMES) & set(known) == set()
    assert set(NAMES.values()) <= set(known)
    for name, words in VALUES.items():
        assert set(words.values()) <= set(known[name].choices)
        assert set(words) & set(known[name].choices) == set()


def test_given_old_names_and_words_then_they_are_taken_for_the_new_ones_and_it_is_said() -> None:
    assert current({"restart_how": "cut", "why": "x"}) == (
        {"restart_strategy": "forced", "why": "x"},
        [
            "restart_how is restart_strategy now; the old name goes with the next version",
            "restart_strategy=cut is restart_strategy=forced now; the old word goes with the next version",
        ],
    )
    assert current({"restart_how": "plain"})[0] == {"restart_strategy": "plain"}
    assert current({"restart_strategy": "seamless"}) == ({"restart_strategy": "seamless"}, [])


def test_given_both_names_then_the_new_one_counts() -> None:
    taken, (told,) = current({"restart_how": "cut", "restart_strategy": "plain"})
    assert taken == {"restart_strategy": "plain"}
    assert "restart_how does not count" in told


def test_given_whole_criteria_that_lack_some_then_they_are_filled_up() -> None:
    given = {"gate_criteria": {"min_calls": 7}, "gate_max_restarts": 2}
    taken, (told,) = whole_criteria(given, DEFAULTS)
    assert taken == {CRITERIA: DEFAULTS | {"min_calls": 7, "max_restarts": 2}}
    assert "gate_min_calls" in told
    assert whole_criteria({"gate_criteria": "{{ put together }}"}, DEFAULTS) == ({}, [])


def test_given_an_old_name_in_what_was_typed_then_the_next_command_names_the_new_one() -> None:
    kept, _ = _kept({"restart_how": "cut"})
    assert kept == {"restart_strategy": "forced"}


SHOWN = "{{ inventory_hostname }} {{ restart_strategy }} " + " ".join(
    f"{{{{ gate_criteria.{name} }}}}" for name in ("min_calls", "max_restarts", "confidence")
)


def test_given_an_inventory_of_the_version_before_then_it_works_and_the_new_names_are_said(
    tmp_path: Path,
) -> None:
    said = printed(tmp_path, SHOWN, restart_how="cut", gate_criteria={"min_calls": 7, "max_restarts": 2})
    assert "node1 forced 7 2 0.95" in said and "node2 forced 7 2 0.95" in said
    assert said.count("restart_how is restart_strategy now") == 1
    assert said.count("gate_criteria is stated as single variables now") == 1


def test_given_an_old_name_that_was_typed_then_it_works_and_the_new_one_is_said(tmp_path: Path) -> None:
    said = printed(tmp_path, SHOWN, "restart_how=plain", '{"gate_criteria": {"min_calls": "7"}}')
    assert "node1 plain 7 0 0.95" in said
    assert "restart_how is restart_strategy now" in said


def test_given_the_inventories_of_the_tree_then_none_has_an_old_name() -> None:
    for path in [*ROOT.glob("inventory/*/group_vars/*/*.yml"), *ROOT.glob("molecule/*/vars/*.yml")]:
        assert set(yaml.safe_load(path.read_text())) & {*NAMES, CRITERIA} == set(), path


def test_given_the_names_that_two_plugins_had_then_they_work_and_the_new_ones_are_said(
    tmp_path: Path,
) -> None:
    task = {"coinjecture.migration.say": {"lines": ["said by an old name"]}}
    plays = [{"name": "Own", "hosts": "node1", "gather_facts": False, "tasks": [task]}]
    (tmp_path / "own.yml").write_text(yaml.safe_dump(plays))
    done = play(
        tmp_path / "own.yml", "-i", str(inventory(tmp_path)),
        ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"), ANSIBLE_STDOUT_CALLBACK="coinjecture.migration.story",
    )  # fmt: skip
    assert done.status == 0 and "said by an old name" in done.said
    for old in ("say", "story"):
        assert (
            f"coinjecture.migration.{old} has been deprecated. It is coinjecture.migration.out now."
            in done.said
        )

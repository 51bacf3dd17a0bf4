"""What is wrong with what the migration has laid down is said with the command that mends it, and mended."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.plugin_utils.messages.typed_run import command
from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning.repair import kept, plan
from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning.rollback import (
    plan as plan_rollback,
)
from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning.troubles import (
    drop_in_is_wrong,
    troubles,
)

OWN = "/etc/systemd/system/node.service.d/50-migration.conf"
RELEASE = "ab" * 32
WHEEL = f"/opt/coinjecture/releases/{RELEASE}/x.whl"
OLD_PROCESS = {"what": "process", "why": "started without", "file": None, "next": "restart it"}
MISSING = {"what": "drop-in", "why": f"{OWN} is not there, or not read", "file": None, "next": "printf"}


def lacking(*found: dict[str, Any]) -> dict[str, Any]:
    """What is read of a unit that lacks this."""
    return {"lacks": list(found), "obstacles": []}


DAMAGED = {"wheel": WHEEL, "differs": ["coinjecture/_core.abi3.so has other bytes"]}


def a_node(mode: str | None = "rust", answers: bool = True, **change: Any) -> dict[str, Any]:
    """A node with the wrapper, on which all is well but for the changes."""
    return {
        "mode": mode, "why": "nobody listens", "status": {"mode": mode} if answers else None,
        "status_error": "" if answers else "nobody listens", "node_py": {"state": "wrapped", "why": ""},
        "release": RELEASE, "installed": {"wheel": WHEEL, "differs": []}, "unit": lacking(),
        "mode_file": {"mode": mode}, "mode_file_error": "", "next_mode": mode, "pending_operation": None,
        "changed_since_start": [], "remains": ["x"], "service": {"active": True},
    } | change  # fmt: skip


def repaired(
    state: dict[str, Any], other: dict[str, Any] | None = None, named: bool = False
) -> dict[str, Any]:
    return plan({"node1": state, "node2": other or a_node()}, "node1", named)


def test_given_a_node_on_which_all_is_well_then_nothing_is_said_and_nothing_is_put_back() -> None:
    assert troubles("node1", a_node()) == []
    assert repaired(a_node())["how"] == "nothing"


BROKEN: dict[str, tuple[dict[str, Any], str, dict[str, bool]]] = {
    "a damaged release": (
        {"installed": DAMAGED},
        "_core.abi3.so has other bytes",
        {"release": True, "restarts": True},
    ),
    "a missing drop-in, the process has its settings yet": (
        {"unit": lacking(MISSING)},
        "what the unit's drop-in gives is put back by",
        {"drop_in": True, "restarts": False},
    ),
    "a missing drop-in, the process was started without": (
        {"unit": lacking(MISSING, OLD_PROCESS)},
        "what the unit's drop-in gives is put back by",
        {"drop_in": True, "restarts": True},
    ),
    "a process that was started without": (
        {"unit": lacking(OLD_PROCESS)},
        "what the unit's drop-in gives is put back by",
        {"drop_in": False, "restarts": True},
    ),
    "a drop-in of another content": (
        {"unit": lacking(MISSING | {"what": "StateDirectory", "file": OWN})},
        "what the unit's drop-in gives is put back by",
        {"drop_in": True},
    ),
    "a drop-in that the manager has not read": (
        {"unit": lacking(MISSING | {"what": "NeedDaemonReload"})},
        "what the unit's drop-in gives is put back by",
        {"drop_in": True, "restarts": False},
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_given_what_repair_can_put_back_then_it_is_named_as_the_next_command_and_does_it(what: str) -> None:
    change, words, planned = BROKEN[what]
    (text,) = troubles("node1", a_node(**change))
    assert words in text
    assert text.endswith("ansible-playbook playbooks/repair.yml -l node1")
    assert {"how": "mend", **planned}.items() <= repaired(a_node(**change)).items()


@pytest.mark.parametrize(
    "change",
    [
        {"mode_file": None, "mode_file_error": "mode.json: damaged"},
        {
            "status": {
                "mode": "rust",
                "mode_file": {"problem": {"kind": "missing", "why": "mode.json: damaged"}},
            }
        },
    ],
)
def test_given_a_mode_file_that_says_nothing_then_the_wrapper_is_asked_to_write_it_anew(
    change: dict[str, Any],
) -> None:
    (text,) = troubles("node1", a_node(next_mode="legacy", **change))
    assert text.startswith("its mode file cannot be read (mode.json: damaged); write it anew: ")
    assert "ansible-playbook playbooks/ack.yml -l node1 -e 'why=" in text


def test_given_a_latch_that_the_disk_does_not_have_then_the_wrapper_is_quoted() -> None:
    told = {"problem": {"kind": "differs", "why": "the file is not latched"}, "next_start": {"mode": "rust"}}
    (text,) = troubles("node1", a_node(status={"mode": "rust", "mode_file": told}))
    assert text == "what is in force is not what its disk says: the file is not latched"


@pytest.mark.parametrize("told", ["x", {"problem": "x"}, {"problem": {}}, {"problem": None}, None])
def test_given_a_wrapper_that_tells_of_its_disk_in_another_form_then_nothing_breaks(told: Any) -> None:
    troubles("node1", a_node(status={"mode": "rust", "mode_file": told}))


def test_given_another_file_that_wins_then_repair_names_it_and_does_not_pretend() -> None:
    winner = "/etc/systemd/system/node.service.d/override.conf"
    won = {"what": "PYTHONPATH", "why": f"PYTHONPATH=/x ({winner})", "file": winner, "next": "take that out"}
    state = a_node(unit=lacking(won))
    assert troubles("node1", state) == []  # the gate and the screen have it from the unit itself
    assert {"how": "refuse", "why": f"PYTHONPATH=/x ({winner}); take that out"}.items() <= repaired(
        state
    ).items()


def test_given_a_silent_wrapper_without_its_drop_in_then_it_goes_back_and_the_restart_puts_it_back() -> None:
    state = a_node(None, answers=False, mode_file={"mode": "rust"}, next_mode="rust",
                   unit=lacking(MISSING))  # fmt: skip
    (text,) = troubles("node1", state)
    assert text.endswith("ansible-playbook playbooks/rollback.yml -l node1 -e to=legacy")
    assert "rollback.yml -l node1 -e to=legacy" in repaired(state)["why"]
    assert (plan_rollback(state, "legacy")["how"], drop_in_is_wrong(state)) == ("restart", True)


def test_given_a_first_step_that_was_interrupted_then_the_drop_in_is_not_missed_yet() -> None:
    state = a_node("legacy", answers=False, unit=lacking(MISSING))
    assert troubles("node1", state) == []


@pytest.mark.parametrize("to", [None, "legacy"])
def test_given_legacy_in_force_and_rust_in_the_file_then_the_difference_is_said_and_a_rollback_ends_it(
    to: str | None,
) -> None:
    state = a_node("legacy", mode_file={"mode": "rust"}, next_mode="rust")
    (text,) = troubles("node1", state)
    assert text.startswith("it is in legacy, and its next start would read rust; bring both to legacy: ")
    assert text.endswith("playbooks/rollback.yml -l node1 -e to=legacy")
    planned = plan_rollback(state, to)
    assert (planned["how"], planned["to"], planned["restarts"]) == ("restart", "legacy", True)
    assert repaired(state)["how"] == "refuse"


def test_given_a_process_without_the_wrapper_and_rust_in_the_file_then_a_rollback_does_something() -> None:
    state = a_node("legacy", answers=False, mode_file={"mode": "rust"}, next_mode="rust")
    assert plan_rollback(state, None)["how"] == "restart"


def test_given_a_file_below_what_is_in_force_then_the_way_is_down_to_it() -> None:
    (text,) = troubles("node1", a_node("rust", next_mode="shadow"))
    assert text.endswith("rollback.yml -l node1 -e to=shadow")
    assert plan_rollback(a_node("rust", next_mode="shadow"), "shadow")["how"] == "socket"


def test_given_a_damaged_release_then_its_wheel_is_taken_from_where_it_is_whole() -> None:
    lost = DAMAGED | {"wheel": None}
    assert kept({"node1": a_node(installed=DAMAGED), "node2": a_node()}, "node1")["node"] == "node1"
    assert kept({"node1": a_node(installed=lost), "node2": a_node()}, "node1")["node"] == "node2"
    nowhere = a_node(installed=lost)
    assert repaired(nowhere, nowhere)["why"].endswith(
        "ansible-playbook playbooks/repair.yml -l node1 -e wheel=PATH"
    )
    assert repaired(nowhere, nowhere, named=True)["how"] == "mend"


def test_given_a_repair_interrupted_before_its_restart_then_the_next_one_restarts() -> None:
    state = a_node(changed_since_start=[f"/opt/coinjecture/releases/{RELEASE}/coinjecture/_core.abi3.so"])
    assert {"how": "mend", "release": False, "restarts": True}.items() <= repaired(state).items()


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (None, "does not answer"),
        (
            a_node(pending_operation={"kind": "rollback"}, installed=DAMAGED),
            "the rollback that is open on it",
        ),
        (a_node("legacy", release=None, installed=None, unit=None), "has installed nothing"),
    ],
)
def test_given_a_node_that_is_not_to_be_touched_now_then_the_reason_is_told(state: Any, why: str) -> None:
    refused = repaired(state)
    assert refused["how"] == "refuse"
    assert why in refused["why"]


TOLD = "/a.py imports the wrapper, and /b.py imports the legacy engine"
APART = {"state": "wrapped", "why": "", "apart": TOLD}


def test_given_an_entry_file_that_was_replaced_then_it_is_told_and_repair_edits_it_again() -> None:
    state = a_node("shadow", node_py=APART)
    assert troubles("node1", state) == [f"{TOLD}; bring them together: {command('repair', 'node1')}"]
    planned = repaired(state)
    assert planned["how"] == "mend"
    assert (planned["entries"], planned["drop_in"], planned["restarts"]) == (True, False, True)


def test_given_a_first_step_that_was_cut_off_then_the_next_one_edits_what_is_left() -> None:
    cut_off = APART | {"state": "legacy"}
    assert troubles("node1", a_node("legacy", False, node_py=cut_off)) == []

"""Variables and values whose names have changed: the old ones hold for one version, and a run says so.

The one table of them. `run_check` asks it before the first task, of what was typed and of what the inventory
states; `typed_run` asks it for the commands that it composes. For the controller.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAMES: Mapping[str, str] = {
    "restart_how": "restart_strategy",
    "restart_meanwhile": "restart_changes",
    "restart_put_back": "restart_revert",
    "operation_folder": "pending_operation_folder",
    "operation_old": "pending_operation_old",
    "seal_folder": "legacy_archive_folder",
}
VALUES: Mapping[str, Mapping[str, str]] = {
    "restart_strategy": {"invisible": "seamless", "cut": "forced"},
}
CRITERIA = "gate_criteria"
"""Is put together from flat variables now; stated whole, it is taken over theirs."""


def current(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Variables under the names that they have now, and a sentence for each that was given an old one.

    Where a variable is given under both names, the new one counts.
    """
    taken, told = {}, []
    for name, value in given.items():
        now = NAMES.get(name, name)
        if now != name and now in given:
            told.append(f"{name} is {now} now, which is given too, so {name} does not count")
            continue
        known = VALUES.get(now, {})
        taken[now] = known.get(value, value) if isinstance(value, str) else value
        if now != name:
            told.append(f"{name} is {now} now; the old name goes with the next version")
        if taken[now] != value:
            told.append(f"{now}={value} is {now}={taken[now]} now; the old word goes with the next version")
    return taken, told


def whole_criteria(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The criteria of the gate where they are stated whole, filled up with what they lack; or nothing."""
    stated = given.get(CRITERIA)
    if not isinstance(stated, Mapping):
        return {}, []
    flat = {name: given[f"gate_{name}"] for name in defaults if f"gate_{name}" in given}
    told = f"{CRITERIA} is stated as single variables now ({', '.join(f'gate_{name}' for name in stated)})"
    whole = dict(defaults) | flat | dict(stated)
    return {CRITERIA: whole}, [f"{told}; as a whole it is understood until the next version"]

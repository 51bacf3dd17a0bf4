"""Every task that becomes another user, and the variables that lead to another user's place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PLAYS = ROOT / "playbooks"
ROLES = ROOT / "roles"

OURS = "coinjecture.migration."
OF_STRANGERS = frozenset(
    {
        *("migration_state_dir", "migration_socket", "coinjecture_database"),  # the node's user writes there
        *("coinjecture_home", "coinjecture_src", "coinjecture_python"),  # may be the node's user's
        *("coinjecture_entries", "coinjecture_importers", "coinjecture_importers_ignored"),  # likewise
        *("wheel_build_home", "wheel_work", "wheel_built"),  # the building user writes there
        "backup_path",  # the chain, and what else the node has stored
        "migration_build_user",  # and has a home
        "replay_folder",  # the replay works in a folder of it
        "restart_settings",  # the files that a restart changes
    }
)
"""Variables that name a place of a user other than root; every variable that is made of one is another."""

_OF_A_TASK = frozenset(
    {
        *(
            "name",
            "when",
            "register",
            "vars",
            "tags",
            "notify",
            "listen",
            "environment",
            "run_once",
            "throttle",
        ),
        *(
            "become",
            "become_user",
            "delegate_to",
            "loop",
            "loop_control",
            "until",
            "retries",
            "delay",
            "async",
        ),
        *("poll", "changed_when", "failed_when", "check_mode", "diff", "no_log"),
    }
)


@dataclass(frozen=True)
class Task:
    """A task that becomes another user.

    Attributes:
        file: Its file below the root of the clone.
        name: Its name.
        module: What it runs.
        user: Who it becomes, as written.
        text: Its arguments and variables as text.
    """

    file: str
    name: str
    module: str
    user: str
    text: str


class _Loader(yaml.SafeLoader):
    """YAML with Ansible's own tags, whose values do not matter here."""


_Loader.add_multi_constructor("!", lambda *_: None)


def tasks() -> list[Task]:
    """Every task that becomes another user, of every play and role."""
    found: list[Task] = []
    files = [*PLAYS.glob("*.yml"), *PLAYS.glob("tasks/*.yml")]
    files += [path for kind in ("tasks", "handlers") for path in ROLES.glob(f"*/{kind}/*.yml")]
    for path in sorted(files):
        content = yaml.load(path.read_text(), _Loader)
        for item in content or []:
            play = "hosts" in item
            lists = [item.get(key) or [] for key in ("pre_tasks", "tasks", "post_tasks", "handlers")]
            for listed in lists if play else [[item]]:
                found += _walk(listed, {"become": item.get("become")} if play else {}, path)
    return found


def _walk(listed: list[dict[str, Any]], above: dict[str, Any], path: Path) -> Iterator[Task]:
    for task in listed:
        told = above | {key: task[key] for key in ("become", "become_user", "vars") if key in task}
        told["vars"] = (above.get("vars") or {}) | (task.get("vars") or {})
        blocks = [task[key] for key in ("block", "rescue", "always") if key in task]
        for block in blocks:
            yield from _walk(block, told, path)
        if blocks or not told.get("become"):
            continue
        module = next(key for key in task if key not in _OF_A_TASK)
        text = yaml.safe_dump([task[module], task.get("loop"), told["vars"]])
        user = str(told.get("become_user", "root"))
        yield Task(str(path.relative_to(ROOT)), str(task["name"]), module.removeprefix(OURS), user, text)


def strangers() -> frozenset[str]:
    """`OF_STRANGERS` and every variable of roles and plays that is made of one of them."""
    told = {name: str(value) for name, value in _variables()}
    found = set(OF_STRANGERS)
    while more := {name for name, text in told.items() if name not in found and mentions(text, found)}:
        found |= more
    return frozenset(found)


def mentions(text: str, names: frozenset[str] | set[str]) -> bool:
    """Whether one of these variables is in an expression of the text, or an attribute of that name."""
    return any(word in names for word in re.findall(r"[a-z_][a-z0-9_]*", text))


def _variables() -> Iterator[tuple[str, Any]]:
    files = [
        *ROLES.glob("*/defaults/*.yml"),
        *ROLES.glob("*/vars/*.yml"),
        *PLAYS.glob("group_vars/all/*.yml"),
    ]
    for path in files:
        yield from (yaml.load(path.read_text(), _Loader) or {}).items()

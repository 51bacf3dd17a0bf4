#!/usr/bin/python
"""Ansible module: the sealed copy of what the migration removes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import as_user
from ..module_utils.bounded_reader import UnreadableError, parse_json
from ..module_utils.entries import ENGINE_FILES, Entries, changes
from ..module_utils.node_import import ImportEditError
from ..module_utils.sealed import SealError, changes_back, find, importing, obstacles, seal, undecided

DOCUMENTATION = r"""
module: sealed_copy
short_description: Seal the legacy engine and the release in force, and find the way back from there
description: A sealed copy is what a rollback needs after the removal of the legacy engine.
extends_documentation_fragment: [coinjecture.migration.engine_files]
options:
  state:
    description:
      - C(checked) returns why the legacy file cannot be removed, as C(obstacles), and as C(undecided) what
        only an operator can tell; and as C(completed) and C(wrapped) what makes the entry files import the
        Rust engine, and the wrapper again, the importers before them.
      - C(looked) returns C(obstacles) and C(undecided) as far as the sources alone tell them.
      - C(sealed) makes the copy; C(opened) returns the C(changes) that bring wrapper and legacy file back.
    type: str
    choices: [looked, checked, sealed, opened]
    required: true
  importers:
    description: Other files that take something of the legacy module, and are edited with its removal.
    type: list
    elements: path
    default: []
  ignored:
    description: Other files that do, and are left as they are although they will not work any more.
    type: list
    elements: path
    default: []
  folder: {description: Where sealed copies lie., type: path, required: true}
  current: {description: The link to the release in force., type: path}
  python: {description: The node's interpreter., type: path}
  user: {description: The node's user, with whose rights the interpreter is asked., type: str}
  genesis:
    description:
      - Where the wrapper keeps the genesis that only the node's own engine makes. Nothing is there where the
        configuration names it.
    type: path
  by: {description: Who seals., type: str, default: ""}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Seal the legacy engine
  coinjecture.migration.sealed_copy:
    state: sealed
    src: /opt/coinjecture/src
    entries: [/opt/coinjecture/src/node.py]
    folder: /opt/coinjecture/sealed
    current: /opt/coinjecture/current
    by: ann@laptop
  become: true
"""

RETURN = r"""
obstacles:
  description: Why the legacy file cannot be removed.
  type: list
  elements: str
  returned: with C(checked) and C(looked)
undecided:
  description: What only an operator can tell.
  type: list
  elements: str
  returned: with C(checked) and C(looked)
completed:
  description: What makes the entry files import the Rust engine.
  type: list
  elements: dict
  returned: with C(checked)
wrapped:
  description: What makes them import the wrapper.
  type: list
  elements: dict
  returned: with C(checked)
changes:
  description: What brings wrapper and legacy file back.
  type: list
  elements: dict
  returned: with C(opened)
"""

PROBE = (
    "import json, sys; from _coinjecture_release import consensus;"
    "print(json.dumps([name for name in sys.argv[1:] if not hasattr(consensus, name)]))"
)


def missing_names(python: str, user: str, current: str, wanted: list[str]) -> list[str]:
    """What the node takes from its engine's module that the module of the release does not have."""
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": current, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        command = as_user.command(user, [python, "-c", PROBE, *wanted])
        lacking: list[str] = parse_json(as_user.output(command, 60, environment), python)
    except (OSError, as_user.NotDoneError, UnreadableError) as error:
        detail = (str(error).splitlines() or [""])[-1]
        if "No module named '_coinjecture_release'" in detail:
            return [
                f"the release in {current} is of an earlier version, without the name by which a completed "
                "node imports it; bring in a newer one (upgrade.yml)"
            ]
        return [f"the release in {current} cannot be imported ({detail}); install it anew (repair.yml)"]
    return [f"the release has no {name}, which the node takes from its engine" for name in lacking]


def without_genesis(kept: str | None) -> list[str]:
    """Why the Rust engine, without the wrapper, would not start: nobody would name it the genesis."""
    if kept is None or not os.path.lexists(kept):
        return []
    return [
        "the configuration names no genesis block, the node's own engine makes it, and the Rust engine alone "
        f"does not start without one; the wrapper has it, in {kept}: final, with the wrapper, is where this "
        "node's migration ends"
    ]


def carry_out(options: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Do what is asked."""
    folder = Path(options["folder"])
    entries = Entries.of(*(options[name] for name in ("src", "entries", "importers", "ignored")))
    if options["state"] == "looked":
        return {"changed": False, "obstacles": importing(entries), "undecided": undecided(entries)}
    if options["state"] == "opened":
        return {"changed": False, "changes": changes_back(entries, folder), "manifest": find(folder)}
    if options["state"] == "checked":
        contents = entries.read()
        others = entries.read(importers=True)
        wrapped = others | entries.edited(contents, "wrapped")
        completed = entries.brought(others) | entries.edited(contents, "rust")
        found = [*obstacles(entries, folder), *without_genesis(options["genesis"])] or missing_names(
            options["python"], options["user"], options["current"], entries.names(contents)
        )
        told = {"obstacles": found, "undecided": undecided(entries)}
        return {"changed": False, **told, "completed": changes(completed), "wrapped": changes(wrapped)}
    if check_mode:
        return {"changed": not folder.is_dir()}
    made, copy = seal(entries, Path(options["current"]).resolve(), folder, options["by"], time.time())
    return {"changed": made, "manifest": copy}


def main() -> None:
    """Check the options and carry them out."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["looked", "checked", "sealed", "opened"], "required": True},
            **ENGINE_FILES,
            **{
                name: {"type": "list", "elements": "path", "default": []} for name in ("importers", "ignored")
            },
            "folder": {"type": "path", "required": True},
            "current": {"type": "path"},
            "python": {"type": "path"},
            "user": {"type": "str"},
            "genesis": {"type": "path"},
            "by": {"type": "str", "default": ""},
        },
        required_if=[("state", "checked", ["current", "python", "user"]), ("state", "sealed", ["current"])],
        supports_check_mode=True,
    )
    try:
        module.exit_json(**carry_out(module.params, module.check_mode))
    except (SealError, ImportEditError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()

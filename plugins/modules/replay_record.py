#!/usr/bin/python
"""Ansible module: lay the result of a replay down on its node: what the gate reads of what was printed."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import durable
from ..module_utils.bounded_reader import UnreadableError, read_object
from ..module_utils.operator_folder import REPLAY, OperatorFolder

DOCUMENTATION = r"""
module: replay_record
short_description: Lay the result of a replay down on its node, where the gate reads it
description:
  - The result lies in a folder of the node's user, so it is read as a stranger's. Returns it as C(content).
options:
  result: {description: What the replay has written., type: path, required: true}
  kept: {description: Whether it is laid down; else it is only read., type: bool, default: true}
  node: {description: The node's name in the inventory., type: str, required: true}
  folder: {description: Where root writes on the node., type: path, required: true}
  old: {description: The folder of the node's user that held the same before., type: path, required: true}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Lay the result down where the gate reads it
  coinjecture.migration.replay_record:
    result: /var/cache/coinjecture-replay/work/result.json
    node: node1
    folder: /var/lib/coinjecture-operator
    old: /var/lib/coinjecture-migration
  become: true
"""

RETURN = r"""
content: {description: The result., type: dict, returned: success}
"""

SCHEMA = 1
READ = ("network_id", "profile", "seed", "blocks", "mutants", "verdicts", "divergences", "durations")
"""Of a result the part that is kept; the rest is with the controller."""
NAMED = 20
"""So many divergence files are named; how many there are is counted apart."""


class NoReplayError(ValueError):
    """What lies there is no result of a replay."""


def record(node: str, result: Mapping[str, Any], now: float) -> dict[str, Any]:
    """The record of a replay; docs/schemas/node-replay.schema.json has its form.

    Args:
        node: The node's name in the inventory.
        result: What ``python -m coinjecture.replay --json`` printed there.
        now: Seconds since the epoch.

    Raises:
        NoReplayError: It printed something else.
    """
    try:
        surroundings, divergences = result["surroundings"], result["divergences"]
        kept = {name: result[name] for name in READ}
        kept["divergences"] = {
            "count": divergences["count"],
            "captured": [{"file": one["file"]} for one in divergences["captured"][:NAMED]],
        }
        return {
            "schema": SCHEMA,
            "node": node,
            "release": result["release"],
            "python": surroundings["python"],
            "libc": surroundings["libc"],
            "legacy": result["builds"]["legacy"]["sha256"],
            "started": result["started"],
            "finished": now,
            "result": kept,
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise NoReplayError(f"it is no result of coinjecture.replay: {error!r}") from error


def lay_down(folder: OperatorFolder, node: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the record on the node, durable when this returns, and return it.

    Raises:
        NoReplayError: The result is none.
        OSError: The disk refused; the record before stands.
    """
    made = record(node, result, time.time())
    folder.make()
    durable.replace(folder.path / REPLAY, json.dumps(made, indent=1) + "\n")
    return made


def main() -> None:
    """Read it, lay it down and return it."""
    module = AnsibleModule(
        argument_spec={
            "result": {"type": "path", "required": True},
            "kept": {"type": "bool", "default": True},
            "node": {"type": "str", "required": True},
            "folder": {"type": "path", "required": True},
            "old": {"type": "path", "required": True},
        },
    )
    given = module.params
    try:
        content = read_object(Path(given["result"]))
        if given["kept"]:
            lay_down(OperatorFolder(Path(given["folder"]), Path(given["old"])), given["node"], content)
    except (OSError, UnreadableError, NoReplayError) as error:
        module.fail_json(msg=f"the result of the replay cannot be kept: {error}")
    module.exit_json(changed=given["kept"], content=content)


if __name__ == "__main__":
    main()

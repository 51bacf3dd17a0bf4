"""What every node is asked, made from its own variables. For action plugins, on the controller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from . import kept

OWN = {
    "unit": "coinjecture_unit",
    "src": "coinjecture_src",
    "entries": "coinjecture_entries",
    "python": "coinjecture_python",
    "socket": "migration_socket",
    "mode_file": "migration_mode_file",
    "current": "coinjecture_current",
    "drop_in": "migration_drop_in",
    "settings": "migration_settings_file",
    "releases": "coinjecture_releases",
    "operator_dir": "migration_operator_dir",
    "user": "coinjecture_user",
    "replay": "migration_replay_file",
}
"""Options of `node_info`, and the variable of a node that each is."""


def questions(
    nodes: Iterable[str], base: Path, shared: Mapping[str, Any], task_vars: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """The arguments of `node_info` by node.

    Args:
        nodes: Whom to ask.
        base: Where the controller keeps what belongs to the network, without its identity.
        shared: What all are asked alike.
        task_vars: The variables of the asking task.
    """
    asked = {}
    for node in nodes:
        variables = task_vars["hostvars"][node]
        own = {option: variables[name] for option, name in OWN.items()}
        asked[node] = {**shared, **own, "known": kept.copies(base, node)}
    return asked

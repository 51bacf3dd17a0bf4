"""What a play asks of a node, and the answer: its state, with its chain and the last replay beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .api_shape import ApiShape
from .chain_api import view
from .entries import ENGINE_FILES
from .node_state import NodePaths, read, read_replay

PLACES = (
    *("unit", "python", "socket", "mode_file", "current", "drop_in", "settings", "releases", "user"),
    "operator_dir",
)

ARGUMENTS: dict[str, dict[str, Any]] = {
    **{name: {"type": "str", "required": True} for name in (*PLACES, "replay")},
    **ENGINE_FILES,
    "known": {"type": "dict", "default": {}},
    "peers": {"type": "dict", "default": {}},
    "shape": {"type": "dict", "default": {}},
    "lag": {"type": "int", "default": 6},
    "depth": {"type": "int", "default": 20},
    "brief": {"type": "bool", "default": False},
}
"""The options of `node_info`."""


def answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The node's state.

    Raises:
        OSError: It cannot be read.
        ShapeError: There is no such API as it was told.
    """
    paths = NodePaths(
        src=asked["src"], entries=tuple(asked["entries"]), **{name: asked[name] for name in PLACES}
    )
    state = read(paths, copies=asked["known"], brief=asked["brief"])
    state["replay"] = None if asked["brief"] else read_replay(Path(asked["replay"]))
    state["chain"] = _chain(asked) if asked["peers"] and not asked["brief"] else None
    return state


def _chain(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The chains of all nodes as their APIs tell them."""
    shape = ApiShape.of(asked["shape"])
    return view(asked["peers"], asked["lag"], asked["depth"], shape=shape)

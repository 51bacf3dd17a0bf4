"""Divergence files: one block with the nodes it was judged against. They are judged again, and written, here.

Their form is that of the wrapper (``docs/schemas/capture.schema.json``).
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from coinjecture._types import PROFILES, Profile
from coinjecture.replay.errors import BadInputError
from coinjecture.replay.legacy import Legacy
from coinjecture.replay.network import stand_in
from coinjecture.replay.node import TreeNode
from coinjecture.replay.outcome import Outcome, bits, from_bits
from coinjecture.replay.rust import Rust

SCHEMA = 1
KINDS = {
    "verdict": ("verdict",),
    "reason": ("reason",),
    "block_hash": ("computed_hash",),
    "work": ("work_bits",),
    "height": ("height",),
    "cumulative": ("cumulative_bits",),
    "tip": ("tip_hash_json", "tip_cumulative_bits"),
}
"""The wrapper's kinds of divergence, gravest first, by the values that differ."""


@dataclass(frozen=True)
class Capture:
    """A block as it came, and what its verdict depends on."""

    raw: bytes
    profile: Profile
    received_at: float
    parent: TreeNode | None
    tip: TreeNode | None


@dataclass(frozen=True)
class Replayed:
    """A divergence file judged again by both engines."""

    path: Path
    legacy: Outcome
    rust: Outcome

    @property
    def agrees(self) -> bool:
        """Whether both engines say the same in everything that the rules determine."""
        return self.legacy == self.rust

    def as_json(self) -> dict[str, Any]:
        """The row of the JSON answer."""
        return {
            "file": str(self.path),
            "agrees": self.agrees,
            "differs": list(kinds(self.legacy, self.rust)),
            "legacy": self.legacy.as_expected(),
            "rust": self.rust.as_expected(),
        }


def kinds(legacy: Outcome, rust: Outcome) -> tuple[str, ...]:
    """In what two outcomes differ, in the wrapper's words."""
    names = legacy.differing(rust)
    return tuple(kind for kind, values in KINDS.items() if any(name in names for name in values))


def read(path: Path) -> Capture:
    """Read a divergence file.

    Raises:
        BadInputError: It is not there, damaged, or of another form.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise ValueError(f"schema {content['schema']!r} is not {SCHEMA}")
        if content["profile"] not in PROFILES:
            raise ValueError(f"profile {content['profile']!r} is neither 'header' nor 'full'")
        text = content.get("block_json")
        raw = base64.b64decode(content["block_base64"], validate=True) if text is None else text.encode()
        return Capture(
            raw=raw,
            profile=content["profile"],
            received_at=float(content["received_at"]),
            parent=_read_node(content["parent"]),
            tip=_read_node(content["tip_before"]),
        )
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}; name files of captures/") from error
    except KeyError as error:
        raise BadInputError(
            f"{path}: no divergence file, {error} is missing; name files of captures/"
        ) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise BadInputError(
            f"{path}: damaged, or no divergence file: {error}; name files of captures/"
        ) from error


def _read_node(content: dict[str, Any] | None) -> TreeNode | None:
    if content is None:
        return None
    return TreeNode(
        block_hash=json.loads(content["hash_json"]),
        parent=json.loads(content["parent_hash_json"]),
        height=json.loads(content["height_json"]),
        timestamp=json.loads(content["timestamp_json"]),
        cumulative=from_bits(content["cumulative_bits"]),
        received_at=float(content["receipt_time"]),
    )


def replay(path: Path, legacy_module: ModuleType) -> Replayed:
    """Judge the block of a divergence file by both engines, each with the recorded parent and tip.

    Raises:
        BadInputError: The file cannot be used.
    """
    capture = read(path)
    network = stand_in()
    legacy, rust = Legacy(legacy_module, network, capture.profile), Rust(network, capture.profile)
    if capture.parent is not None:
        put(legacy, rust, capture.parent)
    if capture.tip is not None:
        set_tip(legacy, rust, capture.tip, same_as=capture.parent)
    return Replayed(
        path, legacy.judge(capture.raw, capture.received_at), rust.judge(capture.raw, capture.received_at)
    )


def put(legacy: Legacy, rust: Rust, node: TreeNode) -> None:
    """Put a node into both trees."""
    try:
        legacy.engine.block_tree[node.block_hash] = legacy.node_of(node)
    except TypeError as error:
        raise BadInputError(f"a node's hash cannot be a key of the tree: {node.block_hash!r}") from error
    rust.put(node)


def set_tip(legacy: Legacy, rust: Rust, tip: TreeNode, *, same_as: TreeNode | None) -> None:
    """Make a node the tip of both engines; it is in the tree only if it is the other one too."""
    known = same_as is not None and repr(tip) == repr(same_as)
    legacy.engine.best_tip = legacy.engine.block_tree[tip.block_hash] if known else legacy.node_of(tip)
    rust.set_tip(tip)


def write(
    folder: Path,
    capture: Capture,
    legacy: Outcome,
    rust: Outcome,
    builds: dict[str, Any],
) -> Path:
    """Write a divergence that replay found as a file named after its content. Returns the path."""
    try:
        text: dict[str, str] = {"block_json": capture.raw.decode("utf-8")}
    except UnicodeDecodeError:
        text = {"block_base64": base64.b64encode(capture.raw).decode("ascii")}
    content = {
        "schema": SCHEMA,
        **text,
        "profile": capture.profile,
        "received_at": capture.received_at,
        "mode": "replay",
        "kinds": list(kinds(legacy, rust)),
        "parent": _node_as_json(capture.parent),
        "tip_before": _node_as_json(capture.tip),
        "verdicts": {"legacy": _verdict("legacy", legacy), "rust": _verdict("rust", rust)},
        "builds": builds,
    }
    data = json.dumps(content, sort_keys=True, indent=1).encode() + b"\n"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(data).hexdigest()}.json"
    path.write_bytes(data)
    return path


def _node_as_json(node: TreeNode | None) -> dict[str, Any] | None:
    if node is None:
        return None
    return {
        "hash_json": json.dumps(node.block_hash),
        "parent_hash_json": json.dumps(node.parent),
        "height_json": json.dumps(node.height),
        "timestamp_json": json.dumps(node.timestamp),
        "cumulative_bits": bits(node.cumulative),
        "receipt_time": node.received_at,
    }


def _verdict(engine: str, outcome: Outcome) -> dict[str, Any]:
    if outcome.verdict not in ("accept", "reject"):
        return {"engine": engine, "verdict": "error", "error": outcome.reason or outcome.verdict}
    return {
        "engine": engine,
        "verdict": outcome.verdict,
        "reason": outcome.reason,
        "computed_hash": outcome.computed_hash,
        "work_bits": outcome.work_bits,
        "height_json": None if outcome.height is None else str(outcome.height),
        "cumulative_bits": outcome.cumulative_bits,
        "tip_hash_json": outcome.tip_hash_json,
        "tip_cumulative_bits": outcome.tip_cumulative_bits,
        "not_a_rule": False,
    }


def sentence(replayed: Replayed) -> str:
    """One line for people about a file that was judged again."""
    if replayed.agrees:
        return f"agree    {replayed.path}: {_said(replayed.legacy)}"
    differs = ", ".join(kinds(replayed.legacy, replayed.rust)) or "verdict"
    return (
        f"diverge  {replayed.path}: {differs}; legacy {_said(replayed.legacy)}, rust {_said(replayed.rust)}"
    )


def _said(outcome: Outcome) -> str:
    return f"{outcome.verdict} {outcome.reason}" if outcome.reason else outcome.verdict

"""Divergence files: one block on which the engines disagree, with all that is needed to judge it again."""

from __future__ import annotations

import base64
from typing import Any

from coinjecture_migration.engines.legacy import field
from coinjecture_migration.engines.observation import Observation, as_text, bits

SCHEMA = 1


def node_as_json(node: Any) -> dict[str, Any] | None:
    """A tree node without its block, in the words of the test vectors; None for no node."""
    if node is None:
        return None
    return {
        "hash_json": as_text(field(node.block, "block_hash")),
        "parent_hash_json": as_text(node.parent_hash),
        "height_json": as_text(node.height),
        "timestamp_json": as_text(field(node.block, "timestamp")),
        "cumulative_bits": bits(node.cumulative_work),
        "receipt_time": node.receipt_time,
    }


def describe(
    *,
    block: bytes,
    profile: str,
    received_at: float,
    parent: Any,
    tip: Any,
    legacy: Observation,
    rust: Observation,
    kinds: tuple[str, ...],
    mode: str,
    builds: dict[str, Any],
) -> dict[str, Any]:
    """The content of a divergence file.

    Args:
        block: The whole block as JSON text.
        profile: `header` or `full`.
        received_at: Receipt time that both engines judged with.
        parent: The node it was judged against, None where its parent is unknown.
        tip: The best tip before it was judged.
        legacy: What the legacy engine said.
        rust: What the Rust engine said.
        kinds: In what they differ.
        mode: The mode of the node.
        builds: Identity of both engines.
    """
    try:
        text: dict[str, str] = {"block_json": block.decode("utf-8")}
    except UnicodeDecodeError:
        text = {"block_base64": base64.b64encode(block).decode("ascii")}
    return {
        "schema": SCHEMA,
        **text,
        "profile": profile,
        "received_at": received_at,
        "mode": mode,
        "kinds": list(kinds),
        "parent": node_as_json(parent),
        "tip_before": node_as_json(tip),
        "verdicts": {"legacy": legacy.as_json(), "rust": rust.as_json()},
        "builds": builds,
    }

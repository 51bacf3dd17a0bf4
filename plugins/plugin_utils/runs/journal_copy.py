"""The controller's copy of a node's step journal, written from what the node itself returns."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ...module_utils import durable
from ...module_utils.journal import goes_on, known_by, verify_chain
from . import kept


def note(base: Path, node: str, answer: dict[str, Any], aside: bool = False) -> str:
    """Keep the journal that a node has returned with its record; says where.

    Args:
        base: Where the controller keeps what belongs to the network, without its identity.
        node: The node.
        answer: What it returned; the journal's ``content`` is taken out of it.
        aside: Whether the journal was set aside there, and the copy goes with it.

    Raises:
        OSError: The copy cannot be written; the message names it.
    """
    identity = answer.get("network", answer.get("counted")) or ""
    copy, content = kept.copy_of(base, identity, node), answer.pop("content", None)
    try:
        if content is not None:
            if identity:
                kept.adopt(base, identity, node, content)
            keep(copy, content)
        elif aside:
            set_aside(copy)
    except OSError as error:
        raise OSError(f"{copy} cannot be written: {error}") from error
    return str(kept.copy_shown(base, identity, node))


def keep(copy: Path, content: str) -> None:
    """Replace the copy by the journal as it is; one that knows something else stays, under another name."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    known = known_by(kept.read(copy))
    if known and not goes_on(verify_chain(content)["records"], known):
        set_aside(copy)
    durable.replace(copy, content)


def set_aside(copy: Path) -> None:
    """Give the copy a name under which nothing is compared or written."""
    if copy.exists():
        stem = f"{copy.stem}.until-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
        number = sum(1 for _ in copy.parent.glob(f"{stem}*"))
        durable.rename(copy, copy.with_name(f"{stem}{f'-{number}' if number else ''}{copy.suffix}"))

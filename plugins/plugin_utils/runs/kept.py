"""What the controller keeps of each network, apart from every other: build/networks/<address>-<identity>/.

The address is that of the first node, the identity lies on the nodes (`network.json` in root's folder) from
their first journal record on. A network without one has the folder without it, which becomes its own with
that record. So two networks that had the same address, one after the other, share nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...module_utils import durable
from ...module_utils.journal import Known, goes_on, known_by, verify_chain
from .controller_run import place, started

IDENTITY = re.compile(r"[0-9a-f]{16}")
FRESH = "new"
"""What a network is called whose nodes all answer and have no identity: it gets one with its first record."""


def told(states: Mapping[str, Mapping[str, Any] | None]) -> str:
    """The identity that the nodes tell, the first of them first; empty where none tells one."""
    return next((str(state["network"]) for state in states.values() if state and state.get("network")), "")


def to_give(states: Mapping[str, Mapping[str, Any] | None], nodes: Sequence[str]) -> str:
    """What a node without an identity is given: the others' one, `FRESH`, or none while one is silent."""
    if identity := told(states):
        return identity
    return FRESH if all(states.get(name) for name in nodes) else ""


def fresh(main: int, place_of_it: Path) -> str:
    """A new identity, the same for every node that a run meets; ``main`` is the run's process."""
    facts = [place(), str(main), started(main), str(place_of_it)]
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:16]


def folder(base: Path, identity: str) -> Path:
    """Where everything of a network is kept."""
    return base.with_name(f"{base.name}-{identity}") if identity else base


def folders(base: Path) -> dict[str, Path]:
    """What is kept of networks at this address by their identity, the newest first after the one without."""
    found = [base] if base.is_dir() else []
    named = base.parent.glob(f"{base.name}-*") if base.parent.is_dir() else ()
    own = [path for path in named if IDENTITY.fullmatch(path.name.removeprefix(f"{base.name}-"))]
    found += sorted(own, key=lambda path: path.stat().st_mtime, reverse=True)
    return {path.name.removeprefix(base.name).removeprefix("-"): path for path in found}


def copy_of(base: Path, identity: str, node: str) -> Path:
    """The copy of a node's step journal."""
    return folder(base, identity) / "journal" / f"{node}.jsonl"


def copies(base: Path, node: str) -> dict[str, Known]:
    """What is known of a node's step journal, by network; see `journal.counting`."""
    found = {identity: known_by(read(copy_of(base, identity, node))) for identity in folders(base)}
    return {identity: known for identity, known in found.items() if known}


def copy_shown(base: Path, identity: str, node: str) -> Path:
    """The copy to tell of a journal by; for a node without an identity the newest that a removal ended."""
    copy = copy_of(base, identity, node)
    if identity or copy.exists():
        return copy
    ended = [name for name, known in copies(base, node).items() if known["removed"]]
    return copy_of(base, ended[0], node) if ended else copy


def read(copy: Path) -> str | None:
    """The copy, None where there is none."""
    try:
        return copy.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def adopt(base: Path, identity: str, node: str, content: str) -> None:
    """Make what is kept of a network without an identity its own, now that it has one.

    It stays where the copy of this node's journal is of another one.
    """
    known = known_by(read(copy_of(base, "", node)))
    if not base.is_dir() or folder(base, identity).exists():
        return
    if known is None or goes_on(verify_chain(content)["records"], known):
        with suppress(FileNotFoundError):  # another node of this run has done it
            durable.rename(base, folder(base, identity))


def strangers(base: Path, identity: str) -> list[str]:
    """Where other networks at this address are kept, as long as nothing is kept of this one."""
    found = folders(base)
    return [] if identity in found else [str(path) for path in found.values()]

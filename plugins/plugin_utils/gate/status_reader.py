"""The one reader of what is known of a node: forms first, then what its fields say of each other.

Everything the gate is told goes through it before any rule. What cannot be read, or contradicts itself, is
`GarbledError` with the path of the field and what was found there; what is not there yet is None.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .forms import complaints
from .reading import GarbledError, shown
from .relations import contradictions, replay_contradictions, view_contradictions

BESIDE = ("chain", "replay")
"""What lies beside a node's own status: what it sees of the others' chains, and a replay there."""
NAMED = 3
"""So many complaints are told; the rest is counted."""


@dataclass(frozen=True)
class Reading:
    """What is known of a node, believed.

    Attributes:
        status: The answer of its control socket; None where there is none.
        record: The evidence in it; None where there is none yet.
        view: What it sees of the others' chains; None where it has not looked.
        replay: What lies there of a replay; None where there was none.
    """

    status: Mapping[str, Any] | None = None
    record: Mapping[str, Any] | None = None
    view: Mapping[str, Any] | None = None
    replay: Mapping[str, Any] | None = None


def read(name: str, known: Any) -> Reading:
    """Read what is known of the node of this name.

    Raises:
        GarbledError: A value is not what it should be, or two of them cannot both be true.
    """
    if known is None:
        return Reading()
    if not isinstance(known, Mapping):
        raise GarbledError(f"its status is {shown(known)}, not an object")
    status = {key: value for key, value in known.items() if key not in BESIDE}
    record = status.get("evidence")
    has_record = not (record is None or (isinstance(record, Mapping) and not record))
    found = [
        *(_of_status(name, status) if has_record else ()),
        *_of_part("view", known, "chain", view_contradictions),
        *_of_part("node-replay", known, "replay", lambda told: replay_contradictions(told["result"])),
    ]
    if found:
        more = f"; and {len(found) - NAMED} more" if len(found) > NAMED else ""
        raise GarbledError("; ".join(found[:NAMED]) + more)
    return Reading(status or None, record if has_record else None, known.get("chain"), known.get("replay"))


def known_of(state: Mapping[str, Any]) -> Any:
    """What is known of a node for `read`: the status, the view and the replay that `node_state.read` gave."""
    status = state.get("status")
    if status is not None and not isinstance(status, Mapping):
        return status
    beside = {key: state[key] for key in BESIDE if state.get(key) is not None}
    return {**(status or {}), **beside} or None


def read_state(name: str, state: Mapping[str, Any]) -> Reading:
    """Read what `node_state.read` gave of the node of this name.

    Raises:
        GarbledError: A value is not what it should be, or two of them cannot both be true.
    """
    return read(name, known_of(state))


@dataclass(frozen=True)
class Reported:
    """What a node tells, believed; ``wrong`` says why it is not, and then the rest is None.

    ``record`` is its evidence: said by the wrapper, or on a completed node as its journal kept it.
    """

    status: Mapping[str, Any] | None = None
    record: Mapping[str, Any] | None = None
    wrong: str = ""


def reported_by(name: str, state: Mapping[str, Any] | None) -> Reported:
    """What a node tells, through the reader that the gate has."""
    if state is None:
        return Reported()
    try:
        reading = read_state(name, state)
    except GarbledError as error:
        return Reported(wrong=f"{name}: what it tells cannot be believed: {error}")
    if reading.record is not None:
        return Reported(reading.status, reading.record)
    if state.get("status") is not None:
        return Reported(wrong=f"{name}: its wrapper tells no evidence")
    kept = (state.get("journal") or {}).get("kept_evidence")
    return Reported(record=kept if isinstance(kept, Mapping) else None)


def _of_status(name: str, status: Mapping[str, Any]) -> Iterator[str]:
    wrong = complaints("status", status)
    yield from wrong or contradictions(name, status)


def _of_part(form: str, known: Mapping[str, Any], key: str, relations: Any) -> Iterator[str]:
    """The complaints about one of the parts beside the status."""
    if (part := known.get(key)) is None:
        return
    wrong = [text.removeprefix("it ") for text in complaints(form, part)]
    if wrong:
        yield from (f"{key}: {text}" for text in wrong)
    else:
        yield from relations(part)

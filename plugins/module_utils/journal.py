"""The step journal of a node: one JSON object a line, each chained to the one before by SHA-256.

Pure functions on text; `journal_file` does the reading and writing. The chain shows an edited, a
removed and an inserted record. A journal cut off at its end is a whole chain too, so the node
keeps the head (number and digest of the last record) in a second file, and `verify` compares.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict, TypeGuard

from .bounded_reader import UnreadableError, parse_json

SCHEMA = 1
FIELDS = (
    "schema", "seq", "prev", "at", "who", "why", "what", "phase", "node", "from", "to", "gate",
    "hashes", "detail", "digest",
)  # fmt: skip
FIRST = "0" * 64
"""What the first record names as the digest before it."""

MODE_CHANGES = ("step done", "rollback", "complete")
"""Records whose ``to`` is the mode that the node was left in."""

ENDED_BY = {
    "step started": (*MODE_CHANGES, "removed"),
    "acknowledge started": ("acknowledged",),
    "paused": ("pause lifted",),
}
"""What is written before something is changed, and the records of which one is its end."""


class Head(TypedDict):
    """Number and digest of the last record."""

    seq: int
    digest: str


class Known(TypedDict):
    """What a controller's copy knows of a journal: first and last record, each of which names all before it.

    ``removed`` says that the journal went with the wrapper, so that the node may have begun another one.
    """

    seq: int
    digest: str
    first: str
    removed: bool


class Journal(TypedDict):
    """What `verify` found: every record up to the first that is wrong, and what is wrong with it.

    ``broken`` is None for a whole chain; else it says in words where the chain breaks.
    """

    records: list[dict[str, Any]]
    head: Head | None
    broken: str | None


def digest(record: Mapping[str, Any]) -> str:
    """SHA-256 in hex over a record without its own digest, as canonical JSON."""
    body = {key: value for key, value in record.items() if key != "digest"}
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def chain(head: Head | None, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Make the record that follows ``head``.

    Args:
        head: The head of the journal, or None where it is empty.
        entry: ``at`` (s since the epoch), ``who``, ``why``, ``what`` and ``node``, and what else is known.

    Raises:
        ValueError: The entry lacks one of the five, or has a field that no record has.
    """
    for name in ("who", "why", "what", "node"):
        if not isinstance(entry.get(name), str) or not entry[name].strip():
            raise ValueError(f"a record of the step journal needs {name}, a text that is not empty")
    at = entry.get("at")
    if isinstance(at, bool) or not isinstance(at, int | float):
        raise ValueError("a record of the step journal needs at, in seconds since the epoch")
    if unknown := sorted(set(entry) - set(FIELDS)):
        raise ValueError(f"no record of the step journal has {', '.join(unknown)}")
    record = dict.fromkeys(FIELDS) | {"hashes": {}, "detail": {}} | dict(entry)
    record |= {"schema": SCHEMA, "seq": head["seq"] + 1 if head else 1}
    record["prev"] = head["digest"] if head else FIRST
    record.pop("digest")
    return record | {"digest": digest(record)}


def append(text: str, entry: Mapping[str, Any]) -> str:
    """The journal with one more record at its end.

    Raises:
        ValueError: The journal is broken, or the entry is no record.
    """
    found = verify_chain(text)
    if found["broken"]:
        raise ValueError(found["broken"])
    line = json.dumps(chain(found["head"], entry), sort_keys=True)
    record, wrong = _read(line, found["head"])
    if record is None:
        raise ValueError(f"the record could not be read again: {wrong}")
    return f"{text}{line}\n"


def verify(text: str, head: Mapping[str, Any] | None, known: Known | None = None) -> Journal:
    """The one verdict on a journal: from its first record to its last, against its head and the copy.

    Args:
        text: The journal.
        head: The head that the node keeps beside it, or None where there is no such file.
        known: What a controller's copy knows of it, or None where there is no copy.
    """
    found = verify_chain(text)
    if found["broken"] is None:
        found["broken"] = _wrong_end(found["records"], head) or _differs(found["records"], known)
    return found


def known_by(copy: str | None) -> Known | None:
    """What a copy knows of a journal, as far as it is whole; an empty one knows nothing."""
    records = verify_chain(copy)["records"] if copy else []
    if not records:
        return None
    last = next((record["what"] for record in reversed(records) if record["what"] != "restart"), None)
    return {
        "seq": records[-1]["seq"],
        "digest": records[-1]["digest"],
        "first": records[0]["digest"],
        "removed": last == "removed",
    }


def counting(
    copies: Mapping[str, Known], network: str, records: Sequence[Mapping[str, Any]], touched: bool
) -> str | None:
    """Of which network the copy is that a journal is compared with; None for none.

    Args:
        copies: What is known of this node's journal, by the identity of the network; empty without one.
        network: The identity that lies on the node; with one, another network's copy means nothing.
        records: The journal.
        touched: Whether the node has the wrapper. Then it has a journal too, which is missed where it
            vanished with the identity.
    """
    if network:
        return network if network in copies else None
    if records and (same := [name for name, known in copies.items() if goes_on(records, known)]):
        return same[0]
    if touched:
        return next((name for name, known in copies.items() if not known["removed"]), None)
    return "" if records and "" in copies else None


def goes_on(records: Sequence[Mapping[str, Any]], known: Known) -> bool:
    """Whether a journal has every record that the copy has."""
    return known["seq"] <= len(records) and records[known["seq"] - 1]["digest"] == known["digest"]


def is_another(records: Sequence[Mapping[str, Any]], known: Known) -> bool:
    """Whether the copy is of a journal that went with the wrapper: the node's, if any, began without it."""
    return known["removed"] and (not records or records[0]["digest"] != known["first"])


def verify_chain(text: str) -> Journal:
    """Check that every record follows the one before it; a cut end is not seen."""
    records: list[dict[str, Any]] = []
    last: Head | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        record, wrong = _read(line, last)
        if record is None:
            return {"records": records, "head": last, "broken": f"line {number}: {wrong}"}
        records.append(record)
        last = {"seq": record["seq"], "digest": record["digest"]}
    return {"records": records, "head": last, "broken": None}


def recorded_mode(records: Sequence[Mapping[str, Any]]) -> str | None:
    """The mode in which the last step, rollback or completion left the node; None before the first one."""
    for record in reversed(records):
        if record["what"] in MODE_CHANGES:
            return None if record["to"] is None else str(record["to"])
    return None


def completed(records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the node was completed, and no step or rollback came after that."""
    for record in reversed(records):
        if record["what"] in MODE_CHANGES:
            return bool(record["what"] == "complete")
    return False


def unfinished(records: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """What was begun and has no end in the journal, by the name of its record: a run was interrupted."""
    begun: dict[str, Mapping[str, Any]] = {}
    for record in records:
        if record["what"] in ENDED_BY:
            begun[record["what"]] = record
        begun = {what: one for what, one in begun.items() if record["what"] not in ENDED_BY[what]}
    return begun


def kept_evidence(records: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The evidence that a completion kept before it took the wrapper away; None where there is none."""
    for record in reversed(records):
        if record["what"] == "complete started":
            kept = (record["detail"] or {}).get("evidence")
            return kept if isinstance(kept, dict) else None
    return None


def restarts(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What came of every restart of the service by the migration."""
    return [record["detail"] for record in records if record["what"] == "restart"]


def _read(line: str, last: Head | None) -> tuple[dict[str, Any] | None, str]:
    """One line as the record that follows ``last``, or None and what is wrong with it."""
    try:
        record = parse_json(line, "the line", finite=False)
    except UnreadableError:
        return None, "it is no JSON (a write that was broken off, or an edit)"
    if not isinstance(record, dict) or set(record) != set(FIELDS) or record["schema"] != SCHEMA:
        return None, "it is no record of the step journal"
    if digest(record) != record["digest"]:
        return None, "its content is not what was written (its digest is another one)"
    if wrong := [name for name, fits in KINDS.items() if not fits(record[name])]:
        return None, f"it is no record of the step journal: {', '.join(wrong)} is not what it should be"
    if record["seq"] != (last["seq"] + 1 if last else 1):
        missing = record["seq"] - (last["seq"] if last else 0) - 1
        return None, f"it is record {record['seq']}; {abs(missing)} records are missing or out of place"
    if record["prev"] != (last["digest"] if last else FIRST):
        return None, f"record {record['seq']} does not follow the record before it, which was replaced"
    return record, ""


def _wrong_end(records: Sequence[Mapping[str, Any]], head: Mapping[str, Any] | None) -> str | None:
    """What is wrong with the end of a whole chain: fewer records than the head names, or others.

    The head is written after the journal, so it may be one record behind: a write broken off between.
    """
    if head is None:
        return None if len(records) <= 1 else "the file of the journal's head is missing"
    seq = head.get("seq")
    if not _is_count(seq) or seq < 1:
        return "the file of the journal's head is damaged"
    if seq > len(records):
        return f"the last {seq - len(records)} of {seq} records are missing"
    if records[seq - 1]["digest"] != head.get("digest"):
        return f"record {seq} is another one than the journal's head names"
    if len(records) - seq > 1:
        return f"{len(records) - seq} records follow the journal's head, of which at most one can be new"
    return None


def _differs(records: Sequence[Mapping[str, Any]], known: Known | None) -> str | None:
    """What the controller's copy knows better, or None."""
    if known is None or goes_on(records, known) or is_another(records, known):
        return None
    if known["seq"] > len(records):
        return f"record {known['seq']}, which the controller has a copy of, is missing on the node"
    return f"record {known['seq']} is another one than the controller has a copy of"


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _is_time(value: Any) -> bool:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return known and abs(value) < LATEST and math.isfinite(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _or_none(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or fits(value)


LATEST = 2.0**40
"""Seconds since the epoch beyond which no calendar goes."""

KINDS: dict[str, Callable[[Any], bool]] = {
    "schema": _is_count, "seq": _is_count, "prev": _is_text, "at": _is_time, "who": _is_text, "why": _is_text,
    "what": _is_text, "node": _is_text, "digest": _is_text, "phase": _or_none(_is_count),
    "from": _or_none(_is_text), "to": _or_none(_is_text),
    "gate": _or_none(lambda value: isinstance(value, dict)),
    "hashes": lambda value: isinstance(value, dict),
    "detail": _or_none(lambda value: isinstance(value, dict)),
}  # fmt: skip
"""What every field of a record is."""

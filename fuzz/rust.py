"""The Rust engine as the fuzzer drives it."""

from __future__ import annotations

import json
from dataclasses import make_dataclass
from types import SimpleNamespace
from typing import Any
from zlib import crc32

from coinjecture import _core
from coinjecture.replay.outcome import Outcome, bits, height_notation
from coinjecture.replay.rust import observed
from consensus_surface import Profile

from fuzz.domain import nests_too_deep
from fuzz.oracle import GENESIS

FORMS = ("bytes", "bytes", "bytes", "object", "str", "dict", "dict", "written again")
LARGE = 1 << 19
TAKEN_ONE_IN = 8
"""So many blocks are put into the tree by the call that judges and puts, half of those as objects; as many
by the call for blocks of a log."""
RESTART_ONE_IN = 150

_TEMPLATE: dict[str, Any] = json.loads(GENESIS["testnet"]["block_json"])
FIELDS = frozenset(_TEMPLATE)
"""What an object is asked for to be a block."""
Complexity = make_dataclass("Complexity", list(_TEMPLATE["complexity"]))
EnergyMetrics = make_dataclass("EnergyMetrics", list(_TEMPLATE["complexity"]["energy_metrics"]))


class RustEngine:
    """A Rust engine that knows only a genesis, judging by one profile.

    Now and then it is taken out and put back in: a new engine goes on with the exported tree of the old one.
    """

    def __init__(self, genesis: str, profile: Profile) -> None:
        self._profile = profile
        self._genesis = GENESIS[genesis]
        self.engine = self._new()

    def _new(self) -> Any:
        return _core.Engine(self._genesis["block_json"], self._genesis["received_at"])

    def _restart(self) -> None:
        """Go on with a new engine that took over the tree of the old one."""
        exported = self.engine.export()
        self.engine = self._new()
        self.engine.import_(exported)

    def _capture(self, raw: bytes) -> Any:
        """Take the block in one of the forms an engine gets it in; the text decides which."""
        form = crc32(raw) % len(FORMS)
        # How large a block is depends on its form, and only a text can be too deep to be read.
        if FORMS[form] == "bytes" or len(raw) > LARGE or nests_too_deep(raw.decode()):
            return _core.capture(raw)
        if FORMS[form] == "str":
            return _core.capture(raw.decode())
        block = json.loads(raw.decode())  # of bytes it would take off a byte order mark, which is no JSON
        if not isinstance(block, dict):
            return _core.capture(raw)
        if FORMS[form] == "object" and block and block.keys() <= FIELDS:  # an object is asked for no others
            return _core.capture(as_object(block))
        captured = _core.capture(block)
        if FORMS[form] in ("dict", "object") or captured.out_of_domain is not None:
            return captured
        return _core.capture(captured.to_json())

    def _take(self, raw: bytes, received_at: float) -> tuple[Any, ...]:
        """Judge and put a block in one call, which has ways of its own to read bytes and dicts."""
        block = json.loads(raw.decode()) if crc32(raw) & 1 << 31 else raw
        return _comparable(self.engine.take(block, received_at, self._profile))

    def submit(self, text: str, received_at: float) -> Outcome:
        """Judge and apply a block; what breaks the engine is an outcome too, equal to none of the oracle."""
        try:
            return self._submit(text.encode(), received_at)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic of the core is no Exception
            return Outcome("error", f"{type(error).__name__}: {error}"[:500])

    def _submit(self, raw: bytes, received_at: float) -> Outcome:
        try:
            captured = self._capture(raw)
        except (ValueError, RecursionError):
            return Outcome("unparsable")
        if captured.out_of_domain is not None:
            return Outcome("out_of_domain")
        if crc32(raw) % RESTART_ONE_IN == 0:
            self._restart()
        judgement = self.engine.judge(captured, received_at, self._profile)
        way = crc32(raw) // len(FORMS) % TAKEN_ONE_IN
        if way == 0:
            said = self._take(raw, received_at)
            if said != _as_taken(judgement):
                return Outcome("error", f"take says {said}, judge says {_as_taken(judgement)}"[:500])
        elif way == 1:
            end = self.engine.pass_many([(raw, received_at)], self._profile)
            if end != (1, None):
                return Outcome("error", f"pass_many says {end}, judge has a verdict"[:500])
        else:
            self.engine.apply(judgement)
        outcome = observed(judgement)
        tip = self.engine.tip()
        if bits(tip.cumulative) != outcome.tip_cumulative_bits:
            return Outcome("error", "the judgement's tip is not the tree's after apply")
        if judgement.inserts:
            node = self.engine.get(judgement.block_hash)
            if node is None or (height_notation(node.height), bits(node.cumulative)) != (
                outcome.height,
                outcome.cumulative_bits,
            ):
                return Outcome("error", "the judgement's node is not in the tree after apply")
        return outcome


def as_object(block: dict[str, Any]) -> Any:
    """The same block as an object with attributes; so its complexity, and what solving it took."""
    parts = dict(block)
    if isinstance(complexity := block.get("complexity"), dict):
        complexity = dict(complexity)
        if isinstance(energy := complexity.get("energy_metrics"), dict):
            complexity["energy_metrics"] = _instance(EnergyMetrics, energy)
        parts["complexity"] = _instance(Complexity, complexity)
    return SimpleNamespace(**parts)


def _instance(kind: type[Any], attributes: dict[str, Any]) -> Any:
    """An object with these attributes: of a dataclass, lacking some of its own, where it has no others."""
    if attributes.keys() - kind.__dataclass_fields__.keys():
        return SimpleNamespace(**attributes)
    made = object.__new__(kind)
    vars(made).update(attributes)
    return made


def _as_taken(judgement: _core.Judgement) -> tuple[Any, ...]:
    """What `take` has to say where this is the judgement."""
    if judgement.cumulative is None:
        return _comparable((judgement.reason, False, None, None, None, _broken(judgement)))
    work = int(judgement.cumulative) if judgement.accepted else None
    put = (judgement.block_hash, judgement.height, work)
    return _comparable((judgement.reason, judgement.moves_tip, *put, _broken(judgement)))


def _broken(judgement: _core.Judgement) -> tuple[Any, Any] | None:
    """The value that breaks a rule, and the rule's limit."""
    return None if judgement.accepted else (judgement.value, judgement.limit)


def _comparable(taken: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same with numbers to the bit and values of each type apart."""
    reason, moves_tip, key, height, work, broken = taken
    notation = None if height is None else height_notation(height)
    return (reason, moves_tip, repr(key), notation, repr(work), repr(broken))

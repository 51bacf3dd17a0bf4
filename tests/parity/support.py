"""What the parity tests share: the two engines side by side, and a step's outcome in exact notation."""

import json
import random
import string
import struct
from typing import Any

from coinjecture import _core

from testnet.node.src import consensus, pow
from tests.oracle.support import GENESIS, RecordingStorage, bits, config, number_notation, scenarios

__all__ = ["GENESIS", "Oracle", "RecordingStorage", "Rust", "bits", "config", "odd_value", "scenarios"]


class Oracle:
    """The Python engine, one judgement at a time."""

    def __init__(self, genesis: str) -> None:
        self.engine = consensus.ConsensusEngine(config(genesis), RecordingStorage(), pow.ProblemRegistry())

    def step(self, block: dict[str, Any], received_at: float, profile: str) -> dict[str, Any]:
        """Judge and insert a block; everything that has to agree."""
        engine = self.engine
        before = self._node(block)
        reason = None
        try:
            # The engine's own steps, with the receipt time given instead of its clock's.
            engine._judge(block, full=profile == "full")
            engine._insert(block, received_at)
        except consensus.HeaderValidationError as error:
            reason = error.reason
        after = self._node(block)
        placed = after is not None and after is not before
        return {
            "reason": reason,
            "hash": _value_or_none(lambda: consensus.calculate_block_hash(_complete(block))),
            "work": _value_or_none(lambda: bits(pow.calculate_work_score(_complete(block)["complexity"]))),
            "height": number_notation(after.height) if after and placed else None,
            "cumulative": bits(after.cumulative_work) if after and placed else None,
            "tip": json.dumps(engine.best_tip.block["block_hash"]),
            "tip_cumulative": bits(engine.best_tip.cumulative_work),
        }

    def _node(self, block: dict[str, Any]) -> Any:
        try:
            return self.engine.block_tree.get(block.get("block_hash"))
        except TypeError:
            return None


class Rust:
    """The Rust engine, one judgement at a time."""

    def __init__(self, genesis: str) -> None:
        known = GENESIS[genesis]
        self.engine = _core.Engine(known["block_json"], known["received_at"])

    def step(self, block: Any, received_at: float, profile: str) -> dict[str, Any]:
        """Judge and apply a block, given as bytes, text or object; everything that has to agree."""
        judgement = self.engine.judge(_core.capture(block), received_at, profile)
        self.engine.apply(judgement)
        tip = self.engine.tip()
        assert bits(tip.cumulative) == bits(judgement.tip_cumulative)
        assert json.dumps(tip.block_hash) == json.dumps(judgement.tip_hash)
        placed = judgement.inserts
        return {
            "reason": judgement.reason,
            "hash": judgement.computed_hash,
            "work": None if judgement.work is None else bits(judgement.work),
            "height": number_notation(judgement.height) if placed else None,
            "cumulative": bits(judgement.cumulative) if judgement.cumulative is not None else None,
            "tip": json.dumps(judgement.tip_hash),
            "tip_cumulative": bits(judgement.tip_cumulative),
        }


def _complete(block: dict[str, Any]) -> dict[str, Any]:
    """The block, if it can be built at all and its complexity is not empty for its work."""
    if not all(field in block for field in consensus.REQUIRED_FIELDS):
        raise KeyError("a required field is missing")
    return block


def _value_or_none(compute: Any) -> Any:
    try:
        return compute()
    except Exception:  # where the rules compute no value, none equals none
        return None


NUMBERS = (
    *(0, 1, -1, 2, 8, 12, 64, 2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**64, 10**19, 10**308),
    *(10**309, 10**400, -(10**400), 10**4299, True, False, 0.0, -0.0, 0.1, 0.5, 1.0, 1.5, -0.5, 1e-9, 5e-324),
    *(2.0**-25, 1e16, 1e15, 1e22, 1e300, 1.7976931348623157e308, 9007199254740993.0, 4096, 4096.5),
)
FORMS = (
    *(
        "O(1)",
        "O(log n)",
        "O(n log n)",
        "O(n)",
        "O(n^2)",
        "O(n^3)",
        "O(2^n)",
        "O(n!)",
        "O(n^n)",
        "Theta(n^2.5)",
    ),
    *(
        "O(n^0.5)",
        "Omega(n^-1)",
        "1.5^n",
        "-2^n",
        "n^1_0",
        "n^ 2",
        "n^inf",
        "nan^n",
        "n^n^n",
        "O(?)",
        "",
        "OO((n))",
    ),
    *(
        "\u3000n\x1c",
        "n^\u0663",
        "n^1e400",
        "0^n",
        "n ^2",
        "2^ n",
        "inf^n",
        "n^\ud800",
        "n^\u00b2",
        "n\ud83d\ude00",
    ),
)
TEXTS = (
    "",
    "a",
    "0" * 64,
    "f" * 64,
    "mobile",
    "cluster",
    "NP",
    "P",
    "EXPTIME",
    "subset_sum",
    "\ud800",
    'é\x7f\n"\\/',
    "😀",
)


def json_nan() -> float:
    """The one NaN of `json.loads`."""
    nan: float = json.loads("NaN")
    return nan


def odd_value(rng: random.Random, depth: int = 2) -> Any:
    """A JSON value of any kind, odd ones preferred."""
    kind = rng.randrange(12)
    if kind < 4:
        return rng.choice(NUMBERS)
    if kind == 4:
        return rng.choice((json_nan(), float("inf"), float("-inf"), None))
    if kind == 5:
        return (
            struct.unpack(">d", rng.randbytes(8))[0]
            if rng.random() < 0.7
            else rng.getrandbits(rng.choice((8, 70)))
        )
    if kind == 6:
        return rng.choice(TEXTS)
    if kind == 7:
        return rng.choice(FORMS)
    if kind == 8:
        return "".join(rng.choices(string.printable, k=rng.choice((1, 3, 63, 64, 65))))
    if depth == 0:
        return rng.choice(((), {}, [])) or []
    if kind < 11:
        return [odd_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {rng.choice(TEXTS): odd_value(rng, depth - 1) for _ in range(rng.randrange(4))}

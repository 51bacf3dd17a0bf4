"""The oracle: the legacy engine, loaded from its file, with a clock of ours and a limit of time."""

from __future__ import annotations

import importlib
import json
import signal
import sys
from functools import cache
from pathlib import Path
from types import FrameType, ModuleType, SimpleNamespace
from typing import Any

from fuzz.domain import nests_too_deep, out_of_domain
from fuzz.outcome import Outcome, bits, height_notation

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "testnet/node/src"
GENESIS: dict[str, dict[str, Any]] = json.loads(
    (ROOT / "tests/vectors/genesis.json").read_text(encoding="ascii")
)
PRIVATE_PACKAGE = "oracle_loaded_from_file"


class OracleTimeout(BaseException):
    """The oracle did not finish in time. No `Exception`: the oracle would take that for a verdict."""


@cache
def modules(source: Path = SOURCE) -> SimpleNamespace:
    """Load `consensus.py` and `pow.py` as a package of our own, so that nobody else sees its clock changed.

    Raises:
        FileNotFoundError: The legacy engine is not where it should be.
    """
    if not (source / "consensus.py").is_file():
        raise FileNotFoundError(f"no legacy engine at {source / 'consensus.py'}: run from a whole checkout")
    package = ModuleType(PRIVATE_PACKAGE)
    package.__path__ = [str(source)]
    sys.modules[PRIVATE_PACKAGE] = package
    return SimpleNamespace(
        consensus=importlib.import_module(f"{PRIVATE_PACKAGE}.consensus"),
        pow=importlib.import_module(f"{PRIVATE_PACKAGE}.pow"),
    )


class NoStorage:
    """Storage that keeps nothing: what the engine writes follows from what is compared anyway."""

    def store_work_index(self, height: Any, cumulative: int, block_hash: Any) -> None:
        """Take and forget."""

    def store_tip(self, block_hash: Any, cumulative: int) -> None:
        """Take and forget."""


class Oracle:
    """A legacy engine that knows only a genesis, judging by one profile."""

    def __init__(self, genesis: str, profile: str) -> None:
        self._consensus = modules().consensus
        self._pow = modules().pow
        known = GENESIS[genesis]
        config = self._consensus.ConsensusConfig(
            network_id=known["network_id"],
            max_headers_per_second=0,
            genesis_timestamp=json.loads(known["timestamp_json"]),
            genesis_seed=known["seed"],
            genesis_block=json.loads(known["block_json"]),
        )
        self.engine = self._consensus.ConsensusEngine(config, NoStorage(), self._pow.ProblemRegistry())
        self._judge = self.engine.verify_block if profile == "full" else self.engine.validate_header

    def submit(self, text: str, received_at: float) -> Outcome:
        """Judge a block's text as received at that second, and say all that the rules determine."""
        try:
            block = json.loads(text)
        except (ValueError, RecursionError) as error:
            read = text[: getattr(error, "pos", len(text))]
            return Outcome("out_of_domain" if nests_too_deep(read) else "unparsable")
        if not isinstance(block, dict):
            return Outcome("unparsable")
        if out_of_domain(text, block):
            return Outcome("out_of_domain")
        before = self._node(block)
        self._consensus.time = SimpleNamespace(time=lambda: received_at)
        verdict, reason = "accept", None
        try:
            self._judge(block)
        except self._consensus.HeaderValidationError as error:
            verdict, reason = "reject", error.reason
        after = self._node(block)
        computed_hash, work_bits = self._values(block)
        tip = self.engine.best_tip
        placed = after is not None and after is not before
        return Outcome(
            verdict,
            reason,
            computed_hash=computed_hash,
            work_bits=work_bits,
            height=height_notation(after.height) if placed else None,
            cumulative_bits=bits(after.cumulative_work) if placed else None,
            tip_hash_json=json.dumps(tip.block["block_hash"]),
            tip_cumulative_bits=bits(tip.cumulative_work),
        )

    def _node(self, block: dict[str, Any]) -> Any:
        try:
            return self.engine.block_tree.get(block.get("block_hash"))
        except TypeError:
            return None  # an unhashable key is in no tree

    def _values(self, block: dict[str, Any]) -> tuple[str | None, str | None]:
        """Hash and work of the content by itself, None where there is none."""
        computed_hash = work_bits = None
        if all(field in block for field in self._consensus.REQUIRED_FIELDS):
            try:
                computed_hash = self._pow.calculate_block_hash(block)
            except Exception:  # noqa: S110 - none is what is recorded where the rules compute no hash
                pass
            try:
                if block["complexity"]:
                    work_bits = bits(self._pow.calculate_work_score(block["complexity"]))
            except Exception:  # noqa: S110 - as above
                pass
        return computed_hash, work_bits


class TimeLimit:
    """Context manager that raises `OracleTimeout` in its block after so many seconds. Main thread only.

    One object is used for many blocks: installing the signal handler each time would cost more than a block.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        signal.signal(signal.SIGALRM, self._expired)

    def __enter__(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, self._seconds)

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)

    @staticmethod
    def _expired(_signal: int, _frame: FrameType | None) -> None:
        raise OracleTimeout

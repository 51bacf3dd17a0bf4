"""The oracle: the legacy engine, loaded from its file, with a clock of ours and a limit of time."""

from __future__ import annotations

import json
import signal
import sys
from functools import cache
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

from coinjecture.replay.legacy import Legacy, load
from coinjecture.replay.network import Network
from coinjecture.replay.outcome import Outcome
from consensus_surface import Profile

from fuzz.domain import nests_too_deep, out_of_domain

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "testnet/node/src"
GENESIS: dict[str, dict[str, Any]] = json.loads(
    (ROOT / "tests/vectors/genesis.json").read_text(encoding="ascii")
)


class OracleTimeoutError(BaseException):
    """The oracle did not finish in time. No `Exception`: the oracle would take that for a verdict."""


@cache
def modules(source: Path = SOURCE) -> SimpleNamespace:
    """The legacy engine's modules `consensus` and `pow`, loaded for us alone.

    Raises:
        BadInputError: The legacy engine is not where it should be.
    """
    consensus = load(source / "consensus.py")
    return SimpleNamespace(consensus=consensus, pow=sys.modules[f"{consensus.__package__}.pow"])


@cache
def network(genesis: str) -> Network:
    """The network of a genesis of the vectors."""
    known = GENESIS[genesis]
    timestamp = json.loads(known["timestamp_json"])
    return Network(known["network_id"], timestamp, known["seed"], json.loads(known["block_json"]))


class Oracle:
    """A legacy engine that knows only a genesis, judging by one profile."""

    def __init__(self, genesis: str, profile: Profile) -> None:
        self._legacy = Legacy(modules().consensus, network(genesis), profile)
        self.engine = self._legacy.engine

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
        return self._legacy.judge_block(block, received_at)


class TimeLimit:
    """Context manager that raises `OracleTimeoutError` in its block after so many seconds. Main thread only.

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
        raise OracleTimeoutError

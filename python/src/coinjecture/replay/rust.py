"""The Rust engine as replay drives it: capture, judge, and apply where the block is to stay."""

from __future__ import annotations

from time import thread_time
from typing import Any

from coinjecture import _core
from coinjecture._types import Profile
from coinjecture.replay.errors import BadInputError
from coinjecture.replay.network import Network
from coinjecture.replay.node import TreeNode
from coinjecture.replay.outcome import Outcome, bits, hash_notation, height_notation


class Rust:
    """A Rust engine that knows only a genesis, judging by one profile.

    Attributes:
        engine: The native engine.
        seconds: Processor time of the last judgement, parsing included.
    """

    def __init__(self, network: Network, profile: Profile) -> None:
        self.profile = profile
        self.seconds = 0.0
        self._judgement: _core.Judgement | None = None
        try:
            self.engine = _core.Engine(network.genesis, network.timestamp)
        except _core.EngineError as error:
            raise BadInputError(f"the Rust engine refuses the genesis: {error}") from error

    def judge(self, raw: bytes, received_at: float) -> Outcome:
        """Parse and judge a block received at that second (since the epoch). Changes nothing until ``apply``.

        What breaks the engine is an outcome too, ``error``, equal to none of the legacy engine's.
        """
        started = thread_time()
        self._judgement = None
        try:
            captured = _core.capture(raw, total=True)
            if captured.out_of_domain is not None:
                return Outcome("out_of_domain")
            judgement = self.engine.judge(captured, received_at, self.profile)
            self._judgement = judgement
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic of the core is no Exception
            return Outcome("error", f"{type(error).__name__}: {error}"[:500])
        finally:
            self.seconds = thread_time() - started
        return observed(judgement)

    def apply(self) -> None:
        """Put the block that was judged last into the tree; its time is added to ``seconds``."""
        if self._judgement is not None:
            started = thread_time()
            self.engine.apply(self._judgement)
            self.seconds += thread_time() - started

    def put(self, node: TreeNode) -> None:
        """Put a node into the tree as another engine has it."""
        self.engine.put(
            node.block_hash, node.parent, node.height, node.cumulative, node.received_at, node.timestamp
        )

    def set_tip(self, node: TreeNode) -> None:
        """Make a node the tip."""
        self.engine.set_tip(
            node.block_hash, node.parent, node.height, node.cumulative, node.received_at, node.timestamp
        )

    def why_out_of_domain(self, raw: bytes) -> str | None:
        """Why a block lies outside the parity domain; None if it lies inside."""
        return _core.capture(raw, total=True).out_of_domain


def observed(judgement: _core.Judgement) -> Outcome:
    """A judgement as an outcome."""
    height: Any = None
    cumulative = work = None
    if judgement.inserts and judgement.cumulative is not None:
        height, cumulative = height_notation(judgement.height), bits(judgement.cumulative)
    if judgement.work is not None:
        work = bits(judgement.work)
    return Outcome(
        "accept" if judgement.accepted else "reject",
        judgement.reason,
        judgement.computed_hash,
        work,
        height,
        cumulative,
        hash_notation(judgement.tip_hash),
        bits(judgement.tip_cumulative),
    )

"""A scenario: a tree of blocks that grows step by step; each step knows what the oracle made of the last."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import Any

from coinjecture._core import compute_header_hash_py
from coinjecture.replay import changes, values
from coinjecture.replay.node import Block, Known
from coinjecture.replay.outcome import Outcome, hash_notation
from consensus_surface import Profile

from fuzz import text
from fuzz.blocks import child, heavy_complexity, ordinary_complexity, wide_complexity
from fuzz.domain import MAX_BYTES
from fuzz.oracle import GENESIS

LENGTHS = ((0.60, 4, 14), (0.95, 20, 70), (1.0, 130, 320))  # share of scenarios up to here, shortest, longest

FERTILE_KEPT = 6
OVERTURNING = 10  # so many steps before the end of a long scenario its chain may be left behind


@dataclass(frozen=True, slots=True)
class Step:
    """One block as it arrives: its text, its receipt time in seconds, and what was done to it."""

    block_json: str
    received_at: float
    note: str


@dataclass(slots=True)
class Draft:
    """A step that is not sent yet, with the block it was made of."""

    step: Step
    block: Block | None
    parent: Known


@dataclass
class Scenario:
    """Makes the steps of one scenario. The same seed and the same outcomes give the same steps.

    Call `next_step` and `learn` in turn until `finished`.
    """

    seed: str
    rng: Random = field(init=False)
    genesis: str = field(init=False)
    profile: Profile = field(init=False)
    forks: int = 0
    reorgs: int = 0

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)  # noqa: S311 - repeatable, not secret
        rng = self.rng
        self.genesis = rng.choice(tuple(GENESIS))
        self.profile = "full" if rng.random() < 0.7 else "header"
        draw = rng.random()
        self._left = next(rng.randint(low, high) for share, low, high in LENGTHS if draw <= share)
        # Long scenarios are there for long branches, so no block may own the tip before the end.
        self._calm = self._left > 100
        self._extending = 0.62 if self._calm else 0.36
        known = GENESIS[self.genesis]
        root = Known(known["block_hash"], known["height"], json.loads(known["timestamp_json"]))
        self._nodes = [root]
        self._fertile = deque([root], maxlen=FERTILE_KEPT)
        self._by_key = {json.dumps(root.key): root}
        self._tip = json.dumps(root.key)
        self._sent: list[Draft] = []
        self._withheld: deque[Draft] = deque()
        self._draft: Draft | None = None
        self._clock = float(known["received_at"]) + 1.0

    @property
    def finished(self) -> bool:
        """Whether all steps were made."""
        return self._left <= 0

    def next_step(self) -> Step:
        """Make the next block."""
        self._left -= 1
        self._draft = self._choose()
        return self._draft.step

    def learn(self, outcome: Outcome) -> None:
        """Take note of what the oracle said about the step: what is in the tree, and where the tip is."""
        draft = self._draft
        assert draft is not None, "learn follows next_step"
        self._sent.append(draft)
        if not outcome.inserted or outcome.tip_hash_json is None:
            return
        block = json.loads(draft.step.block_json) if draft.block is None else draft.block
        key, parent = hash_notation(block["block_hash"]), hash_notation(block["previous_hash"])
        height = outcome.height if isinstance(outcome.height, int) else json.loads(str(outcome.height))
        on_fork = parent in self._by_key and parent != self._tip and key not in self._by_key
        self.forks += on_fork
        self.reorgs += outcome.tip_hash_json == key and on_fork
        fertile = _fertile(height, block["timestamp"], str(outcome.cumulative_bits))
        self._by_key[key] = node = Known(block["block_hash"], height, block["timestamp"], fertile)
        self._nodes.append(node)
        if fertile:
            self._fertile.append(node)
        self._tip = outcome.tip_hash_json

    # What comes next

    def _choose(self) -> Draft:
        rng = self.rng
        if self._withheld and rng.random() < 0.5:
            return self._withheld.popleft()
        if self._calm and self._left < OVERTURNING and rng.random() < 0.3:
            return self._overturn()
        draw = rng.random()
        if draw < self._extending:
            return self._valid(self._parent())
        if draw < self._extending + 0.05 and self._sent:
            return self._again(rng.choice(self._sent[-40:]))
        if draw < self._extending + 0.06:
            return self._branch()
        if draw < self._extending + 0.08:
            return self._root()
        if draw < self._extending + 0.0805:
            return self._large()
        return self._changed(self._parent())

    def _parent(self) -> Known:
        """The tip most of the time, else a node near it or any other."""
        rng = self.rng
        draw = rng.random()
        if draw < 0.72:
            parent = self._by_key.get(self._tip, self._nodes[0])
        else:
            parent = rng.choice(self._nodes[-6:] if draw < 0.9 else self._nodes)
        # A parent that no child can follow is tried now and then, and does not end the scenario.
        return parent if parent.fertile or rng.random() < 0.1 else rng.choice(self._fertile)

    def _valid(self, parent: Known) -> Draft:
        rng = self.rng
        block = child(rng, parent, plain=self._calm or rng.random() < 0.4)
        if not self._calm and rng.random() < 0.01:
            block["complexity"] = heavy_complexity()
        if rng.random() < 0.12:
            return self._drafted(text.unusual(rng, block, self._hash), None, parent, "unusual text")
        return self._sealed(block, parent, "valid")

    def _changed(self, parent: Known) -> Draft:
        rng = self.rng
        block = child(rng, parent, plain=self._calm or rng.random() < 0.4)
        if rng.random() < 0.03:
            return self._drafted(text.broken(rng, text.plain(block)), None, parent, "broken text")
        note, after_sealing = changes.change(rng, block, parent, calm=self._calm)
        if after_sealing:
            self._seal(block)
            note = changes.change_sealed(rng, block, parent)
            return self._drafted(text.plain(block), block, parent, note)
        if rng.random() < 0.08:
            return self._drafted(text.unusual(rng, block, self._hash), None, parent, f"{note}, unusual text")
        if self.profile == "header" and rng.random() < 0.05:
            return self._odd_key(block, parent, note)
        return self._sealed(block, parent, note)

    def _odd_key(self, block: Block, parent: Known, note: str) -> Draft:
        """The header profile never looks at the hash, so any value can become a key of the tree."""
        block["block_hash"] = self.rng.choice(
            (None, True, 1, 1.0, 0, -0.0, values.NAN, "", values.odd(self.rng))
        )
        return self._drafted(text.plain(block), block, parent, f"{note}, odd key")

    def _again(self, old: Draft) -> Draft:
        """Send a block again: as it was, or with other things that the hash does not cover."""
        rng = self.rng
        if old.block is None or rng.random() < 0.3:
            return self._drafted(old.step.block_json, old.block, old.parent, "again")
        complexities = (ordinary_complexity, heavy_complexity, lambda: wide_complexity(rng))
        block = old.block | {"complexity": rng.choice(complexities[: 1 if self._calm else 3])()}
        if rng.random() < 0.3:
            block["transactions"] = [values.odd(rng)]
        return self._drafted(text.plain(block), block, old.parent, "again, other complexity")

    def _branch(self) -> Draft:
        """A branch made out of sight, to be sent in order or not, perhaps as heavy as it needs to win."""
        rng = self.rng
        node, drafts = rng.choice(self._nodes), []
        for _ in range(rng.randint(2, 6)):
            block = child(rng, node, plain=True)
            if not self._calm and rng.random() < 0.1:
                block["complexity"] = heavy_complexity()
            draft = self._sealed(block, node, "branch")
            drafts.append(draft)
            node = Known(block["block_hash"], block["index"], block["timestamp"])
        if rng.random() < 0.5:
            rng.shuffle(drafts)
        self._withheld.extend(drafts)
        return self._withheld.popleft()

    def _overturn(self) -> Draft:
        """One block near the root that outweighs everything: the whole chain is left behind."""
        parent = self.rng.choice(self._nodes[:8])
        block = child(self.rng, parent, plain=True)
        block["complexity"] = heavy_complexity()
        return self._sealed(block, parent, "overturn")

    def _root(self) -> Draft:
        """A block whose index is not above 0: rules 1 to 3 do not hold, and it may be a second root."""
        rng = self.rng
        parent = self._parent()
        block = child(rng, parent, plain=True)
        block["index"] = rng.choice((0, -1, False, -0.0, -0.5, values.NAN, -values.INF, -(10**30), 0))
        if rng.random() < 0.6:
            block["previous_hash"] = rng.choice((f"{rng.getrandbits(256):064x}", None, values.odd(rng), True))
        return self._sealed(block, parent, "root")

    def _large(self) -> Draft:
        """A block of long lists, or of a length on either side of the largest one."""
        rng = self.rng
        parent = self._parent()
        block = child(rng, parent, plain=True)
        if rng.random() < 0.5:
            numbers = rng.sample(range(10**6), rng.choice((200, 2000, 20000)))
            solution = rng.sample(numbers, rng.choice((3, 100)))
            block["problem"].update(numbers=numbers, target=sum(solution))
            block["solution"] = solution
            return self._sealed(block, parent, "large")
        self._seal(block)
        padded = text.plain(block)
        padded += " " * (MAX_BYTES + rng.choice((-1, 0, 1)) - len(padded))
        return self._drafted(padded, block, parent, "as large as can be")

    # Sealing and sending

    def _hash(self, block: Any) -> str | None:
        """The hash of a block's content, None where there is none.

        The faster engine computes it: were it wrong, the oracle would call the hash bad and the difference
        be found.
        """
        try:
            return compute_header_hash_py(block).hex()
        except (KeyError, ValueError):  # there is no hash, or the block is outside the domain
            return None

    def _seal(self, block: Block) -> None:
        if "block_hash" not in block:
            lazy = self.profile == "header" and self.rng.random() < 0.5
            block["block_hash"] = (not lazy and self._hash(block)) or f"{self.rng.getrandbits(256):064x}"

    def _sealed(self, block: Block, parent: Known, note: str) -> Draft:
        self._seal(block)
        return self._drafted(text.plain(block), block, parent, note)

    def _drafted(self, block_json: str, block: Block | None, parent: Known, note: str) -> Draft:
        return Draft(Step(block_json, self._receipt_time(), note), block, parent)

    def _receipt_time(self) -> float:
        """The clock of the node: mostly going on, now and then standing still or set back."""
        draw = self.rng.random()
        if draw < 0.85:
            self._clock += self.rng.random()
        elif draw > 0.97:
            self._clock -= 5.0
        return self._clock


def _fertile(height: Any, timestamp: Any, cumulative_bits: str) -> bool:
    """Whether an ordinary child can be accepted and can win."""
    ordinary = all(isinstance(x, int | float) and abs(x) < 2**53 for x in (height, timestamp))
    # Bits of positive doubles sort as the doubles do: this is a sum below 2**200.
    return ordinary and cumulative_bits < "4c7"

"""What a run has counted, in a form that goes from process to process as bytes."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from operator import eq

from coinjecture.replay.outcome import Outcome

DIGEST_BYTES = 8


@dataclass
class Totals:
    """Counters of a run or of a part of it.

    A case is one block given to both engines. `codes` counts cases by what the oracle said (`full accept`,
    `header no_work`); `forks` counts blocks that joined the tree elsewhere than on the tip, `reorgs` those of
    them that became the tip. `digests` holds eight bytes for each case, to tell how many were distinct.
    """

    scenarios: int = 0
    differences: int = 0
    oracle_timeouts: int = 0
    forks: int = 0
    reorgs: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    digests: bytearray = field(default_factory=bytearray)

    def count(self, profile: str, text: str, outcome: Outcome) -> None:
        """Count one case; two of the same profile, text and verdict on them are not distinct."""
        self.codes[f"{profile} {outcome.code}"] += 1
        identity = f"{profile} {outcome.tip_hash_json} {outcome.tip_cumulative_bits} {text}"
        self.digests += hashlib.blake2b(identity.encode(), digest_size=DIGEST_BYTES).digest()

    @property
    def cases(self) -> int:
        """Blocks given to both engines."""
        return self.codes.total()

    def by_code(self) -> Counter[str]:
        """Cases by code, both profiles together."""
        together: Counter[str] = Counter()
        for name, count in self.codes.items():
            together[name.split()[1]] += count
        return together

    def add(self, other: Totals) -> None:
        """Add another part's counters to these."""
        self.scenarios += other.scenarios
        self.differences += other.differences
        self.oracle_timeouts += other.oracle_timeouts
        self.forks += other.forks
        self.reorgs += other.reorgs
        self.codes.update(other.codes)
        self.digests += other.digests

    def to_bytes(self) -> bytes:
        """One line of JSON with the counters, then the digests."""
        counters = {name: value for name, value in vars(self).items() if name != "digests"}
        return json.dumps(counters).encode() + b"\n" + self.digests

    @classmethod
    def from_bytes(cls, data: bytes) -> Totals:
        """Read what `to_bytes` wrote."""
        counters, _, digests = data.partition(b"\n")
        values = json.loads(counters)
        return cls(**(values | {"codes": Counter(values["codes"])}), digests=bytearray(digests))

    def distinct(self) -> int:
        """How many cases differ in profile, text or the tip that came of them."""
        return distinct(array("Q", bytes(self.digests)))


def distinct(values: array[int]) -> int:
    """How many different values there are."""
    # Sorted, not a set: a set of ten million would take a gigabyte.
    ordered = sorted(values)
    repeated: int = sum(map(eq, ordered, islice(ordered, 1, None)))
    return len(ordered) - repeated

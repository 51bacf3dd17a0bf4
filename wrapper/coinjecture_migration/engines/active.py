"""The active engines: a mode and its engines as one immutable reference, read once per call."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from coinjecture_migration.engines.legacy import LegacyEngine
from coinjecture_migration.engines.rust import RustEngine
from coinjecture_migration.engines.tree_sync import Tree, TreeSync
from coinjecture_migration.evidence.soak import Soak
from coinjecture_migration.vocabulary import ANSWERING


class CallsUnderWay:
    """How many calls run on one set of engines, and a way to wait for the last of them.

    Calls come and go under the judging lock, so they count without another one. Who waits says so before
    it looks at the count, and a call looks for who waits after it has counted: one of the two sees the other.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = self._waiting = 0

    def enter(self) -> None:
        """A call begins."""
        self._count += 1

    def leave(self) -> None:
        """A call has ended."""
        self._count -= 1
        if self._waiting and not self._count:
            with self._changed:
                self._changed.notify_all()

    def wait_for_last(self, seconds: float) -> bool:
        """Wait until no call is under way. Returns False where one still is after `seconds`."""
        end = time.monotonic() + seconds
        with self._changed:
            self._waiting += 1
            try:
                while self._count:
                    if not self._changed.wait(end - time.monotonic()):
                        return False
                return True
            finally:
                self._waiting -= 1


@dataclass(frozen=True)
class ActiveEngines:
    """A mode with the engines, the soak and the tree sync of it. Replaced as a whole, never changed."""

    mode: str
    legacy: LegacyEngine | None
    rust: RustEngine | None
    soak: Soak
    sync: TreeSync = field(default_factory=TreeSync)
    calls: CallsUnderWay = field(default_factory=CallsUnderWay)

    @property
    def answering(self) -> LegacyEngine | RustEngine:
        """The answering engine."""
        engine = self.legacy if ANSWERING[self.mode] == "legacy" else self.rust
        assert engine is not None, f"mode {self.mode} without its answering engine"
        return engine

    def tree(self, name: str) -> Tree:
        """An engine by name, as a tree."""
        engine = self.legacy if name == "legacy" else self.rust
        assert engine is not None, f"mode {self.mode} has no {name} engine"
        return engine

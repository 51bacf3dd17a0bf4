"""The storage an engine is given: its effects can wait, what it needs an answer of is carried out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

log = logging.getLogger("coinjecture.migration")

EFFECTS = frozenset({"store_work_index", "store_tip", "store_commitment", "store_header", "store_block"})
"""Writes whose answer no known engine needs. They wait until it is known who answers the block."""
LOG = "iter_blocks"

Write = tuple[str, tuple[Any, ...], dict[str, Any]]


class StorageProxy:
    """Stands before the node's storage for one engine.

    While it holds (`hold`), effects are recorded and return None; the caller then releases or drops them.
    Every other call goes through and gives its answer, at a construction too: an engine may need it (a
    content id). Reads go through. `failure` is what the storage raised since `hold`: an exception that is
    this one is an engine error, never a verdict.

    `on_row`, if set, is told each row that the engine reads from the log, and may raise to stop it.
    """

    def __init__(self, storage: Any) -> None:
        self._storage = storage
        self._held: list[Write] | None = None
        self._said: set[str] = set()
        self.failure: BaseException | None = None
        self.on_row: Callable[[bytes, float], None] | None = None

    def hold(self) -> None:
        """From now on record the effects instead of carrying them out."""
        self._held = []
        self.failure = None

    def release(self) -> None:
        """Carry out the held effects in their order; what the storage raises goes out as it is."""
        held, self._held = self._held or [], None
        for name, args, kwargs in held:
            getattr(self._storage, name)(*args, **kwargs)

    def drop(self) -> None:
        """Forget the held effects."""
        self._held = None

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._storage, name)
        if not callable(value):
            return value
        if name == LOG:
            return self._rows
        if name not in EFFECTS:
            return self._answered(name, value)
        effect = self.__dict__[name] = self._effect(name)  # kept: engines ask for it with every block
        return effect

    def _effect(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if self._held is None:
                return self._carried_out(getattr(self._storage, name), args, kwargs)
            self._held.append((name, args, kwargs))
            return None

        return call

    def _answered(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if self._held is not None:
                self._say(name)
            return self._carried_out(method, args, kwargs)

        return call

    def _carried_out(self, method: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except BaseException as error:
            self.failure = error
            raise

    def _say(self, name: str) -> None:
        """Say once of a write that it is carried out whoever answers."""
        if name.startswith("store_") and name not in self._said:
            self._said.add(name)
            log.info("storage: %s is carried out at once, whichever engine answers: it has an answer", name)

    def _rows(self) -> Iterator[tuple[bytes, float]]:
        try:
            for raw, received_at in self._storage.iter_blocks():
                if self.on_row is not None:
                    self.on_row(raw, received_at)
                yield raw, received_at
        except Exception as error:
            self.failure = error
            raise


class Aside:
    """The node's storage for an engine that is tried out: no log, and effects lead nowhere."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage

    def __getattr__(self, name: str) -> Any:
        if name == LOG or name.startswith("_"):
            raise AttributeError(name)
        return _nothing if name in EFFECTS else getattr(self._storage, name)


def _nothing(*_args: Any, **_kwargs: Any) -> None:
    return None

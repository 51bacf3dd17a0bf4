"""The storage an engine is given: it can hold the engine's writes and remembers what the storage raised."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Write = tuple[str, tuple[Any, ...], dict[str, Any]]


class StorageProxy:
    """Stands before the node's storage for one engine.

    Writes are the methods named `store_*`. While the proxy holds (`hold`), they are recorded and return
    None; the caller then releases or drops them. Reads go through. `failure` is what the storage raised
    since `hold`: an exception that is this one is an engine error, never a verdict.

    `on_row`, if set, is told each row that the engine reads from the log, and may raise to stop it.
    """

    def __init__(self, storage: Any) -> None:
        self._storage = storage
        self._held: list[Write] | None = None
        self.failure: BaseException | None = None
        self.on_row: Callable[[bytes, float], None] | None = None

    def hold(self) -> None:
        """From now on record the writes instead of carrying them out."""
        self._held = []
        self.failure = None

    def release(self) -> None:
        """Carry out the held writes in their order; what the storage raises goes out as it is."""
        held, self._held = self._held or [], None
        for name, args, kwargs in held:
            getattr(self._storage, name)(*args, **kwargs)

    def drop(self) -> None:
        """Forget the held writes."""
        self._held = None

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._storage, name)
        if not callable(value):
            return value
        if name == "iter_blocks":
            return self._rows
        return self._guarded(name, value)

    def _guarded(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if self._held is not None and name.startswith("store_"):
                self._held.append((name, args, kwargs))
                return None
            try:
                return method(*args, **kwargs)
            except BaseException as error:
                self.failure = error
                raise

        return call

    def _rows(self) -> Iterator[tuple[bytes, float]]:
        try:
            for raw, received_at in self._storage.iter_blocks():
                if self.on_row is not None:
                    self.on_row(raw, received_at)
                yield raw, received_at
        except Exception as error:
            self.failure = error
            raise

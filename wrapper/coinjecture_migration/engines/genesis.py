"""The genesis: from the configuration, or from the node's own engine, and then kept for `final`.

A real configuration may name none: the legacy engine makes it. The Rust engine needs it at every start, and
in `final` there is no legacy engine to ask. So what that one had is kept beside the mode file, whole, with
its shape.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from coinjecture_migration.engines.shape import shape_from, shape_of
from coinjecture_migration.runtime import durable
from coinjecture_migration.runtime.errors import BrokenEngineError

SCHEMA = 1
LARGEST = 2**22
"""More bytes than any genesis has; the rules end at a megabyte of JSON."""


class WithGenesis:
    """A configuration, and the genesis that it does not have. Everything else is the configuration's own."""

    def __init__(self, config: Any, genesis_block: Any) -> None:
        self._config, self.genesis_block = config, genesis_block

    def __getattr__(self, name: str) -> Any:
        return getattr(self._config, name)


class Genesis:
    """The network's genesis, as far as it is known.

    Args:
        path: Where it is kept; None: nowhere.
        configured: What the configuration names, None where it names none.
    """

    def __init__(self, path: Path | None, configured: Any) -> None:
        self._path, self._configured = path, configured
        self._seen: Any = None
        self._kept = False

    def seen(self, block: Any) -> None:
        """The legacy engine has this one."""
        self._seen = block

    def block(self) -> Any:
        """The genesis in the node's own shape.

        Raises:
            BrokenEngineError: Nobody has named one.
        """
        if self._configured is not None:
            return self._configured
        if self._seen is None:
            self._seen = self._read()
            self._kept = True
        return self._seen

    def keep(self, as_json: Callable[[Any], bytes]) -> None:
        """Write it down, where the configuration does not have it: in `final` nobody else does.

        Args:
            as_json: Reads a block whole, whatever its shape, as JSON.

        Raises:
            BrokenEngineError: The disk refused.
        """
        if self._configured is not None or self._kept or self._path is None:
            return
        block = self.block()
        content = {"schema": SCHEMA, "block": json.loads(as_json(block)), "shape": shape_of(block).as_json()}
        try:
            durable.replace(self._path, json.dumps(content, indent=1).encode() + b"\n")
        except OSError as error:
            raise BrokenEngineError(
                f"the genesis cannot be kept in {self._path} ({error}); mode final would not start without it"
            ) from error
        self._kept = True

    def _read(self) -> Any:
        if self._path is None or not self._path.is_file():
            raise BrokenEngineError(
                "no genesis is known: the configuration names none, and none was kept from the node's own"
                " engine; a start with that engine (rollback) keeps it"
            )
        try:
            raw = self._path.read_bytes()
            if len(raw) > LARGEST:
                raise ValueError(f"it has {len(raw)} bytes")
            saved = json.loads(raw)
            return shape_from(saved["shape"]).make(saved["block"])
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            ImportError,
            AttributeError,
            RecursionError,
        ) as error:
            raise BrokenEngineError(f"the genesis kept in {self._path} cannot be read: {error!r}") from error

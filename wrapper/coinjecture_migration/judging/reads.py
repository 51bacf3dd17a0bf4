"""The part of the engine surface that needs no policy: reads, handed to the engine that answers."""

from __future__ import annotations

from typing import Any

from coinjecture_migration.engines.active import ActiveEngines


class AnsweringReads:
    """Hands every read to the answering engine of the engines in force, without the judging lock."""

    @property
    def _active(self) -> ActiveEngines:
        raise NotImplementedError

    @property
    def _node_storage(self) -> Any:
        raise NotImplementedError

    @property
    def config(self) -> Any:
        """The configuration the engines were built with."""
        return self._active.answering.engine.config

    @property
    def storage(self) -> Any:
        """The node's storage itself, not what the engines see of it."""
        return self._node_storage

    @property
    def problem_registry(self) -> Any:
        """The node's problem registry."""
        return self._active.answering.engine.problem_registry

    @property
    def metrics_engine(self) -> Any:
        """What the node gave as metrics engine, or None."""
        return getattr(self._active.answering.engine, "metrics_engine", None)

    @property
    def block_tree(self) -> Any:
        """Mapping of block hash to node."""
        return self._active.answering.engine.block_tree

    @property
    def best_tip(self) -> Any:
        """The best tip's node."""
        return self._active.answering.engine.best_tip

    @property
    def genesis_block(self) -> Any:
        """The genesis block."""
        return self._active.answering.engine.genesis_block

    def get_best_tip(self) -> Any:
        """The best tip's block."""
        return self._active.answering.engine.get_best_tip()

    def get_chain_from_genesis(self, tip_hash: Any = None) -> list[Any]:
        """Blocks from genesis to a tip, oldest first; to the best tip where none is named."""
        chain: list[Any] = self._active.answering.engine.get_chain_from_genesis(tip_hash)
        return chain

    def is_finalized(self, block_hash: Any) -> bool:
        """Whether a block lies `confirmation_depth` or more below the tip."""
        return bool(self._active.answering.engine.is_finalized(block_hash))

    def __getattr__(self, name: str) -> Any:
        """What only the deployed legacy engine has (`docs/engine-surface.md`); in `final` it is gone."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._active.answering.engine, name)

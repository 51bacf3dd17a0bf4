"""What watches a node besides the comparison of each call: the fork sentinel and the self-check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from coinjecture_migration.api_shape import ApiShape
from coinjecture_migration.engines.active import ActiveEngines
from coinjecture_migration.engines.loader import EngineLoader
from coinjecture_migration.evidence.evidence import Evidence
from coinjecture_migration.runtime.alerts import Alerts
from coinjecture_migration.settings import Settings
from coinjecture_migration.watchers.chain_view import ChainView
from coinjecture_migration.watchers.self_check import SelfCheck
from coinjecture_migration.watchers.sentinel import Sentinel

DEPTH = 20
"""Confirmation depth of a network whose configuration names none."""


class Watchers:
    """Both watchers, and the view of the chain that one of them and the evidence need.

    Args:
        settings: Peers, folders, how often.
        loader: Builds engines.
        active: Gives the engines in force.
        evidence: Where they keep what they find.
        alerts: Told of it.
        latched_now: Told after one of them has latched.
    """

    def __init__(
        self,
        settings: Settings,
        loader: EngineLoader,
        active: Callable[[], ActiveEngines],
        evidence: Evidence,
        alerts: Alerts,
        latched_now: Callable[[], None],
    ) -> None:
        self._active = active
        self._depth = int(getattr(loader.config, "confirmation_depth", DEPTH))
        self._view = ChainView(self._depth)
        self.sentinel = Sentinel(
            settings.peers,
            self._own,
            evidence,
            alerts,
            settings.node,
            settings.forks_dir,
            settings.sentinel_seconds,
            latched_now,
            shape=ApiShape.of(settings.api_shape),
        )
        self.self_check = SelfCheck(
            loader,
            active,
            evidence,
            alerts,
            settings.pin_profile,
            settings.determinism_seconds,
            settings.determinism_pause,
            latched_now,
        )

    def start(self) -> None:
        """Begin to watch."""
        self.sentinel.start()
        self.self_check.start()

    def close(self) -> None:
        """Stop watching."""
        self.sentinel.close()
        self.self_check.close()

    def chain(self) -> Mapping[str, Any]:
        """The chain as the evidence keeps it."""
        return self._view.look(self._active().answering)

    def unacknowledged(self) -> list[dict[str, str]]:
        """What they have latched, each with its kind and in words."""
        found = []
        if fork := self.sentinel.latched:
            found.append(
                {"kind": "fork", "why": f"another block at height {fork['height']} of {fork['peer']}"}
            )
        if words := self.self_check.found():
            found.append({"kind": "determinism", "why": words})
        return found

    def ensure(self) -> None:
        """Start again what has no thread."""
        self.sentinel.thread.ensure()
        self.self_check.thread.ensure()

    def latched(self) -> dict[str, Any]:
        """What they have latched, by kind."""
        found = {"fork": self.sentinel.latched, "determinism": self.self_check.latched()}
        return {kind: dict(what) for kind, what in found.items() if what}

    def restore(self, latched: Mapping[str, Any]) -> list[str]:
        """Latch what another place has kept and the evidence has not. Returns the kinds."""
        restored = sorted({"fork", "determinism"} & set(latched) - set(self.latched()))
        for kind in restored:
            (self.sentinel if kind == "fork" else self.self_check).restore(latched[kind])
        return restored

    @contextmanager
    def acknowledged(self, who: str, why: str) -> Iterator[Mapping[str, Any]]:
        """The facts that take off what they have latched, to be written while neither latches anew."""
        with self.sentinel.acknowledged(who, why) as fork, self.self_check.acknowledged() as determinism:
            yield {**fork, **determinism}

    def _own(self) -> tuple[Mapping[str, Any], Callable[[str], Any]]:
        """A view of its own: the evidence's thread looks at the same time."""
        engine = self._active().answering
        return ChainView(self._depth).look(engine), lambda key: getattr(engine.node(key), "block", None)

"""The fork sentinel: does every peer have the same block at a height that no reorganisation reaches?

It asks over the API that is there, from a thread of its own, and never touches the path of a block. Two
nodes cannot vote on who is right: it repairs nothing. It latches, says so, and keeps both sides.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from coinjecture_migration.api_shape import AnswerError, ApiShape
from coinjecture_migration.evidence.evidence import Evidence
from coinjecture_migration.evidence.findings import write_finding
from coinjecture_migration.runtime.alerts import Alerts
from coinjecture_migration.runtime.periodic import Periodic

log = logging.getLogger("coinjecture.migration")

FACT = "sentinel"
ASK_SECONDS = 5.0
LARGEST_ANSWER = 8 * 2**20
MAX_DUMPS = 50
LONGEST_HASH = 128
"""It is kept in the evidence and told in alerts."""

Fetch = Callable[[str], Any]
Own = Callable[[], tuple[Mapping[str, Any], Callable[[str], Any]]]


def fetch_json(url: str) -> Any:
    """GET a peer's answer as JSON, past every proxy.

    Raises:
        OSError, ValueError: No answer in time, an error status, or no JSON of a bearable size.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=ASK_SECONDS) as answer:
        body = answer.read(LARGEST_ANSWER + 1)
    if len(body) > LARGEST_ANSWER:
        raise ValueError(f"an answer of more than {LARGEST_ANSWER} bytes")
    return json.loads(body)


class Sentinel:
    """Compares fingerprints with the peers'; what it finds is the fact `sentinel` of the evidence.

    Args:
        peers: Base URLs of the peers' APIs.
        own: Gives this node's view of its chain (`chain_view`) and a way to a block by its hash.
        evidence: Where what it finds is kept; a latch survives restarts there.
        alerts: Told once of a fork.
        node: This node's name.
        folder: Where both sides of a fork are written.
        every: Seconds between two looks.
        latched_now: Told after it has latched, so that it is kept elsewhere too.
        fetch: Gets JSON from a URL.
        now: Seconds since the epoch.
        shape: How the peers' APIs are read.
    """

    def __init__(
        self,
        peers: Sequence[str],
        own: Own,
        evidence: Evidence,
        alerts: Alerts,
        node: str,
        folder: Path,
        every: float,
        latched_now: Callable[[], None] = lambda: None,
        fetch: Fetch = fetch_json,
        now: Callable[[], float] = time.time,
        shape: ApiShape | None = None,
    ) -> None:
        self._shape = shape or ApiShape()
        self._peers, self._own, self._evidence, self._alerts = tuple(peers), own, evidence, alerts
        self._node, self._folder = node, folder
        self._latched_now, self._fetch, self._now = latched_now, fetch, now
        self._fact = threading.Lock()
        self._suspected: set[tuple[str, str, str]] = set()
        self.thread = Periodic("sentinel", every, self.look)

    @property
    def latched(self) -> Mapping[str, Any] | None:
        """The fork that nobody has acknowledged yet."""
        known = self._evidence.fact(FACT)
        return (known or {}).get("latched")

    def start(self) -> None:
        """Begin to look, if there is anybody to ask."""
        if self._peers:
            self.thread.start()

    def close(self) -> None:
        """Stop looking; an answer that is under way is not waited for."""
        self.thread.close()

    def restore(self, latched: Mapping[str, Any]) -> None:
        """Latch again what another place has kept."""
        with self._fact:
            known = self._evidence.fact(FACT) or {"checked_at": latched["at"], "peers": {}}
            self._evidence.set_fact(FACT, {**known, "latched": dict(latched)})

    @contextmanager
    def acknowledged(self, who: str, why: str) -> Iterator[Mapping[str, Any]]:
        """The facts that take the latch off, to be written while nothing new is found.

        A fork that is still there latches again at the second look from then on.
        """
        with self._fact:
            known = self._evidence.fact(FACT)
            if not known or not known.get("latched"):
                yield {}
                return
            acknowledged = {"at": self._now(), "who": who, "why": why}
            yield {FACT: {**known, "latched": None, "acknowledged": acknowledged}}
            self._suspected.clear()

    def look(self) -> None:
        """Ask every peer once, and remember what it said."""
        view, block_of = self._own()
        answers = {peer: self._ask(peer, view) for peer in self._peers}
        suspected = {
            (peer, str(said["height"]), str(said["hash"]))
            for peer, said in answers.items()
            if said["agrees"] is False
        }
        again = suspected & self._suspected
        self._suspected = suspected
        fork = None
        if again and self.latched is None:
            peer, height, theirs = sorted(again)[0]
            fork = self._latch(peer, height, theirs, view, block_of, answers[peer])
        known = {
            peer: {name: said[name] for name in ("height", "hash", "agrees", "error")}
            for peer, said in answers.items()
        }
        with self._fact:
            before = self._evidence.fact(FACT) or {}
            latched = fork or before.get("latched")
            found = {"checked_at": self._now(), "peers": known, "latched": latched}
            self._evidence.set_fact(FACT, {**before, **found})
        if fork is not None:
            self._latched_now()

    def _ask(self, peer: str, view: Mapping[str, Any]) -> dict[str, Any]:
        """What a peer has at the highest of our fingerprints that lies deep enough in its chain too."""
        said: dict[str, Any] = {"height": None, "hash": None, "agrees": None, "error": None, "block": None}
        for height, ours in sorted(view["fingerprints"].items(), key=lambda item: -int(item[0])):
            try:
                url = self._shape.url(peer, "block", height)
                answer = self._fetch(url)
                theirs = self._shape.value(answer, "hash", url)
                depth = self._depth(answer, peer, int(height), url)
                if not isinstance(theirs, str) or len(theirs) > LONGEST_HASH:
                    raise ValueError(f"its hash is no text of at most {LONGEST_HASH} characters")
                if not isinstance(depth, int) or depth < view["lag"]:
                    continue
            except Exception as error:  # a peer may answer anything at all
                said["error"] = f"{type(error).__name__}: {error}"[:200]
                continue
            said |= {"height": int(height), "hash": theirs, "agrees": theirs == ours, "error": None}
            said["block"] = self._content(answer)
            break
        return said

    def _depth(self, answer: Any, peer: str, height: int, url: str) -> Any:
        """How many blocks a peer has above one of its blocks; its newest is asked where it does not say."""
        if self._shape.depth:
            return self._shape.value(answer, "depth", url)
        newest = self._shape.url(peer, "latest")
        return self._shape.value(self._fetch(newest), "height", newest) - height

    def _content(self, answer: Any) -> Any:
        """The block of an answer; None where it does not hold one, as only its hash has to be there."""
        try:
            return self._shape.value(answer, "content", "")
        except AnswerError:
            return None

    def _latch(
        self,
        peer: str,
        height: str,
        theirs: str,
        view: Mapping[str, Any],
        block_of: Callable[[str], Any],
        said: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Write both sides to a file and say so."""
        ours = view["fingerprints"].get(height)
        fork = {"at": self._now(), "peer": peer, "height": int(height), "own": ours, "peers": theirs}
        content = {
            "schema": 1,
            "node": self._node,
            **fork,
            "own_chain": dict(view),
            "own_block": _plain(block_of(str(ours))),
            "peer_block": said["block"],
        }
        name = write_finding(self._folder, content, MAX_DUMPS)
        fork["dump"] = f"{self._folder.name}/{name}" if name else None
        self._alerts.add("fork", "FORK: this node and a peer have different blocks", **fork)
        self._alerts.deliver()
        return fork


def _plain(block: Any) -> Any:
    """A block as JSON takes it, whatever its class."""
    return json.loads(json.dumps(block, default=lambda value: getattr(value, "__dict__", repr(value))))

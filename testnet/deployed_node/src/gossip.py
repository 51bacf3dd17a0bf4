"""Pushing to a peer: a thread and a queue for each, so that a peer that is away holds nothing up."""

import queue
import threading
import time
from typing import Any

import wire

ALIVE_FOR = 15.0
"""Seconds after its last answer that a peer counts as connected."""
IDLE = 5.0
"""Seconds without a message after which a peer is asked whether it is there."""


class Peer(threading.Thread):
    """One peer; what it does not take is lost, and it asks for it later.

    Args:
        url: Its API.
    """

    def __init__(self, url: str) -> None:
        super().__init__(name=f"peer {url}", daemon=True)
        self.url = url
        self._messages: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=1000)
        self._answered = 0.0

    @property
    def connected(self) -> bool:
        """Whether it has answered lately."""
        return time.monotonic() - self._answered < ALIVE_FOR

    def send(self, path: str, body: Any) -> None:
        """Send JSON to one of its paths, in order, as soon as it can be; dropped where the queue is full."""
        try:
            self._messages.put_nowait((path, body))
        except queue.Full:
            print(f"{self.url} is too slow, a message is dropped")

    def run(self) -> None:
        """Push until the process ends."""
        while True:
            try:
                path, body = self._messages.get(timeout=IDLE)
            except queue.Empty:
                path, body = "/health", None
            try:
                if body is None:
                    wire.get(self.url + path)
                else:
                    wire.post(self.url + path, body)
                self._answered = time.monotonic()
            except (OSError, ValueError) as error:
                print(f"{self.url}{path}: {error}")

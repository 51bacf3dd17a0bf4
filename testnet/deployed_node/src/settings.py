"""The node's `config.json`: `network_id`, `port`, `peers`, `mining`, `max_headers_per_second`."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """What a node is told.

    Attributes:
        network_id: The network; the genesis is derived from it.
        url: Its own API, as its peers reach it.
        port: Where that API listens.
        peers: URLs of the other nodes' APIs.
        max_headers_per_second: The engine's limit; 0 for none.
        mining: Whether blocks are mined.
        min_interval_s: Seconds from block to block at least, solving included.
        max_interval_s: At most.
    """

    network_id: str
    url: str
    port: int
    peers: tuple[str, ...]
    max_headers_per_second: int = 100
    mining: bool = True
    min_interval_s: float = 8.0
    max_interval_s: float = 12.0


def read_settings(path: Path) -> Settings:
    """Read the file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no JSON.
        TypeError: It has another form.
    """
    given = json.loads(path.read_text(encoding="utf-8"))
    return Settings(**{**given, "peers": tuple(given["peers"])})

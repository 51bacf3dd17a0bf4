"""How a node's HTTP API answers: a small set of paths is asked on this host, and its shape follows from them.

Asked is with GET alone, and nothing that answers is followed elsewhere. What the reference node has is tried
first, so that an API that can be read as it stands needs no setting.
"""

from __future__ import annotations

import http.client
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .api_shape import HEIGHT, ApiShape
from .bounded_reader import UnreadableError, parse_json

HEALTH = ("/health", "/v1/health", "/healthz", "/status", "/v1/status")
LATEST = (
    *("/v1/data/block/latest", "/v1/block/latest", "/v1/blocks/latest", "/v1/chain/latest"),
    *("/blocks/latest", "/block/latest", "/latest"),
)
PEERS = ("/v1/peers", "/v1/network/peers", "/network/peers", "/peers")
WELL = ("ok", "healthy", "up", "running")
"""What a service says of itself while it is well."""
HEIGHTS = ("height", "index", "block_height", "block_index", "number")
HASHES = ("hash", "block_hash")
TIMES = ("received_at", "timestamp", "created_at", "time")
PEER_LISTS = ("peers", "peer_count", "count", "connected_peers", "total")
SECONDS = 5.0
MAX_ANSWER = 1024 * 1024
NESTED = 3

Ask = Callable[[str], Any]
"""What a path answers with status 200 as JSON, None for anything else."""


def asking(port: int, address: str = "127.0.0.1") -> Ask:
    """A way to ask the API at a port of this host."""

    def ask(path: str) -> Any:
        connection = http.client.HTTPConnection(address, port, timeout=SECONDS)
        try:
            connection.request("GET", path, headers={"Connection": "close", "Accept": "application/json"})
            answer = connection.getresponse()
            content = answer.read(MAX_ANSWER + 1)
            if answer.status != 200 or len(content) > MAX_ANSWER:
                return None
            return parse_json(content, path)
        except (OSError, http.client.HTTPException, UnreadableError, ValueError):
            return None
        finally:
            connection.close()

    return ask


def shape(ask: Ask) -> dict[str, Any] | None:
    """How an API is read, where it differs from the reference node's.

    Returns:
        ``stated`` as `ApiShape.of` takes it, ``paths`` (those that answered) and ``lacks`` (sentences about
        what it does not tell); None where nothing there tells a newest block.
    """
    for path in LATEST:
        answer = ask(path)
        if (found := _block_at(answer)) is not None:
            break
    else:
        return None
    stated: dict[str, Any] = {}
    lacks: list[str] = []
    height = _put(stated, answer, *found)
    block = path.replace("latest", HEIGHT)
    _differs(stated, "latest", path)
    _differs(stated, "block", block)
    paths = [path]
    if _block_at(ask(block.replace(HEIGHT, str(height)))) is None:
        lacks.append(f"{block.replace(HEIGHT, str(height))} has no block: none can be compared")
    else:
        paths.append(block)
    paths += [one for one in (_health(ask, stated, lacks), _peers(ask, stated, lacks)) if one]
    return {"stated": stated, "paths": paths, "lacks": lacks}


def _differs(stated: dict[str, Any], key: str, value: Any) -> None:
    if getattr(ApiShape(), key) != value:
        stated[key] = value


def _objects(answer: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The objects in an answer with their dotted keys, the outer ones first."""
    level = [("", answer)]
    for _ in range(NESTED):
        inner: list[tuple[str, Any]] = []
        for where, value in level:
            if isinstance(value, Mapping):
                yield where, value
                inner += [
                    (_under(where, str(name)), one) for name, one in value.items() if "." not in str(name)
                ]
        level = inner


def _under(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _block_at(answer: Any) -> tuple[str, Mapping[str, Any], str, str] | None:
    """Where an answer has a block: the object's key, the object, and the names of height and hash."""
    for where, value in _objects(answer):
        height = next((name for name in HEIGHTS if _whole(value.get(name))), None)
        digest = next((name for name in HASHES if isinstance(value.get(name), str)), None)
        if height and digest:
            return where, value, height, digest
    return None


def _put(
    stated: dict[str, Any], answer: Any, where: str, value: Mapping[str, Any], height: str, digest: str
) -> int:
    """State the keys of a block; returns its height."""
    _differs(stated, "height", _under(where, height))
    _differs(stated, "hash", _under(where, digest))
    inner = isinstance(value.get("block"), Mapping)
    content = _under(where, "block") if inner else where
    _differs(stated, "content", content)
    _differs(stated, "depth", _under(where, "depth") if _whole(value.get("depth")) else "")
    if ApiShape().first_time(answer) is None:
        times = [_under(where, name) for name in TIMES if _number(value.get(name))]
        if inner:
            times += [_under(content, name) for name in TIMES if _number(value["block"].get(name))]
        stated["time"] = times[0] if len(times) == 1 else times
    return int(value[height])


def _health(ask: Ask, stated: dict[str, Any], lacks: list[str]) -> str:
    for path in HEALTH:
        answer = ask(path)
        if isinstance(answer, Mapping):
            _differs(stated, "health", path)
            said = answer.get("status")
            _differs(stated, "health_status", said if said in WELL else "")
            return path
    lacks.append(f"none of {', '.join(HEALTH)} answers, so nothing tells whether the service is well")
    return ""


def _peers(ask: Ask, stated: dict[str, Any], lacks: list[str]) -> str:
    for path in PEERS:
        answer = ask(path)
        if isinstance(answer, list):
            stated["peer_count"] = ""
        elif (key := _peer_key(answer)) is not None:
            _differs(stated, "peer_count", key)
        else:
            continue
        _differs(stated, "peers", path)
        return path
    stated["peers"] = ""
    lacks.append(f"none of {', '.join(PEERS)} tells peers, so nobody asks for them")
    return ""


def _peer_key(answer: Any) -> str | None:
    for where, value in _objects(answer):
        for name in PEER_LISTS:
            if isinstance(value.get(name), list) or _whole(value.get(name)):
                return _under(where, name)
    return None

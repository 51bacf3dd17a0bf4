"""How a node's HTTP API is read: its paths, and where in an answer a value lies. Data, never code.

This one file is shipped to wrapper, plugins and metrics server, so it imports nothing of theirs;
`plugins/module_utils/api_shape.py` is a link to it. The defaults are the reference node's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

SETTING = "coinjecture_api_shape"
HEIGHT = "{height}"
_PATHS = ("health", "latest", "block", "peers")
_NEEDED = ("health", "latest", "block", "height", "hash")
_SHOWN = 8


class ShapeError(ValueError):
    """The mapping cannot be followed; the message names the key and what it may be."""


class AnswerError(ValueError):
    """An answer lacks what the mapping says it has; the message names URL and key."""


@dataclass(frozen=True)
class ApiShape:
    """Paths below the API's URL, and dotted keys: `data.index` is `index` of the object `data`.

    Attributes:
        health: Path that answers while the service is well.
        latest: Path of the newest block of the best chain.
        block: Path of a block of the best chain, with `{height}`.
        peers: Path of the peers; empty where the node tells none.
        health_status: What the answer of `health` says as its `status`; empty where any answer will do.
        height: Key of a block's height, a whole number.
        hash: Key of its hash, a text.
        depth: Key of how many blocks lie above it; empty where that is counted from the newest one.
        content: Key of the block itself; empty where it is the whole answer.
        time: Keys of when it came or was made, in seconds since the epoch; the first that is one is taken.
        peer_count: Key of the peers, as a list or as their number; empty where that is the whole answer.
    """

    health: str = "/health"
    latest: str = "/v1/data/block/latest"
    block: str = f"/v1/data/block/{HEIGHT}"
    peers: str = "/v1/peers"
    health_status: str = "ok"
    height: str = "height"
    hash: str = "hash"
    depth: str = "depth"
    content: str = "block"
    time: tuple[str, ...] = ("received_at", "timestamp", "block.timestamp")
    peer_count: str = "peers"

    @classmethod
    def of(cls, stated: Mapping[str, Any]) -> ApiShape:
        """The shape that a mapping states; what it leaves out is as the reference node has it.

        Raises:
            ShapeError: An unknown key, or a value that cannot be meant.
        """
        if not isinstance(stated, Mapping):
            raise ShapeError(f"{SETTING} is {stated!r}, must be a mapping")
        for key, value in stated.items():
            if key not in KEYS:
                raise ShapeError(f"{SETTING} has the unknown key {key!r}; known are {', '.join(KEYS)}")
            if wanted := _unlike(key, value):
                raise ShapeError(f"{SETTING}: {key} is {value!r}, must be {wanted}")
        return cls(**{key: _plain(key, value) for key, value in stated.items()})

    def url(self, base: str, name: str, height: int | str | None = None) -> str:
        """URL of a path of `base`; `block` is asked with a height."""
        path: str = getattr(self, name)
        return base.rstrip("/") + (path if height is None else path.replace(HEIGHT, str(height)))

    def value(self, answer: Any, name: str, url: str) -> Any:
        """What an answer has under a key of the shape.

        Raises:
            AnswerError: It has not; `url` is named in the message.
        """
        key: str = getattr(self, name)
        found, where = answer, list[str]()
        for part in key.split(".") if key else []:
            if not isinstance(found, Mapping) or part not in found:
                place = f"{'.'.join(where)} there" if where else "the answer"
                lacks = f"{url} answers without {key!r}, which {SETTING} has as {name}"
                raise AnswerError(f"{lacks}: {place} {_described(found)}")
            found = found[part]
            where.append(part)
        return found

    def first_time(self, answer: Any) -> Any:
        """The first of the `time` keys that an answer has a number under, or None."""
        for key in self.time:
            found = answer
            for part in key.split("."):
                found = found.get(part) if isinstance(found, Mapping) else None
            if isinstance(found, int | float) and not isinstance(found, bool) and abs(found) < float("inf"):
                return float(found)
        return None


KEYS = tuple(one.name for one in fields(ApiShape))

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        **{key: {"type": "string"} for key in KEYS if key != "time"},
        **{key: {"type": "string", "minLength": 1} for key in _NEEDED},
        **{key: {"type": "string", "pattern": "^/"} for key in ("health", "latest")},
        "block": {"type": "string", "pattern": r"^/.*\{height\}"},
        "peers": {"type": "string", "pattern": "^(/|$)"},
        "time": {
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string", "minLength": 1}}]
        },
    },
    "additionalProperties": False,
}
"""JSON Schema of what may be stated."""


def _unlike(key: str, value: Any) -> str:
    """What a value would have to be, or an empty text where it is that."""
    if key == "time" and isinstance(value, list | tuple):
        return "" if all(isinstance(one, str) and one for one in value) else "dotted keys"
    if not isinstance(value, str):
        return "a text"
    if key in _PATHS and value and not value.startswith("/"):
        return "a path that begins with /"
    if key == "block" and HEIGHT not in value:
        return f"a path with {HEIGHT}"
    return "given" if key in _NEEDED and not value else ""


def _plain(key: str, value: Any) -> Any:
    if key != "time":
        return value
    return tuple(value) if not isinstance(value, str) else ((value,) if value else ())


def _described(found: Any) -> str:
    """What lies where a key was looked for, cut to a bearable length: it is a stranger's."""
    if not isinstance(found, Mapping):
        return f"is no object but {type(found).__name__}"
    names = sorted(repr(name)[:40] for name in found)
    return f"has {', '.join(names[:_SHOWN])}" if names else "is empty"

"""What the guard is asked to do, read from one JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, cast, get_args

How = Literal["seamless", "forced", "plain"]
HOWS: tuple[How, ...] = get_args(How)

RUN_DIR = Path("/run/coinjecture-restart")
"""Program, settings and state of the operation; the service manager removes it when the guard has ended."""


_KINDS = ("from", "content", "link", "absent")


class SettingsError(ValueError):
    """A setting is missing, unknown or of the wrong kind; the text names it."""


@dataclass(frozen=True)
class Change:
    """One path that is changed while the service is down.

    Attributes:
        path: What is changed.
        source: A file whose content it gets. A file that exists keeps its owner and mode, a new one gets the
            source's.
        content: The text that it gets. A file that exists keeps its owner and mode; a new one is its folder's
            owner's, with the mode 0600.
        link: What it becomes a symbolic link to.
        absent: That it is removed.
    """

    path: str
    source: str | None = None
    content: str | None = None
    link: str | None = None
    absent: bool = False

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Change:
        """Read a path with one of `from`, `content` `link`, `absent: true`.

        Raises:
            SettingsError: It is none of the four.
        """
        if not isinstance(value, Mapping):
            raise SettingsError(f"a change is an object, not {value!r}")
        kinds = [key for key in _KINDS if value.get(key) not in (None, False)]
        if len(kinds) != 1 or set(value) - {"path", *_KINDS}:
            raise SettingsError(
                f"a change has a path and one of {', '.join(_KINDS)}; this one has {sorted(value)}"
            )
        for key in ("from", "content", "link", "owner"):
            if not isinstance(value.get(key), str | None):
                raise SettingsError(f"{key} of a change is a text, not {value[key]!r}")
        if not isinstance(value.get("absent"), bool | None):
            raise SettingsError(f"absent of a change is true or false, not {value['absent']!r}")
        path = value.get("path")
        if not isinstance(path, str) or not path.startswith("/"):
            raise SettingsError(f"the path of a change is absolute; this one is {path!r}")
        return cls(
            path,
            source=value.get("from"),
            content=value.get("content"),
            link=value.get("link"),
            absent=value.get("absent") is True,
        )


@dataclass(frozen=True)
class Settings:
    """The operation that is asked for; times are seconds.

    Attributes:
        unit: The service's unit.
        port: The TCP port it serves plain HTTP/1.1 on, on every IPv4 address of the host.
        path: What is asked of it to see that it serves; the answer's status is 2xx.
        api_unit: The unit that serves users where it is another one; empty where the inventory says none.
        control: The wrapper's control socket, which no user asks.
        settle: How long a unit that serves no user has to run before it counts as started.
        how: `seamless`, `forced` (as seamless, and direct connections that do not drain are cut) or `plain`.
        reason: Why, in words for the operator.
        drain_limit: How long direct connections have to end by themselves.
        flight_limit: How long requests under way in the detour have to end before the restart.
        start_limit: How long the service may take until it serves again.
        linger_limit: How long clients that keep an idle connection through the detour may keep it.
        client_address: Whether the service is to see its clients' addresses meanwhile, not 127.0.0.1.
        detour_port: The loopback port that the detour listens on.
        meanwhile: Changes made while the service is down.
        put_back: Changes that bring the old code back where the new one does not start.
    """

    unit: str
    port: int
    path: str
    api_unit: str = ""
    control: str = ""
    settle: float = 5.0
    how: How = "seamless"
    reason: str = ""
    drain_limit: float = 90.0
    flight_limit: float = 10.0
    start_limit: float = 120.0
    linger_limit: float = 300.0
    client_address: bool = False
    detour_port: int = 18080
    meanwhile: tuple[Change, ...] = ()
    put_back: tuple[Change, ...] = ()

    @property
    def longest(self) -> float:
        """Seconds after which the operation is over in any case, with the old code put back."""
        return self.drain_limit + self.flight_limit + 2 * self.start_limit + 60.0


_CHANGES = ("meanwhile", "put_back")
_SECONDS = ("drain_limit", "flight_limit", "start_limit", "linger_limit", "settle")


def parse(text: str) -> Settings:
    """Read settings.

    Raises:
        SettingsError: One is missing, unknown or of the wrong kind.
    """
    values = json.loads(text)
    if not isinstance(values, dict):
        raise SettingsError("settings are one JSON object")
    unknown = set(values) - {field.name for field in fields(Settings)}
    missing = {"unit", "port", "path"} - set(values)
    if unknown or missing:
        raise SettingsError(f"unknown settings: {sorted(unknown)}; missing ones: {sorted(missing)}")
    for name in _CHANGES:
        if not isinstance(values.get(name, []), list):
            raise SettingsError(f"{name} is a list of changes, not {values[name]!r}")
        values[name] = tuple(Change.read(change) for change in values.get(name, ()))
    for name in _SECONDS:
        if name in values:
            values[name] = _seconds(name, values[name])
    if values.get("how", "seamless") not in HOWS:
        raise SettingsError(f"how is one of {', '.join(HOWS)}, not {values['how']!r}")
    for name in ("port", "detour_port"):
        if name in values and not (type(values[name]) is int and 0 < values[name] < 65536):
            raise SettingsError(f"{name} is a port number, not {values[name]!r}")
    for name in ("unit", "path", "reason", "api_unit", "control"):
        if not isinstance(values.get(name, ""), str):
            raise SettingsError(f"{name} is a text, not {values[name]!r}")
    if not isinstance(values.get("client_address", False), bool):
        raise SettingsError(f"client_address is true or false, not {values['client_address']!r}")
    if not values["path"].startswith("/"):
        raise SettingsError(f"path begins with a slash; this one is {values['path']!r}")
    return Settings(**cast(dict[str, Any], values))


def _seconds(name: str, value: Any) -> float:
    """A positive number of seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 3600:
        raise SettingsError(f"{name} is a number of seconds up to 3600, not {value!r}")
    return float(value)


def read(path: Path = RUN_DIR / "settings.json") -> Settings:
    """Read the settings of the operation from its file."""
    return parse(path.read_text(encoding="utf-8"))

"""Which proxies stand before a port, read from the text of their configurations: nginx and HAProxy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path

from .bounded_reader import UnreadableError, read_text

NGINX = "/etc/nginx/nginx.conf"
HAPROXY = ("/etc/haproxy/haproxy.cfg", "/etc/haproxy/conf.d/*.cfg")
MAX_CONFIGURATION = 1024 * 1024
MAX_CONFIGURATIONS = 200
Open = Callable[[str], str]
Find = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class Forwarded:
    """A port that a proxy takes and hands on.

    Attributes:
        proxy: ``nginx`` or ``haproxy``.
        file: The configuration that says so.
        listen: The port that users reach.
        path: The paths that it is for, as nginx has them; empty for all.
        target: Where it goes: ``host:port``, or ``unix:`` and a path.
    """

    proxy: str
    file: str
    listen: int
    path: str
    target: str


def forwarded(open_: Open | None = None, find: Find = glob) -> tuple[list[Forwarded], list[str]]:
    """What the proxies of this host hand on, and sentences about configurations that cannot be read."""
    complaints: list[str] = []

    def opened(path: str) -> str:
        try:
            return (open_ or _open)(path)
        except FileNotFoundError:
            return ""
        except (OSError, UnreadableError) as error:
            complaints.append(f"{path}: {error}")
            return ""

    found = list(_nginx(opened, find))
    for pattern in HAPROXY:
        for path in sorted(find(pattern)):
            found += _haproxy(path, opened(path))
    return found, complaints


def _open(path: str) -> str:
    text: str = read_text(Path(path).resolve(), MAX_CONFIGURATION)
    return text


# nginx


@dataclass
class _Block:
    """A block of nginx: its words, the directives in it, and the blocks in it."""

    words: list[str]
    file: str
    directives: list[list[str]] = field(default_factory=list)
    blocks: list[_Block] = field(default_factory=list)

    def all(self, name: str) -> Iterator[_Block]:
        """Every block of a kind in it, however deep."""
        waiting = list(self.blocks)
        while waiting:
            one = waiting.pop(0)
            if one.words[:1] == [name]:
                yield one
            waiting += one.blocks

    def values(self, name: str) -> list[list[str]]:
        """What follows a directive, each time that it stands here."""
        return [words[1:] for words in self.directives if words[0] == name]


def _nginx(opened: Open, find: Find) -> Iterator[Forwarded]:
    whole = _Block([], NGINX)
    _read(NGINX, whole, opened, find, [])
    upstreams = {
        one.words[1]: [words[0] for words in one.values("server") if words]
        for one in whole.all("upstream")
        if len(one.words) > 1
    }
    for server in whole.all("server"):
        ports = [port for words in server.values("listen") if words and (port := _port(words[0]))] or [80]
        stream = server.values("proxy_pass")
        places = [
            ("", stream),
            *((" ".join(one.words[1:]), one.values("proxy_pass")) for one in server.all("location")),
        ]
        for path, passed in places:
            for words in passed:
                for target in _targets(words[0] if words else "", upstreams):
                    yield from (Forwarded("nginx", server.file, port, path, target) for port in ports)


def _read(path: str, into: _Block, opened: Open, find: Find, seen: list[str]) -> None:
    """Read a configuration and what it includes."""
    if path in seen or len(seen) >= MAX_CONFIGURATIONS:
        return
    seen.append(path)
    stack, words = [into], list[str]()
    for word in _words(opened(path)):
        if word == "{":
            stack[-1].blocks.append(_Block(words, path))
            stack.append(stack[-1].blocks[-1])
        elif word == "}":
            stack = stack[:-1] or [into]
        elif word != ";":
            words.append(word)
            continue
        elif words[:1] == ["include"] and len(words) > 1:
            pattern = words[1] if words[1].startswith("/") else f"{Path(NGINX).parent}/{words[1]}"
            for name in sorted(find(pattern)):
                _read(name, stack[-1], opened, find, seen)
        elif words:
            stack[-1].directives.append(words)
        words = []


def _words(text: str) -> Iterator[str]:
    for found in re.finditer(
        r"#[^\n]*|\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|[{};]|(?:\$\{|[^\s{};])+", text
    ):
        if not found.group().startswith("#"):
            yield next((one for one in found.groups() if one is not None), found.group())


def _port(listen: str) -> int:
    """The port of ``listen``; 80 where it names an address alone, 0 for a socket in the file system."""
    if listen.startswith("unix:"):
        return 0
    last = listen.rpartition(":")[2]
    if last.isdecimal():
        return int(last)
    return 80


def _targets(passed: str, upstreams: dict[str, list[str]]) -> list[str]:
    """Where ``proxy_pass`` goes: what a name stands for, with a port."""
    scheme, separator, rest = passed.partition("://")
    rest = rest if separator else passed
    if rest.startswith("unix:"):
        return [rest.split(":/", 1)[0] + ":/" + rest.split(":/", 1)[1].split(":")[0]] if ":/" in rest else []
    host = rest.split("/")[0]
    default = "443" if scheme == "https" else "80"
    named = upstreams.get(host, [host] if host else [])
    return [one if one.startswith("unix:") or ":" in one else f"{one}:{default}" for one in named]


# HAProxy


def _haproxy(path: str, text: str) -> Iterator[Forwarded]:
    """Every listen or frontend with the servers that it leads to."""
    sections: dict[tuple[str, str], list[list[str]]] = {}
    lines: list[list[str]] = []
    for raw in text.splitlines():
        words = raw.partition("#")[0].split()
        if (
            words
            and not raw[:1].isspace()
            and words[0] in ("global", "defaults", "listen", "frontend", "backend")
        ):
            lines = sections.setdefault((words[0], words[1] if len(words) > 1 else ""), [])
            if words[0] in ("listen", "frontend") and len(words) > 2:
                lines.append(["bind", words[2]])
        elif words:
            lines.append(words)
    for (kind, name), inner in sections.items():
        if kind not in ("listen", "frontend"):
            continue
        backends = [
            words[1] for words in inner if words[0] in ("default_backend", "use_backend") and len(words) > 1
        ]
        served = [inner] if kind == "listen" else []
        served += [sections.get(("backend", one), []) for one in dict.fromkeys(backends)]
        targets = [words[2] for one in served for words in one if words[0] == "server" and len(words) > 2]
        for words in inner:
            if words[0] == "bind" and len(words) > 1 and (port := _port(words[1])):
                yield from (Forwarded("haproxy", path, port, "", target) for target in targets)
        del name

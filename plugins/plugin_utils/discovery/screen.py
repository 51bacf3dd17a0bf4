"""What was found on a host, as lines for a person. Whoever prints them makes a stranger's text visible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .outcome import Outcome

WIDTH = 13


def lines(name: str, found: Mapping[str, Any], told: Outcome, refused: Sequence[str] = ()) -> list[str]:
    """The screen of one node.

    Args:
        name: Its name in the inventory.
        found: What the module ``discover_info`` tells.
        told: What follows.
        refused: What preflight says with these settings.
    """
    node = next((one for one in found["candidates"] if one["unit"] == told.unit), None)
    shown = [f"{name}, as it runs now; nothing was run or changed there", ""]
    for title, text in _facts(found, node, told):
        shown.append(f"  {title:<{WIDTH}} {text}")
    stated = [f"{one.name}: {_value(one.value)}   # {one.why}" for one in told.settings]
    shown += _part(
        "settings that differ from the defaults", stated, "none: the defaults fit" if node else "none"
    )
    shown += _part("will be refused", [*told.refused, *refused], "nothing that is seen from here")
    shown += _part("cannot be proved", told.unproved, "nothing that is seen from here")
    shown += _part("open: nothing is written before this has one answer", told.open, "")
    return shown


def _part(title: str, texts: Sequence[str], none: str) -> list[str]:
    told = list(dict.fromkeys(texts)) or ([none] if none else [])
    return ["", f"{title}:", *(f"  {text}" for text in told)] if told else []


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_value(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return str(value) if value != "" else '""'


def _facts(
    found: Mapping[str, Any], node: Mapping[str, Any] | None, told: Outcome
) -> Iterator[tuple[str, str]]:
    machine = found["machine"]
    yield (
        "machine",
        f"{machine['distribution']}, {machine['processor']}, {machine['processors']} processors, "
        f"{machine['memory_available'] / 1e6:.0f} MB of memory and {machine['disk_free'] / 1e9:.1f} GB free, "
        f"{machine['rustc'] or 'no rustc'}",
    )
    if node is None:
        for one in found["candidates"]:
            yield "candidate", f"{one['unit']}: {one['entry']}"
        return
    runs = "running" if node["active"] else "not running"
    yield "unit", f"{node['unit']}, {runs}, as {node['user']}, in {node['working']}"
    yield "interpreter", f"{node['python'] or 'not named'}, Python {node['version'] or 'of unknown version'}"
    yield "starts", f"{node['entry']}, which loads {node['loaded'] - 1} files of the node's own"
    for one in node["uses"]:
        makes = "makes the engine" if one["makes"] else "names the engine's type"
        where = ", ".join(map(str, one["lines"]))
        yield "imports", f"{one['path']}, line {where}: {', '.join(one['forms'])}, {one['engine']}; {makes}"
    for path, it in node["importers"].items():
        if path not in [one["path"] for one in node["uses"]]:
            for line, text in it["lines"][:1]:
                yield "importer", f"{path}, line {line}: {text}; the unit does not load it"
    yield from _engine(node, told)
    yield from _around(found, node)


def _engine(node: Mapping[str, Any], told: Outcome) -> Iterator[tuple[str, str]]:
    shape = node["shape"]
    if shape is None:
        yield "engine", f"no class ConsensusEngine in {node['src']}/consensus.py"
        return
    yield "engine", f"{node['src']}/consensus.py, line {shape['line']}: {', '.join(shape['methods'])}"
    yield "judges", told.engine
    private = [
        f"{name} ({path}, line {line})" for name, (path, line) in node["calls"].items() if name[0] == "_"
    ]
    if private:
        yield "private calls", ", ".join(private)
    if node["ours"]:
        yield "our names", f"{', '.join(node['ours'])} there already"


def _around(found: Mapping[str, Any], node: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for one in node["databases"]:
        tables = ", ".join(f"{table['name']} {table['rows']}" for table in one["tables"])
        yield "database", one["error"] or f"{one['path']}: {tables or 'no tables'}"
    listens = [_address(one) for one in node["sockets"]]
    yield "listens", ", ".join(listens) or "on no socket"
    variables = " ".join(f"{name}={value}" for name, value in node["python_variables"].items())
    yield "environment", variables or "nothing that steers Python"
    for one in found["related"]:
        state = "running" if one["active"] else "not running"
        sockets = ", ".join(_address(each) for each in one["sockets"])
        yield (
            "beside it",
            f"{one['unit']}, {state}, as {one['user']}{f', listens on {sockets}' if sockets else ''}",
        )
    for one in found["proxies"]:
        yield (
            "proxy",
            f"{one['proxy']} takes port {one['listen']} {one['path']} to {one['target']} ({one['file']})",
        )
    for one in found["apis"]:
        where = one["proxy"] or one["unit"]
        yield "API", f"port {one['port']} ({where}): {', '.join(one['paths'])}"
    for text in found["complaints"]:
        yield "not read", text


def _address(one: Mapping[str, Any]) -> str:
    return f"{one['address']}:{one['port']}" if one["port"] else str(one["address"])

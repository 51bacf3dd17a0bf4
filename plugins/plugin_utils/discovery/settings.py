"""The settings that follow from what a host tells of its node. A pure function; nothing is guessed.

Where more than one answer fits, each is named with what to type, and no setting follows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...module_utils.visible import visible
from .defaults import Defaults

TABLES = ("blocks", "headers")
"""Tables of which a chain's database has one."""
OF_ROOT = "/opt/coinjecture-migration"
"""Where root keeps what it has to own alone, where the node's folder is not root's."""
PLACES = {
    "coinjecture_releases": f"{OF_ROOT}/releases",
    "coinjecture_current": f"{OF_ROOT}/current",
    "migration_sealed": f"{OF_ROOT}/sealed",
}
"""Settings of such places, and what they are there."""
_TEMPLATE = re.compile(r"{{|{%|{#")


@dataclass(frozen=True)
class Setting:
    """A setting that differs from its default, with the reason in words."""

    name: str
    value: Any
    why: str


@dataclass
class Outcome:
    """What follows for one node.

    Attributes:
        unit: The unit that was chosen; empty where none could be.
        settings: Those that differ from their defaults, in the order in which they are stated.
        settled: Every setting that was found, by name, the defaults too.
        open: Questions without one answer, each with what to type; with any of them nothing is written.
        refused: What a step will refuse, and why.
        unproved: What cannot be proved of this node.
        engine: How the engine judges, in a sentence.
    """

    unit: str = ""
    engine: str = ""
    settings: list[Setting] = field(default_factory=list)
    settled: dict[str, Any] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    unproved: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Chosen:
    """What the operator has decided where more than one answer fits; empty where nothing was typed."""

    unit: str = ""
    database: str = ""
    port: int = 0


def outcome(
    found: Mapping[str, Any], defaults: Defaults, offered: Collection[str], chosen: Chosen | None = None
) -> Outcome:
    """The settings that follow, what is open, what will be refused, and what cannot be proved.

    Args:
        found: What the module ``discover_info`` tells.
        defaults: The defaults of the toolkit.
        offered: The names that the wrapper has in place of the engine's.
        chosen: What the operator has decided.
    """
    chosen = chosen or Chosen()
    told = Outcome()
    node = _one_unit(found, chosen.unit, told)
    if node is None:
        return told
    told.unit = node["unit"]
    state = _Settling(told, defaults)
    _of_unit(node, state)
    _of_places(found["not_roots"], state)
    _of_database(node, chosen.database, state)
    _of_api(found, node, chosen.port, state)
    _of_files(node, told)
    _of_engine(node, offered, state)
    return told


class _Settling:
    """Settings one after the other: a later default may be made of an earlier setting."""

    def __init__(self, told: Outcome, defaults: Defaults) -> None:
        self.told, self._defaults = told, defaults

    def default(self, name: str) -> Any:
        """What a setting would be without being stated."""
        return self._defaults.of(name, self.told.settled)

    def put(self, name: str, value: Any, why: str) -> None:
        """Settle a setting; it is stated only where it differs from its default, and something honours it."""
        if not self._defaults.knows(name):
            return
        if bad := _unusable(value):
            self.told.open.append(
                f"{name} would be {visible(value)!r}, and {bad}; give it another name on the node"
            )
            return
        if value != self.default(name):
            self.told.settings.append(Setting(name, value, why))
        self.told.settled[name] = value


def _unusable(value: Any) -> str:
    """Why a stranger's text is no setting: in an inventory it would be a template, or could not be seen."""
    if isinstance(value, Mapping):
        value = [*value.keys(), *value.values()]
    for one in value if isinstance(value, list | tuple) else [value]:
        if isinstance(one, list | tuple | Mapping) and (bad := _unusable(one)):
            return bad
        if isinstance(one, str) and _TEMPLATE.search(one):
            return "an inventory would take it for a template"
        if isinstance(one, str) and visible(one) != one:
            return "it has characters that cannot be seen"
    return ""


def _one_unit(found: Mapping[str, Any], name: str, told: Outcome) -> Mapping[str, Any] | None:
    candidates: Sequence[Mapping[str, Any]] = found["candidates"]
    if name:
        named = [one for one in candidates if one["unit"] == name]
        if not named:
            told.open.append(f"{name} makes no consensus engine; {_listed(candidates) or 'no unit does'}")
        return named[0] if named else None
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        told.open.append(
            f"{len(candidates)} units make a consensus engine: {_listed(candidates)}; "
            f"choose one: -e discover_unit={candidates[0]['unit']}"
        )
        return None
    told.open.append(
        "no unit runs a Python file that makes ConsensusEngine of a module consensus, itself or by what it "
        f"imports{_looked_at(found['programs'])}"
    )
    told.open += [
        f"not read: {text}" for one in found["programs"] for text in (*one["unread"], *one["unknown"])
    ]
    return None


def _listed(candidates: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{one['unit']} ({one['entry']})" for one in candidates)


def _looked_at(programs: Sequence[Mapping[str, Any]]) -> str:
    named = [f"{one['unit']} ({one['entry'] or 'its file was not found'})" for one in programs]
    return f"; looked at: {', '.join(named)}" if named else "; no unit runs Python of its own"


def _of_unit(node: Mapping[str, Any], state: _Settling) -> None:
    """Unit, user, folders, entry files and interpreter."""
    unit, entry = node["unit"], node["entry"]
    makes = sorted(node["makes"], key=lambda path: path != entry)
    state.put("coinjecture_unit", unit, f"it starts {entry}, and {_makes(makes, entry)}")
    state.put("coinjecture_user", node["user"], f"{unit} runs as this user")
    state.put("coinjecture_home", node["home"], "the folder of the node's programs")
    state.put(
        "coinjecture_src", node["src"], "consensus.py lies there, by what the programs put on their path"
    )
    state.put("coinjecture_entries", makes, f"{_makes(makes, entry)}; where it is imported is what is edited")
    others = [path for path, it in node["importers"].items() if it["lines"] and not node["edit"].get(path)]
    state.put("coinjecture_importers", others, "they import the legacy module too: brought along")
    if node["python"].startswith("/"):
        version = f", Python {node['version']}" if node["version"] else ""
        state.put("coinjecture_python", node["python"], f"{unit} starts it{version}")
    else:
        state.told.open.append(f"{unit} names no interpreter by its path; state coinjecture_python yourself")


def _makes(makes: Sequence[str], entry: str) -> str:
    return "that makes the engine" if list(makes) == [entry] else f"{', '.join(makes)} makes the engine"


def _of_places(not_roots: Mapping[str, str], state: _Settling) -> None:
    """Where root keeps what nobody else may change."""
    for name, place in PLACES.items():
        default = str(state.default(name))
        whys = [why for path, why in not_roots.items() if default == path or default.startswith(f"{path}/")]
        if whys:
            state.put(name, place, whys[0].partition(";")[0])


def _of_database(node: Mapping[str, Any], path: str, state: _Settling) -> None:
    told = state.told
    databases = node["databases"]
    told.unproved += [one["error"] for one in databases if one["error"]]
    if path:
        fitting = [one for one in databases if one["path"] == path]
        if not fitting:
            told.open.append(f"{path} is no SQLite file that was found; found were {_paths(databases)}")
    else:
        fitting = [one for one in databases if {table["name"] for table in one["tables"]} & set(TABLES)]
    if len(fitting) == 1:
        one = fitting[0]
        tables = ", ".join(f"{table['name']} ({_rows(table['rows'])})" for table in one["tables"])
        state.put("coinjecture_database", one["path"], f"an SQLite file with the tables {tables}")
        state.put("coinjecture_log_query", one["log_query"], one["log_why"])
        if not one["log_query"]:
            told.unproved.append(
                f"{one['path']} is no log of blocks ({one['log_why']}): stored blocks cannot be replayed, "
                "and after a restart the tree is what the node itself rebuilds"
            )
    elif fitting:
        told.open.append(
            f"several SQLite files could hold the chain: {_paths(fitting)}; "
            f"choose one: -e discover_database={fitting[0]['path']}"
        )
    elif not path:
        told.open.append(
            f"no SQLite file of a chain was found, with a table {' or '.join(TABLES)}; found: "
            f"{_paths(databases)}; name it: -e discover_database=PATH"
        )


def _paths(databases: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(one["path"] for one in databases) or "there is none"


def _rows(rows: int | None) -> str:
    return "too many rows to count" if rows is None else f"{rows} rows"


def _of_api(found: Mapping[str, Any], node: Mapping[str, Any], port: int, state: _Settling) -> None:
    """Where users ask, and how what they get is read."""
    told, one = state.told, _one_api(found["apis"], port, state.told)
    if one is None:
        return
    itself = f"{one['unit']} listens there"
    whose = f"{one['proxy']} takes it and hands it to {one['unit']}" if one["proxy"] else itself
    state.put("coinjecture_api_port", one["port"], f"{whose}, and it tells the newest block")
    state.put("coinjecture_api_unit", "" if one["unit"] == node["unit"] else one["unit"], "it serves users")
    state.put("coinjecture_api_shape", one["stated"], f"as {', '.join(one['paths'])} answer")
    told.unproved += [f"API at port {one['port']}: {text}" for text in one["lacks"]]
    if one["loopback"]:
        told.refused.append(
            f"port {one['port']} listens on loopback alone, so no other node asks there, and preflight will "
            "say that this node does not answer; open it, or name another address in coinjecture_api"
        )


def _one_api(apis: Sequence[Mapping[str, Any]], port: int, told: Outcome) -> Mapping[str, Any] | None:
    """The port of users; one that a proxy hands on to is the proxy's affair."""
    behind = tuple(f":{one['target'].rpartition(':')[2]}" for one in apis if one["proxy"])
    fitting = [one for one in apis if f":{one['port']}" not in behind]
    if port:
        fitting = [one for one in apis if one["port"] == port]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        listed = ", ".join(f"{one['port']} ({one['proxy'] or one['unit']})" for one in fitting)
        told.open.append(
            f"several ports tell the chain: {listed}; choose the one of users: "
            f"-e discover_port={fitting[0]['port']}"
        )
        return None
    asked = f"port {port} does not tell" if port else "none of the ports of the node's units tells"
    told.open.append(
        f"{asked} a newest block by a path that is known; state coinjecture_api_port and "
        "coinjecture_api_shape yourself"
    )
    return None


def _of_files(node: Mapping[str, Any], told: Outcome) -> None:
    """What the files say of the edit, and of the legacy module's end."""
    edit = node["edit"]
    told.refused += [f"{path}: {edit[path]}" for path in node["makes"] if edit.get(path)]
    for path, it in node["importers"].items():
        if it["lines"] and edit.get(path):
            told.refused.append(
                f"{path}, line {it['lines'][0][0]}, imports the legacy module, is not edited ({edit[path]}): "
                "complete.yml does not remove that module before this line is changed"
            )
        for line, text in it["undecided"]:
            told.unproved.append(
                f"{path}, line {line}: {text} tells only when it runs which module it imports"
            )
    told.unproved += [*node["unknown"], *node["unread"]]


def _of_engine(node: Mapping[str, Any], offered: Collection[str], state: _Settling) -> None:
    """What the engine's surface means for what is compared, and what the wrapper does not offer."""
    shape = node["shape"]
    if shape is None:
        return
    for name, (path, line) in node["calls"].items():
        if name not in offered:
            lacks = "the wrapper does not have" if name.startswith("_") else "is gone in rust and final"
            state.told.refused.append(f"{path}, line {line}, uses {name} of the engine, which {lacks}")
    if "verify_block" not in shape["methods"]:
        why = "the engine has no verify_block, so blocks are judged by rules 1-6 in every mode"
        state.put("wrapper_settings", {"pin_profile": "header"}, why)
        state.told.unproved.append(
            "rules 7-9, of proofs, are not compared: the engine does not judge by them"
        )
    prints = " It prints while it judges." if shape["prints"] else ""
    state.told.engine = f"{', '.join(_judging(name, it) for name, it in shape['judges'].items())}.{prints}"


def _judging(name: str, it: Mapping[str, Any]) -> str:
    """How a call rejects, in words."""
    ways = [f"raises {' or '.join(it['raises'])}"] if it["raises"] else []
    ways += ["returns False"] if it["returns_false"] else []
    ways += ["returns a dictionary"] if it["returns_dict"] else []
    return f"{name} ({', '.join(ways) or 'how it rejects is not seen'})"

"""Which unit, database and port are the node's: one answer, what somebody has typed, or an open question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .outcome import Outcome, Settling

TABLES = ("blocks", "headers")
"""Tables of which a chain's database has one."""


def one_unit(found: Mapping[str, Any], name: str, told: Outcome) -> Mapping[str, Any] | None:
    """The unit that makes the engine; None where that is open."""
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
    for one in found["programs"]:
        if one["completed"]:
            told.open.append(
                f"{one['unit']} makes the Rust engine itself ({', '.join(one['completed'])}): its migration "
                "is complete, and what it was before is in its sealed copy"
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


def settle_database(node: Mapping[str, Any], path: str, state: Settling) -> None:
    """The chain's database, and its log of blocks."""
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
        told.unproved += [
            f"{other['path']} is kept by the node too: name it in coinjecture_data if it cannot be made again"
            for other in databases
            if other is not one and not other["error"]
        ]
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


def settle_api(found: Mapping[str, Any], node: Mapping[str, Any], port: int, state: Settling) -> None:
    """Where users ask, and how what they get is read."""
    told, one = state.told, _one_api(found["apis"], port, state.told)
    if one is None:
        return
    itself = f"{one['unit']} listens there"
    whose = f"{one['proxy']} takes it and hands it to {one['unit']}" if one["proxy"] else itself
    state.put("coinjecture_api_port", one["port"], f"{whose}, and it tells the newest block")
    serves = "" if one["unit"] == node["unit"] else one["proxy"] or one["unit"]
    state.put("coinjecture_api_unit", serves, "it has the port of users")
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

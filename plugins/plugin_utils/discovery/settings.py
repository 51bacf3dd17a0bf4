"""The settings that follow from what a host tells of its node. A pure function; nothing is guessed.

Where more than one answer fits, each is named with what to type, and no setting follows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from .choices import one_unit, settle_api, settle_database
from .defaults import Defaults
from .outcome import Chosen, Outcome, Settling

OF_ROOT = "/opt/coinjecture-migration"
"""Where root keeps what it has to own alone, where the node's folder is not root's."""
PLACES = {
    "coinjecture_releases": f"{OF_ROOT}/releases",
    "coinjecture_current": f"{OF_ROOT}/current",
    "migration_sealed": f"{OF_ROOT}/sealed",
}
"""Settings of such places, and what they are there."""


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
    node = one_unit(found, chosen.unit, told)
    if node is None:
        return told
    told.unit = node["unit"]
    state = Settling(told, defaults)
    _of_unit(node, state)
    _of_places(found["not_roots"], state)
    settle_database(node, chosen.database, state)
    settle_api(found, node, chosen.port, state)
    _of_files(node, told)
    _of_engine(node, offered, state)
    return told


def _of_unit(node: Mapping[str, Any], state: Settling) -> None:
    """Unit, user, folders, entry files and interpreter."""
    unit, entry = node["unit"], node["entry"]
    makes = sorted(node["makes"], key=lambda path: path != entry)
    made = "makes the engine" if makes == [entry] else f"loads {', '.join(makes)}, which makes the engine"
    state.put("coinjecture_unit", unit, f"it starts {entry}, which {made}")
    state.put("coinjecture_user", node["user"], f"{unit} runs as this user")
    state.put("coinjecture_home", node["home"], "the folder of the node's programs")
    state.put(
        "coinjecture_src", node["src"], "consensus.py lies there, by what the programs put on their path"
    )
    state.put("coinjecture_entries", makes, "it makes the engine; the import in it is what is edited")
    others = [path for path, it in node["importers"].items() if it["lines"] and not node["edit"].get(path)]
    state.put("coinjecture_importers", others, "they import the legacy module too: brought along")
    if node["python"].startswith("/"):
        version = f", Python {node['version']}" if node["version"] else ""
        state.put("coinjecture_python", node["python"], f"{unit} starts it{version}")
    else:
        state.told.open.append(f"{unit} names no interpreter by its path; state coinjecture_python yourself")


def _of_places(not_roots: Mapping[str, str], state: Settling) -> None:
    """Where root keeps what nobody else may change."""
    for name, place in PLACES.items():
        default = str(state.default(name))
        whys = [why for path, why in not_roots.items() if default == path or default.startswith(f"{path}/")]
        if whys:
            state.put(name, place, whys[0].partition(";")[0])


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


def _of_engine(node: Mapping[str, Any], offered: Collection[str], state: Settling) -> None:
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

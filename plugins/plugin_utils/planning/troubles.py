"""What is wrong with what the migration has laid down on a node, each with the command that mends it.

The gate, preflight and the screen say the same, because all of them ask here. Pure functions of what
`node_state.read` gave.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils.unit_needs import OF_THE_DROP_IN, Finding
from ...module_utils.unit_needs import text as unit_text
from ...module_utils.vocabulary import MODES
from ..messages.typed_run import command

DROP_IN_NAME = "/50-migration.conf"


def troubles(name: str, state: Mapping[str, Any]) -> list[str]:
    """Everything that keeps a node from being, or from starting again as, what its migration says it is."""
    lacking = drop_in_is_wrong(state) or process_is_old(state)
    drop_in = lacking and state.get("mode") != "legacy"  # phase 1 writes it anew
    put_back = f"what the unit's drop-in gives is put back by: {_repair(name, state)}"
    found = [
        _release(name, state),
        put_back if drop_in else "",
        *_modes(name, state),
        _apart(name, state),
    ]
    return [*state.get("places", ()), *(text for text in found if text)]


def entries_apart(state: Mapping[str, Any]) -> str:
    """A sentence where the node's entry files import different engines."""
    return str((state.get("node_py") or {}).get("apart") or "")


def _apart(name: str, state: Mapping[str, Any]) -> str:
    """Entry files that import different engines, where the process has been started with that."""
    told = entries_apart(state)
    if not told or state.get("mode") == "legacy":  # phase 1 edits them, and a removal is run again
        return ""
    return f"{told}; bring them together: {_repair(name, state)}"


def drop_in_is_wrong(state: Mapping[str, Any]) -> bool:
    """Whether the unit lacks what its drop-in gives, for no other file's fault, or has not read it."""
    return any(one["what"] in OF_THE_DROP_IN and _own(one) for one in _lacks(state))


def process_is_old(state: Mapping[str, Any]) -> bool:
    """Whether the running process was started without what the drop-in gives."""
    return any(one["what"] == "process" for one in _lacks(state))


def others_win(state: Mapping[str, Any]) -> list[str]:
    """What the unit lacks by the fault of another file, each with what to do there."""
    return [unit_text(one) for one in _lacks(state) if not _own(one)]


def _lacks(state: Mapping[str, Any]) -> list[Finding]:
    return list((state.get("unit") or {}).get("lacks", ()))


def _own(finding: Finding) -> bool:
    """Whether no file, or the migration's own drop-in, is to blame."""
    return finding["file"] is None or str(finding["file"]).endswith(DROP_IN_NAME)


def starts_higher(state: Mapping[str, Any], than: str | None) -> bool:
    """Whether the next start would read a mode above ``than``."""
    following = state.get("next_mode")
    return following in MODES and than in MODES and MODES.index(following) > MODES.index(than)


def _release(name: str, state: Mapping[str, Any]) -> str:
    installed = state.get("installed")
    if not installed or not installed["differs"]:
        return ""
    what = f"its release {str(state.get('release'))[:12]} is not as it was installed"
    return f"{what}: {'; '.join(installed['differs'])}; install it anew: {_repair(name, state)}"


def _modes(name: str, state: Mapping[str, Any]) -> list[str]:
    """What the disk says of mode and latch otherwise than what is in force."""
    found = _told(state)
    if error := state.get("mode_file_error") or (
        found["why"] if found["kind"] in ("damaged", "missing") else ""
    ):
        return [f"its mode file cannot be read ({error}); write it anew: {_anew(name, state)}"]
    mode, following = state.get("mode"), state.get("next_mode")
    if mode in MODES and following in MODES and mode != following:
        lower = mode if starts_higher(state, mode) else following
        way = command("rollback", name, to=lower)
        return [f"it is in {mode}, and its next start would read {following}; bring both to {lower}: {way}"]
    return [f"what is in force is not what its disk says: {found['why']}"] if found["why"] else []


def _told(state: Mapping[str, Any]) -> dict[str, str]:
    """What the wrapper says is wrong with its memory on the disk; empty texts where it says nothing."""
    told = (state.get("status") or {}).get("mode_file")
    problem = told.get("problem") if isinstance(told, Mapping) else None
    if not isinstance(problem, Mapping):
        return {"kind": "", "why": ""}
    return {"kind": str(problem.get("kind")), "why": str(problem.get("why") or "no reason given")}


def _anew(name: str, state: Mapping[str, Any]) -> str:
    """The command that writes the mode file anew: the wrapper does it, where it can be asked."""
    if state.get("status") is None:
        return _repair(name, state)
    return str(command("ack", name, why="the mode file was damaged"))


def _repair(name: str, state: Mapping[str, Any]) -> str:
    """The command that puts back what was laid down; a node that cannot say its mode goes back first."""
    engine = (state.get("node_py") or {}).get("state")
    if (state.get("status") is None and engine == "wrapped") or engine == "rust":
        return str(command("rollback", name, to="legacy"))
    return str(command("repair", name))

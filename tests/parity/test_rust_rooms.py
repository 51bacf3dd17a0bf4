"""The rooms of the two Rust crates: each uses only those below it, and no file leads back to itself."""

import re
from pathlib import Path

import pytest

from .rust_api import RECORD, listed

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "rust/consensus/src"
BINDING = ROOT / "rust/python/src"
ROOMS = (
    "error",
    "budget",
    "python",
    "json",
    "block",
    "chain",
    "rules",
    "faults",
    "engine",
    "batch",
    "solver",
)
"""Of the core, from the ground up. `fixtures` is for tests."""
PATH = re.compile(r"\b(crate|super)::(\w+)(?:::(\w+))?")


def _code(path: Path) -> str:
    """A file without its tests and comments."""
    text = path.read_text(encoding="utf-8").partition("#[cfg(test)]\nmod tests")[0]
    return re.sub(r"//.*", "", text)


def _files(crate: Path) -> dict[str, Path]:
    """Files under their modules' names; `rules` is the file of a folder, `rules::work` one in it."""
    found = {}
    for path in sorted(crate.rglob("*.rs")):
        parts = path.relative_to(crate).with_suffix("").parts
        name = "::".join(part for part in parts if part != "mod")
        if parts[-1] not in ("tests", "lib", "fixtures"):
            found[name] = path
    return found


def _uses(name: str, files: dict[str, Path]) -> set[str]:
    """Modules that a file uses; a name that a folder's own file exports stands for that file."""
    room = name.partition("::")[0]
    code = _code(files[name])
    paths = [
        (first, second) if start == "crate" else (room, first) for start, first, second in PATH.findall(code)
    ]
    used = {inner if (inner := f"{outer}::{member}") in files else outer for outer, member in paths}
    if name == room:
        used |= {f"{room}::{child}" for child in re.findall(r"\bmod (\w+);", code)}
    return used & set(files) - {name}


@pytest.mark.parametrize("crate", [CORE, BINDING], ids=["core", "binding"])
def test_no_file_leads_back_to_itself(crate: Path) -> None:
    files = _files(crate)
    uses = {name: _uses(name, files) for name in files}
    while uses:
        free = [name for name, needed in uses.items() if not needed & set(uses)]
        assert free, f"a circle among {', '.join(sorted(uses))}"
        for name in free:
            del uses[name]


def test_every_file_of_the_core_lies_in_a_room() -> None:
    assert {name.partition("::")[0] for name in _files(CORE)} == set(ROOMS)


@pytest.mark.parametrize("name", _files(CORE))
def test_a_room_of_the_core_uses_only_rooms_below_it(name: str) -> None:
    own = ROOMS.index(name.partition("::")[0])
    for used in _uses(name, _files(CORE)):
        assert ROOMS.index(used.partition("::")[0]) <= own, f"{name} reaches up to {used}"


def test_what_the_core_offers_is_what_is_recorded() -> None:
    """Where it is meant to change: `python -m tests.parity.rust_api`."""
    assert listed() == RECORD.read_text(encoding="utf-8")

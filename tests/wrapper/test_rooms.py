"""The rooms of the wrapper: each uses only those below it, so a walk of a block never returns to a room."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "wrapper" / "coinjecture_migration"
ROOMS = (
    "vocabulary",
    "api_shape",
    "control_client",
    "runtime",
    "settings",
    "evidence",
    "engines",
    "watchers",
    "modes",
    "judging",
    "control",
)
"""From the ground up."""
ENTRIES = ("ctl", "evidence_reader", "interpreter")
"""What other programs of a node run or import; nothing of the wrapper may need more than it says below."""
USED_BY_ENTRIES = {
    "ctl": {"control_client", "modes.mode_file", "settings", "runtime.visible", "vocabulary"},
    "evidence_reader": {"evidence.histograms", "vocabulary"},
    "interpreter": set(),
}


def _imported(path: Path) -> set[str]:
    """Modules of the package that a file imports, without the package's name; inside functions, too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = [f"{node.module}.{name.name}" for name in node.names]
            found |= {one if _is_module(one) else node.module for one in inner}
    prefix = f"{PACKAGE.name}."
    return {name.removeprefix(prefix) for name in found if name.startswith(prefix)}


def _is_module(name: str) -> bool:
    path = PACKAGE.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if path.name != "__init__.py"]


def test_every_file_of_the_wrapper_lies_in_a_room_or_is_an_entry() -> None:
    assert {_room(path) for path in FILES} == {*ROOMS, *ENTRIES}


@pytest.mark.parametrize(
    "path", [p for p in FILES if _room(p) in ROOMS], ids=lambda p: f"{_room(p)}-{p.stem}"
)
def test_a_room_uses_only_rooms_below_it(path: Path) -> None:
    own = ROOMS.index(_room(path))
    for module in _imported(path):
        room = module.partition(".")[0]
        assert room == "interpreter" or ROOMS.index(room) <= own, f"{path.name} reaches up to {module}"


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_needs_no_more_of_the_wrapper_than_is_said_here(entry: str) -> None:
    assert _imported(PACKAGE / f"{entry}.py") == USED_BY_ENTRIES[entry]


@pytest.mark.parametrize("room", [name for name in ROOMS if (PACKAGE / name).is_dir()])
def test_within_a_room_no_file_leads_back_to_itself(room: str) -> None:
    uses = {
        path.stem: {m.removeprefix(f"{room}.") for m in _imported(path) if m.startswith(f"{room}.")}
        for path in FILES
        if _room(path) == room
    }
    while uses:
        free = [name for name, needed in uses.items() if not needed & set(uses)]
        assert free, f"a circle among {', '.join(sorted(uses))}"
        for name in free:
            del uses[name]

"""The rooms of the wrapper: each uses only those below it, so a walk of a block never returns to a room."""

import pytest

from tests.layout.test_no_circles import ROOT, graph_of

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


HOME = "wrapper.coinjecture_migration."
USED = {
    name.removeprefix(HOME): {one.removeprefix(HOME) for one in used if one.startswith(HOME)}
    for name, used in graph_of(sorted((ROOT / "wrapper/coinjecture_migration").rglob("*.py"))).items()
    if name.startswith(HOME)
}
"""The files of the package, and what each of them imports of it; test_no_circles looks for circles."""


def _room(name: str) -> str:
    return name.partition(".")[0]


def test_every_file_of_the_wrapper_lies_in_a_room_or_is_an_entry() -> None:
    assert {_room(name) for name in USED} == {*ROOMS, *ENTRIES}


@pytest.mark.parametrize("name", sorted(name for name in USED if _room(name) in ROOMS))
def test_a_room_uses_only_rooms_below_it(name: str) -> None:
    own = ROOMS.index(_room(name))
    for used in USED[name]:
        room = _room(used)
        assert room == "interpreter" or ROOMS.index(room) <= own, f"{name} reaches up to {used}"


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_needs_no_more_of_the_wrapper_than_is_said_here(entry: str) -> None:
    assert USED[entry] == USED_BY_ENTRIES[entry]

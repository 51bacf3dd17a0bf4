"""The tree in a file where the storage has a log of its own: written down, and never taken from there."""

from __future__ import annotations

from coinjecture_migration.control.server import handle
from coinjecture_migration.control.status import report as status_of

from tests.wrapper.conftest import Place, chain


def test_given_a_storage_with_a_log_where_it_is_wanted_then_it_is_a_log_and_nothing_is_taken_from_it(
    place: Place,
) -> None:
    place.settings(tree_log=True, determinism_seconds=0)
    wrapper = place.start("shadow")
    for block in chain(3):
        place.judge(wrapper, block)
    assert handle(wrapper._manager, {"op": "export_tree"})["rows"] == 4
    wrapper.set_mode("final", who="test", why="up")
    wrapper.close()
    again = place.start(None)
    found = status_of(again._manager)["tree"]
    assert (found["rows"], found["carried"], len(again.block_tree)) == (4, None, 4)
    assert status_of(place.start(None)._manager)["tree"]["state"] == "lost", "a second one has it already"

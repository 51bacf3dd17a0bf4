"""No stage of an operation goes untried: the guard is killed at each of them on a droplet."""

from __future__ import annotations

from seamless_restart.stages import Stage

from .test_on_a_droplet import STAGES

WITH_A_TEST_OF_ITS_OWN = {"PUTTING_BACK"}
NOTHING_LEFT_TO_UNDO = {"DONE"}


def test_the_guard_is_killed_at_every_stage_that_there_is() -> None:
    assert {*STAGES} | WITH_A_TEST_OF_ITS_OWN | NOTHING_LEFT_TO_UNDO == {stage.name for stage in Stage}

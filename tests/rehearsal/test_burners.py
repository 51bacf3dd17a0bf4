"""The load of a rehearsal under load comes and goes with it."""

from __future__ import annotations

import os
import subprocess
import sys

from testnet.rehearsal.burners import BURN, Burners


def test_given_burners_then_there_is_one_for_each_core_and_none_afterwards() -> None:
    with Burners() as burners:
        assert len(burners.running) == len(os.sched_getaffinity(0))
        assert [burner.poll() for burner in burners.running] == [None] * len(burners.running)
    assert None not in [burner.poll() for burner in burners.running]


def test_given_a_rehearsal_that_was_killed_then_its_burners_end_by_themselves() -> None:
    orphan = subprocess.run([sys.executable, "-S", "-c", BURN, "1"], timeout=60, check=False)
    assert orphan.returncode == 0, "a burner whose parent is another process than it was told"

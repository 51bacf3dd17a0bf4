"""A guard whose haproxy is killed as soon as a stage has begun: the one that the file kill_at names."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from seamless_restart.__main__ import run
from seamless_restart.guard import Guard
from seamless_restart.stages import Stage

KILL_AT = Path("/run/coinjecture-restart/kill_at").read_text().strip()


class GuardOfKilledDetour(Guard):
    """It goes on as well as it can."""

    def enter(self, stage: Stage, **more: Any) -> None:
        super().enter(stage, **more)
        if stage.name == KILL_AT:
            os.kill(self.detour_pid, signal.SIGKILL)


if __name__ == "__main__":
    run(GuardOfKilledDetour)

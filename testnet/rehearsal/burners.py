"""Processes that do nothing but keep every core busy, so that a rehearsal meets a machine under load."""

from __future__ import annotations

import os
import subprocess
import sys
from types import TracebackType

BURN = """
import os, sys
parent = int(sys.argv[1])
while os.getppid() == parent:  # also where the rehearsal is killed
    for _ in range(1_000_000):
        pass
"""


class Burners:
    """One burner for each core, of ordinary priority, as long as the context lasts."""

    def __init__(self, count: int | None = None) -> None:
        self._count = len(os.sched_getaffinity(0)) if count is None else count
        self.running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Burners:
        command = [sys.executable, "-S", "-c", BURN, str(os.getpid())]
        for _ in range(self._count):
            self.running.append(subprocess.Popen(command))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for burner in self.running:
            burner.terminate()
        for burner in self.running:
            burner.wait()

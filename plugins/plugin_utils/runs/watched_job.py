"""A long task that tells the operator now and then how far it is. For action plugins, on the controller."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Execute = Callable[..., dict[str, Any]]

FIRST_LOOKS, LATER_LOOKS = 1.0, 5.0
"""Seconds between two looks at the beginning, and later on: what is short ends soon."""
TOLD_EVERY = 20.0
"""Seconds between two lines."""


@dataclass
class WatchedJob:
    """A module that runs on the node by itself and is looked at until it has ended.

    Attributes:
        execute: Runs a module on the node, as `ActionBase._execute_module` does with the task's rights.
        async_dir: Where Ansible keeps its jobs there.
        progress: Says in words how far it is; empty where there is nothing to say.
        tell: Shows a line to the operator.
        clock: Seconds that only go on.
        sleep: Waits for so many seconds.
    """

    execute: Execute
    async_dir: str
    progress: Callable[[], str]
    tell: Callable[[str], None]
    clock: Callable[[], float] = field(default=time.monotonic)
    sleep: Callable[[float], None] = field(default=time.sleep)

    def run(self, module: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Start the module, tell of it until it has ended, and return what it returned."""
        started = self.execute(module_name=module, module_args=arguments, wrap_async=True)
        if started.get("failed") or "ansible_job_id" not in started:
            return started
        job = {"jid": started["ansible_job_id"], "_async_dir": self.async_dir}
        ended = self._await(job)
        self._status(job, "cleanup")
        mine = ("ansible_job_id", "started", "finished", "results_file", "_ansible_suppress_tmpdir_delete")
        return {name: value for name, value in ended.items() if name not in mine}

    def _await(self, job: dict[str, Any]) -> dict[str, Any]:
        began = told = self.clock()
        while True:
            now = self.clock()
            self.sleep(FIRST_LOOKS if now - began < TOLD_EVERY else LATER_LOOKS)
            found = self._status(job, "status")
            if found.get("failed") or found.get("finished"):
                return found
            if self.clock() - told >= TOLD_EVERY:
                told = self.clock()
                if said := self.progress():
                    self.tell(said)

    def _status(self, job: dict[str, Any], mode: str) -> dict[str, Any]:
        return self.execute(module_name="ansible.builtin.async_status", module_args=job | {"mode": mode})

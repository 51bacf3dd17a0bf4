"""Ansible callback of the tests: ends the controller by SIGKILL before the task whose number is asked for."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: kill_before
type: aggregate
short_description: Kill the controller before its n-th task
description:
  - KILL_BEFORE is the number, or a part of the name; the whole name is left in the file KILL_BEFORE_NAME.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Counts the tasks as they begin."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "kill_before"

    def __init__(self) -> None:
        super().__init__()
        wanted = os.environ["KILL_BEFORE"]
        self._left, self._part = (int(wanted), None) if wanted.isdecimal() else (0, wanted)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._count(task.get_name())

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self._count(task.get_name())

    def v2_playbook_on_include(self, included_file: Any) -> None:
        """An include is a boundary too, but no task of its own."""

    def _count(self, name: str) -> None:
        self._left -= 1
        if self._left == 0 or (self._part is not None and self._part in name):
            Path(os.environ["KILL_BEFORE_NAME"]).write_text(name, encoding="utf-8")
            os.kill(os.getpid(), signal.SIGKILL)

"""Ansible callback of the walk: runs a command on the controller before the first task of a given name."""

from __future__ import annotations

import os
import subprocess
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: before_task
type: aggregate
short_description: Run a command before a task
description: BEFORE_TASK is the end of the task's name, BEFORE_TASK_RUN the command of a shell.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Waits for the task as the run goes on."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "before_task"

    def __init__(self) -> None:
        super().__init__()
        self._awaited: str | None = os.environ["BEFORE_TASK"]

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        if self._awaited is not None and task.get_name().endswith(self._awaited):
            self._awaited = None
            subprocess.run(["sh", "-c", os.environ["BEFORE_TASK_RUN"]], check=True)

"""Ansible callback of the benchmark: when each task began, in seconds since the start of the program."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: timeline
type: aggregate
short_description: Write when each task began
description:
  - TIMELINE is the file; TIMELINE_FROM is the moment of the start, in seconds since the epoch.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Notes the tasks as they begin; the file is a list of [seconds, task], ended by [seconds, ""]."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "timeline"

    def __init__(self) -> None:
        super().__init__()
        self._from = float(os.environ["TIMELINE_FROM"])
        self._tasks: list[tuple[float, str]] = []

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:  # noqa: ARG002
        """Note it."""
        self._note(task.get_name())

    def v2_playbook_on_stats(self, stats: Any) -> None:  # noqa: ARG002
        """Write them all."""
        self._note("")
        Path(os.environ["TIMELINE"]).write_text(json.dumps(self._tasks), encoding="utf-8")

    def _note(self, name: str) -> None:
        self._tasks.append((round(time.time() - self._from, 3), name))

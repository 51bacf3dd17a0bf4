"""Action: the step journal of a node, and the controller's copy of it, from one and the same call."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "module_utils"))

from ansible.plugins.action import ActionBase
from typed_run import command


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs the module; with ``copy`` the journal that it returns is kept in that file."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Carry out the request; a copy that cannot be written fails the task and says so."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        copy = arguments.pop("copy", None)
        answer: dict[str, Any] = self._execute_module(
            module_name="step_journal", module_args=arguments, task_vars=task_vars
        )
        if answer.pop("is_broken", False):
            mend = command("journal", str(task_vars["inventory_hostname"]), set_aside="the reason")
            answer["msg"] += f". Look into it, then: {mend}"
        content = answer.pop("content", None)
        if copy and content is not None:
            try:
                keep(Path(copy), content)
            except OSError as error:
                return result | {"failed": True, "msg": f"{copy} cannot be written: {error}"}
        return result | answer


def keep(copy: Path, content: str) -> None:
    """Replace the copy in one move: whoever reads it meanwhile sees the old one or the new one."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    part = copy.with_name(f"{copy.name}.{os.getpid()}")
    part.write_text(content, encoding="utf-8")
    part.replace(copy)

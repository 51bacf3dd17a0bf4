"""Action: print lines as they are, for a person at the terminal."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

display = Display()


class ActionModule(ActionBase):  # type: ignore[misc]
    """Prints ``lines``; changes nothing."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Print and return the lines."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        lines = [str(line) for line in self._task.args["lines"]]
        display.display("\n".join(["", *lines, ""]))
        return result | {"changed": False, "lines": lines}

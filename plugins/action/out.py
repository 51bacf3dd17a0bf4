"""Action: print lines as they are, for a person at the terminal."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils.visible import Painted, visible

display = Display()


class ActionModule(ActionBase):  # type: ignore[misc]
    """Prints ``lines``, as they are only where they are ``painted``; changes nothing."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Print and return the lines."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        lines = [str(line) for line in self._task.args["lines"]]
        shown = lines if self._task.args.get("painted") else [visible(line) for line in lines]
        display.display(Painted("\n".join(["", *shown, ""])))
        return result | {"changed": False, "lines": lines}

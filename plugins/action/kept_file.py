"""Action: keep a text on the controller, by the controller itself: a module would take half a second."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils import durable


class ActionModule(ActionBase):  # type: ignore[misc]
    """Writes ``content`` to ``path``, and lets ``link`` point there; in check mode too: it is only kept."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Write it; what the nodes are is not changed by that."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        path, link = Path(str(self._task.args["path"])), str(self._task.args.get("link") or "")
        try:
            path.parent.mkdir(0o755, parents=True, exist_ok=True)
            durable.replace(path, str(self._task.args["content"]))
            if link:
                durable.link(Path(link), os.path.relpath(path, Path(link).parent))
        except OSError as error:
            return result | {"failed": True, "msg": f"{path} cannot be kept: {error}"}
        return result | {"changed": False}

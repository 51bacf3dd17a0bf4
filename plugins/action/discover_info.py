"""Action: what a host tells of its node, and the settings that follow; one that cannot be asked says why."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.discovery.defaults import Defaults, stated
from ..plugin_utils.discovery.offered import offered
from ..plugin_utils.discovery.outcome import Chosen
from ..plugin_utils.discovery.settings import PLACES, outcome
from ..plugin_utils.runs.reached import asked, named


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs the module, and says by the toolkit's defaults what follows."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Ask once."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        given = dict(self._task.args)
        defaults = Defaults(stated())
        answer = asked(
            lambda: self._execute_module(
                module_name="coinjecture.migration.discover_info",
                module_args={"places": [defaults.of(name, {}) for name in PLACES], **given},
                task_vars=task_vars,
            ),
            *named(self._task, task_vars),
        )
        if "found" not in answer:
            return result | answer
        chosen = Chosen(
            str(given.get("unit", "")), str(given.get("database", "")), int(given.get("port") or 0)
        )
        told = outcome(answer["found"], defaults, offered(), chosen)
        return result | answer | {"outcome": asdict(told)}

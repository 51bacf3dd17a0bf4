"""Action: a request to the control socket; for ``prepare`` waits and shows its progress."""

from __future__ import annotations

import itertools
import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

display = Display()

POLL_SECONDS = (0.1, 0.2, 0.5)  # between two looks; the last one from then on
PREPARE_TIMEOUT = 3600.0


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs the module; ``prepare_timeout`` (s) bounds the wait for a prepare."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Carry out the request; a prepare has ended when this returns."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        limit = float(arguments.pop("prepare_timeout", PREPARE_TIMEOUT))
        answer = self._ask(arguments, task_vars)
        if arguments.get("op") == "prepare" and not answer.get("failed") and not self._task.check_mode:
            answer = self._wait(arguments, answer, limit, task_vars)
        return result | answer

    def _ask(self, arguments: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._execute_module(
            module_name="coinjecture.migration.consensus_control", module_args=arguments, task_vars=task_vars
        )
        return answer

    def _wait(
        self, arguments: dict[str, Any], answer: dict[str, Any], limit: float, task_vars: Any
    ) -> dict[str, Any]:
        """Ask for the status until the prepare has ended one way or the other."""
        target, host = arguments["mode"], task_vars["inventory_hostname"]
        ask = {key: value for key, value in arguments.items() if key in ("socket", "timeout")}
        deadline, shown = time.monotonic() + limit, None
        pauses = itertools.chain(POLL_SECONDS, itertools.repeat(POLL_SECONDS[-1]))
        while not answer.get("failed"):
            prepare = answer["status"].get("prepare")
            if not prepare or prepare.get("target") != target:
                return _failed(f"the wrapper of {host} has forgotten that it was to prepare {target}")
            if prepare["state"] == "ready":
                return answer
            if prepare["state"] == "failed":
                return _failed(
                    f"{host} cannot prepare {target}: {prepare.get('error')}; its mode is unchanged"
                )
            if shown != (shown := f"{prepare.get('done', 0)} of {prepare.get('total') or '?'}"):
                display.display(f"{host}: preparing {target}: {shown} blocks")
            if time.monotonic() > deadline:
                return _failed(f"{host} did not finish preparing {target} within {limit:g} s")
            time.sleep(next(pauses))
            answer = self._ask(ask | {"op": "status"}, task_vars)
        return answer


def _failed(message: str) -> dict[str, Any]:
    return {"failed": True, "msg": message}

"""Action: the step journal of a node, beside the controller's copy of it, from one and the same call."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils import durable
from ..module_utils.journal import goes_on, known_by, verify_chain
from ..plugin_utils.messages.typed_run import command
from ..plugin_utils.runs import kept
from ..plugin_utils.runs.controller_run import ControllerGoneError, this_run
from ..plugin_utils.runs.reached import asked, named


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs the module with what the copies know, and keeps the journal that it returns with its network's."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Carry out the request; a copy that cannot be written fails the task and says so."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        base, node = Path(arguments.pop("kept")), str(arguments.pop("node"))
        try:
            if arguments.get("network") == kept.FRESH:
                arguments["network"] = kept.fresh(this_run(), base)
        except ControllerGoneError as gone:
            return result | {"failed": True, "msg": str(gone)}
        arguments |= {"known": kept.copies(base, node)}
        answer = asked(
            lambda: self._execute_module(
                module_name="coinjecture.migration.step_journal", module_args=arguments, task_vars=task_vars
            ),
            *named(self._task, task_vars),
        )
        identity = answer.get("network", answer.get("counted")) or ""
        copy = kept.copy_of(base, identity, node)
        if answer.pop("is_broken", False):
            mend = command("journal", str(task_vars["inventory_hostname"]), set_aside="the reason")
            answer["msg"] += f". Look into it, then: {mend}"
        content = answer.pop("content", None)
        try:
            if content is not None:
                if answer["network"]:
                    kept.adopt(base, answer["network"], node, content)
                keep(copy, content)
            elif arguments["state"] == "set_aside" and answer.get("changed") and not self._task.check_mode:
                set_aside(copy)
        except OSError as error:
            return result | {"failed": True, "msg": f"{copy} cannot be written: {error}"}
        return result | answer | {"copy": str(kept.copy_shown(base, identity, node))}


def keep(copy: Path, content: str) -> None:
    """Replace the copy by the journal as it is; one that knows something else stays, under another name."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    known = known_by(kept.read(copy))
    if known and not goes_on(verify_chain(content)["records"], known):
        set_aside(copy)
    durable.replace(copy, content)


def set_aside(copy: Path) -> None:
    """Give the copy a name under which nothing is compared or written."""
    if copy.exists():
        stem = f"{copy.stem}.until-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
        number = sum(1 for _ in copy.parent.glob(f"{stem}*"))
        durable.rename(copy, copy.with_name(f"{stem}{f'-{number}' if number else ''}{copy.suffix}"))

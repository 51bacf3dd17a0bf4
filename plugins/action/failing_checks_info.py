"""Action: which assertions of a file of tasks would fail, each with what it says. Changes nothing.

So what a play will refuse is told beforehand in the words of that play, by its own conditions.
"""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19, where every text may be a template

    def trust_as_template(value: str) -> str:
        """Return it as it is."""
        return value


ASSERT = "ansible.builtin.assert"


class ActionModule(ActionBase):  # type: ignore[misc]
    """Evaluates every assertion of a file."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Look at each of them."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        tasks = self._loader.load_from_file(str(self._task.args["path"]))  # the toolkit's own
        said = [self._said(one[ASSERT], task_vars) for one in tasks if ASSERT in one]
        return result | {"changed": False, "refused": [text for text in said if text]}

    def _said(self, asserted: dict[str, Any], task_vars: Any) -> str:
        """What an assertion says, empty where it holds."""
        task = self._task.copy()
        task.action = ASSERT
        that = asserted["that"] if isinstance(asserted["that"], list) else [asserted["that"]]
        task.args = {"that": [trust_as_template(str(one)) for one in that], "quiet": True}
        task.untemplated_args = dict(task.args)  # where ansible-core 2.16 takes the conditions from
        action = self._shared_loader_obj.action_loader.get(
            ASSERT,
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        if not action.run(task_vars=task_vars).get("failed"):
            return ""
        return str(self._templar.template(trust_as_template(str(asserted["fail_msg"]))))

"""Action: read source files on the controller and hand them to the module in one call."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

SUFFIXES = (".py", ".typed", ".sql")


class ActionModule(ActionBase):  # type: ignore[misc]
    """``trees`` is a list of ``from`` (a file or folder here) and ``to`` (its name below ``dest``)."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Collect the files and run the module."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        files: dict[str, str] = {}
        folders: list[str] = []
        for tree in self._task.args["trees"]:
            source, target = Path(str(tree["from"])), str(tree["to"])
            if source.is_dir():
                folders.append(target)
            for path, name in _members(source, target):
                files[name] = base64.b64encode(path.read_bytes()).decode()
        arguments = {"dest": self._task.args["dest"], "files": files, "folders": folders}
        answer: dict[str, Any] = self._execute_module(
            module_name="coinjecture.migration.source_tree", module_args=arguments, task_vars=task_vars
        )
        return result | answer


def _members(source: Path, target: str) -> list[tuple[Path, str]]:
    """The files of one tree with their names on the node."""
    if source.is_file():
        return [(source, target)]
    if not source.is_dir():
        raise AnsibleActionFail(f"{source} is not there; is this a whole clone?")
    return [
        (path, f"{target}/{path.relative_to(source).as_posix()}")
        for path in sorted(source.rglob("*"))
        if path.suffix in SUFFIXES and path.is_file()
    ]

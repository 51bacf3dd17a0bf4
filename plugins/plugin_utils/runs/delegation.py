"""One action that asks several nodes: each question as a task with ``delegate_to`` would ask it.

For the controller alone. Connection, user and rights are those of that node in the inventory, since it is
Ansible's own executor of tasks that asks.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import partial
from typing import Any

from ansible.executor.task_executor import TaskExecutor
from ansible.plugins.action import ActionBase

from .side_by_side import side_by_side


class _Unheard:
    """Takes what a task would tell the callbacks, and tells nobody: the action says itself what it found."""

    def send_callback(self, *_: Any, **__: Any) -> None:
        """Say nothing."""


def ask(
    action: ActionBase,
    name: str,
    arguments: Mapping[str, Any],
    node: str,
    task_vars: Mapping[str, Any],
    *,
    become: bool = True,
) -> dict[str, Any]:
    """What a node answers to an action or a module.

    Args:
        action: The action that asks.
        name: What is asked for.
        arguments: Its arguments; they are no templates any more.
        node: The node's name in the inventory.
        task_vars: The variables of the asking task.
        become: Whether it is asked as root.
    """
    task = action._task.copy(exclude_parent=True, exclude_tasks=True)
    task._parent = action._task._parent
    task.action, task.args = name, dict(arguments)
    task.delegate_to, task.become, task.register = node, become, None
    manager = task.get_variable_manager()
    needed = {
        "host": manager._inventory.get_host(task_vars["inventory_hostname"]),
        "task": task,
        "job_vars": dict(task_vars),
        "play_context": action._play_context.copy(),
        "new_stdin": None,  # until ansible-core 2.17
        "loader": action._loader,
        "shared_loader_obj": action._shared_loader_obj,
        "final_q": _Unheard(),
        "variable_manager": manager,
    }
    known = inspect.signature(TaskExecutor.__init__).parameters
    executor = TaskExecutor(**{key: value for key, value in needed.items() if key in known})
    answer: dict[str, Any] = executor.run()
    return answer


def ask_each(
    action: ActionBase,
    name: str,
    arguments: Mapping[str, Mapping[str, Any]],
    task_vars: Mapping[str, Any],
    *,
    become: bool = True,
) -> dict[str, dict[str, Any]]:
    """What several nodes answer to the same question, asked side by side: a silent one holds up no other.

    Args:
        action: The action that asks.
        name: What is asked for.
        arguments: Its arguments by node.
        task_vars: The variables of the asking task.
        become: Whether they are asked as root.
    """
    return side_by_side(
        {
            node: partial(ask, action, name, given, node, task_vars, become=become)
            for node, given in arguments.items()
        }
    )

"""Output of ansible-playbook: Ansible's own, except that a play which only says something is heard alone.

A message is shown as the text that it is, not as JSON writes it: a command in it is typed as it stands there.
A play with ``vars: {only_says: true}`` shows what its task ``out`` says, and whatever fails; banners, ok
tasks and the recap are left out. With ``-v`` everything is shown. All other plays look as they always do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible.plugins.callback.default import CallbackModule as DefaultCallback

from ..module_utils.visible import LAYOUT, Painted, visible, visible_in
from ..plugin_utils.status.terminal import remember_terminal

DOCUMENTATION = r"""
name: out
type: stdout
short_description: Ansible's own output; plays that only say something are heard alone
description: A play with C(only_says) among its variables shows what it says and what fails.
extends_documentation_fragment: [default_callback, result_format_callback]
author: ["The migration toolkit"]
"""


OF_A_REFUSAL = frozenset({"changed", "failed", "unreachable", "assertion", "evaluated_to"})
"""What a result holds beside its message that says nothing more."""


def _without_controls(diff: Any) -> Any:
    """A diff whose texts steer no terminal; their lines stay lines."""
    if not isinstance(diff, Mapping):
        return visible_in(diff)
    return {
        key: visible(value, keep=LAYOUT) if isinstance(value, str) else visible_in(value)
        for key, value in diff.items()
    }


def guard(display: Any) -> None:
    """Let everything that Ansible prints, warnings, errors and its log included, pass through `visible`."""
    if hasattr(display, "unguarded"):
        return
    display.unguarded = display.display

    def show(msg: Any, *arguments: Any, **options: Any) -> None:
        shown = msg if isinstance(msg, Painted) else visible(msg, keep=LAYOUT)
        display.unguarded(shown, *arguments, **options)

    display.display = show


class CallbackModule(DefaultCallback):  # type: ignore[misc]
    """The default output with a filter in front."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "coinjecture.migration.out"

    def __init__(self) -> None:
        super().__init__()
        guard(self._display)
        remember_terminal(self._display)
        self._only_says = False
        self._all_only_said = True

    def get_option(self, name: str, *rest: Any, **more: Any) -> Any:
        """An option of the default output; a play that only says something hides what merely went well."""
        if self._only_says and name in ("display_ok_hosts", "display_skipped_hosts"):
            return False
        return super().get_option(name, *rest, **more)

    def _dump_results(self, result: Mapping[str, Any], *rest: Any, **more: Any) -> str:
        """A result as JSON, but for a message that JSON would write with escapes."""
        message = result.get("msg")
        if not isinstance(message, str) or json.dumps(message, ensure_ascii=False) == f'"{message}"':
            return str(super()._dump_results(result, *rest, **more))
        others = {name: value for name, value in result.items() if name != "msg"}
        told = {name for name in others if not name.startswith("_ansible_")} - OF_A_REFUSAL
        beside = f"{super()._dump_results(others, *rest, **more)} " if told else ""
        return beside + visible(message)

    def _get_diff(self, difflist: Any) -> str:
        """A diff in Ansible's colours, of texts that have none."""
        listed = difflist if isinstance(difflist, list) else [difflist]
        return Painted(super()._get_diff([_without_controls(diff) for diff in listed]))

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Begin a play, without its banner if it only says something."""
        self._only_says = bool(play.get_vars().get("only_says")) and not self._display.verbosity
        self._all_only_said &= self._only_says
        if self._only_says:
            self._play = play
        else:
            super().v2_playbook_on_play_start(play)

    def v2_playbook_on_include(self, included_file: Any) -> None:
        """Name an included file, unless the play only says something."""
        if not self._only_says:
            super().v2_playbook_on_include(included_file)

    def v2_runner_on_ok(self, result: Any) -> None:
        """Show what went well; of a play that only says something, only what it changed."""
        if not self._only_says or _of(result, "result").get("changed"):
            super().v2_runner_on_ok(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Show a silent node, unless the play expects some and says itself which."""
        if not self._expected_silence(result):
            super().v2_runner_on_unreachable(result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """Show the failed item of a loop; the same for silent nodes among the items."""
        if not (self._expected_silence(result) and _of(result, "result").get("unreachable")):
            super().v2_runner_item_on_failed(result)

    def _expected_silence(self, result: Any) -> bool:
        return self._only_says and bool(_of(result, "task").ignore_unreachable)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Show the recap, unless nothing was done but saying something, and it went well."""
        troubled = [host for host in stats.processed if stats.failures.get(host)]
        if troubled or not self._all_only_said:
            super().v2_playbook_on_stats(stats)


def _of(result: Any, name: str) -> Any:
    """An attribute of a task's result; before ansible-core 2.19 its name began with an underscore."""
    return getattr(result, name) if hasattr(result, name) else getattr(result, f"_{name}")

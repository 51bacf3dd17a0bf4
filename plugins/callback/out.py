"""Output of ansible-playbook: a digest of the run; with ``-v`` everything, as Ansible's own output has it.

The digest says what the tasks say, a line for what a task changes on a host, a line where something takes
long, and every failure, silent host and warning in full. What it leaves out goes to Ansible's log, if there
is one (``ANSIBLE_LOG_PATH``). On a terminal the task at work is drawn in place. Diffs come at the end of a
play: edits of files that were there, and how many lines the rest has.

A message is shown as the text that it is, not as JSON writes it: a command in it is typed as it stands there.
A play with ``vars: {only_says: true}`` has neither a heading nor an account at its end.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from ansible import constants as C
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback.default import CallbackModule as DefaultCallback

from ..module_utils.visible import LAYOUT, Painted, visible, visible_in
from ..plugin_utils.messages import digest
from ..plugin_utils.messages.console import guard
from ..plugin_utils.status.terminal import remember_terminal

DOCUMENTATION = r"""
name: out
type: stdout
short_description: A digest of the run; with -v everything
description:
  - Shows what tasks say and what they change, each in a line, and whatever fails in full.
  - A play with C(only_says) among its variables shows what it says and what fails.
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


class CallbackModule(DefaultCallback):  # type: ignore[misc]
    """The default output with a filter in front."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "coinjecture.migration.out"

    def __init__(self) -> None:
        super().__init__()
        self._console = guard(self._display)
        remember_terminal(self._display)
        self._only_says = False
        self._all_only_said = True
        self._last_heading = ""
        self._last_task_banner: Any = None
        self._logged_banner: Any = None
        self._edits = digest.Edits()
        self._begun: dict[str, float] = {}
        self._told_at: dict[tuple[str, str], float] = {}

    # What Ansible's own output does, in the log alone

    @property
    def _whole(self) -> bool:
        """Whether everything is shown."""
        return bool(self._display.verbosity)

    def _log(self, show: Any, *arguments: Any, **options: Any) -> None:
        """Have Ansible's own output write to the log what the digest says in its own words."""
        shown, self._last_task_banner = self._last_task_banner, self._logged_banner
        with self._console.unseen():
            show(*arguments, **options)
        self._logged_banner, self._last_task_banner = self._last_task_banner, shown

    def _show(self, text: str, color: Any = None) -> None:
        self._display.display(self._console.broken(text, "  "), color=color, screen_only=True)

    # Texts

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

    # A play and its tasks

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Begin a play: its name comes with the first thing that is said in it."""
        self._only_says = bool(play.get_vars().get("only_says")) and not self._whole
        self._all_only_said &= self._only_says
        if self._whole:
            super().v2_playbook_on_play_start(play)
            return
        self._tell_edits()
        self._log(super().v2_playbook_on_play_start, play)
        name = play.get_name().strip()
        if name and name != self._last_heading and not self._only_says:
            check = " (check: nothing is changed)" if play.check_mode else ""
            self._console.heading, self._last_heading = f"\n{name}{check}", name

    def _task_start(self, task: Any, prefix: str | None = None) -> None:
        """Note when a task began, and draw it on a terminal."""
        if self._whole:
            super()._task_start(task, prefix)
            return
        self._begun[task._uuid] = time.monotonic()
        self._log(super()._task_start, task, prefix)
        self._last_task_banner = None  # the next batch has the same task
        self._console.at_work(f"  {digest.named(task.get_name())}")

    def v2_playbook_on_include(self, included_file: Any) -> None:
        """Name an included file in the log."""
        self._quietly(super().v2_playbook_on_include, included_file)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """A task that was left out."""
        self._quietly(super().v2_runner_on_skipped, result)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        """An item that was left out."""
        self._quietly(super().v2_runner_item_on_skipped, result)

    def v2_playbook_on_no_hosts_remaining(self) -> None:
        """Say in the log that no host is left; why has been said of each."""
        self._quietly(super().v2_playbook_on_no_hosts_remaining)

    def _quietly(self, show: Any, *arguments: Any) -> None:
        if self._whole:
            show(*arguments)
        else:
            self._log(show, *arguments)

    # Results

    def v2_runner_on_ok(self, result: Any) -> None:
        """Say what a task says, and what it has changed."""
        if self._whole or isinstance(_of(result, "task"), TaskInclude):
            self._quietly(super().v2_runner_on_ok, result)
            return
        found, task, host = _of(result, "result"), _of(result, "task"), self.host_label(result)
        told = [] if task.loop else digest.said(found, _of(result, "host").get_name())
        seconds = 0.0 if self._only_says else time.monotonic() - self._begun.get(task._uuid, time.monotonic())
        line = digest.did(digest.named(task.get_name()), host, found, seconds, check=bool(task.check_mode))
        color = C.COLOR_CHANGED if found.get("changed") else None
        self._log(super().v2_runner_on_ok, result)
        for text in told:
            self._show(text)
        if line and not told:
            self._show(line, color)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """Say what an item of a loop says."""
        if self._whole:
            super().v2_runner_item_on_ok(result)
            return
        told = digest.said(_of(result, "result"), _of(result, "host").get_name())
        self._log(super().v2_runner_item_on_ok, result)
        for text in told:
            self._show(text)

    def v2_runner_retry(self, result: Any) -> None:
        """Say now and then that a task looks again."""
        if self._whole:
            super().v2_runner_retry(result)
            return
        self._log(super().v2_runner_retry, result)
        task, host, now = _of(result, "task"), self.host_label(result), time.monotonic()
        began = self._begun.get(task._uuid, now)
        if now - self._told_at.get((task._uuid, host), began) >= digest.LOOKS_TOLD_EVERY:
            self._told_at[task._uuid, host] = now
            name = digest.named(task.get_name())
            self._show(digest.looks_again(name, host, _of(result, "result"), now - began))

    def v2_runner_on_async_poll(self, result: Any) -> None:
        """Ask in silence whether a long task has ended; on a terminal it is drawn all the while."""
        self._quietly(super().v2_runner_on_async_poll, result)

    def v2_runner_on_async_ok(self, result: Any) -> None:
        """The end of a long task; what it did is said as of any other."""
        self._quietly(super().v2_runner_on_async_ok, result)

    def v2_on_file_diff(self, result: Any) -> None:
        """Keep the diffs of a task for the end of its play."""
        if self._whole:
            super().v2_on_file_diff(result)
            return
        found, action = _of(result, "result"), str(_of(result, "task").action)
        for one in found.get("results") or [found] if _of(result, "task").loop else [found]:
            diffs = one.get("diff") if one.get("changed") else None
            for diff in diffs if isinstance(diffs, list) else [diffs]:
                if isinstance(diff, Mapping):
                    self._edits.add(diff, self._get_diff(diff), action)
        self._log(super().v2_on_file_diff, result)

    def _tell_edits(self) -> None:
        for text in self._edits.told():
            shown = text if isinstance(text, Painted) else f"  {text}"
            self._display.display(shown, screen_only=True)

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
        """End with the diffs and an account of every host, unless all went well and was only said."""
        if self._whole:
            super().v2_playbook_on_stats(stats)
            return
        self._tell_edits()
        self._log(super().v2_playbook_on_stats, stats)
        troubled = [host for host in stats.processed if stats.failures.get(host)]
        if not troubled and self._all_only_said:
            return
        self._console.heading = ""
        self._display.display("", screen_only=True)
        for host in sorted(stats.processed):
            counts = stats.summarize(host)
            bad = counts["failures"] or counts["unreachable"]
            color = C.COLOR_ERROR if bad else C.COLOR_CHANGED if counts["changed"] else C.COLOR_OK
            self._display.display(digest.accounted(counts, host), color=color, screen_only=True)


def _of(result: Any, name: str) -> Any:
    """An attribute of a task's result; before ansible-core 2.19 its name began with an underscore."""
    return getattr(result, name) if hasattr(result, name) else getattr(result, f"_{name}")

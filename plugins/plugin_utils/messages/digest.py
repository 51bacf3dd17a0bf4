"""What a person reads of a run by default: a line for what was said, for what changed, for what took long.

Pure functions of what a task's result holds; `plugins/callback/out.py` shows them. Failures are not its
subject: they are shown in full.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ROLE = re.compile(r"^[\w.]+ : ")
LONG = 10.0
"""Seconds from which on a task that changed nothing is worth a line of its own."""
LOOKS_TOLD_EVERY = 20.0
"""Seconds between two lines of a task that looks again and again."""
EDIT_LINES = 40
"""Lines of a diff up to which an edit of a file is shown."""
ALWAYS_SHOWN = "coinjecture.migration.node_import"
"""The module that edits the node's own program: its diff is shown whatever its length."""


def named(task: str) -> str:
    """A task's name as it is written, without the role that Ansible puts in front of it."""
    return ROLE.sub("", task.strip(), count=1)


def said(result: Mapping[str, Any], host: str) -> list[str]:
    """What a task says, in lines; the first names its host where the text does not."""
    message = result.get("msg")
    if not result.get("_ansible_verbose_always") or result.get("skipped"):
        return []
    texts = [message] if isinstance(message, str) else message
    if not isinstance(texts, Sequence) or not all(isinstance(text, str) for text in texts):
        return []
    lines = [line for text in texts for line in text.split("\n")]
    if not any(lines) or lines == ["All assertions passed"]:
        return []
    return lines if host in " ".join(lines) else [f"{host}: {lines[0]}", *lines[1:]]


def did(name: str, host: str, result: Mapping[str, Any], seconds: float, *, check: bool) -> str:
    """The line of a task that went well: what it changed, or that it took long; empty for nothing."""
    took = f" ({seconds:.0f} s)" if seconds >= LONG else ""
    if not result.get("changed"):
        return f"{host}: {name}{took}" if took else ""
    items = result.get("results")
    changed = [item for item in items if item.get("changed")] if isinstance(items, Sequence) else []
    many = f" ({len(changed)} times)" if len(changed) > 1 else ""
    return f"{host}: {'would change' if check else 'changed'}: {name}{many}{took}"


def looks_again(name: str, host: str, result: Mapping[str, Any], seconds: float) -> str:
    """The line of a task that waits for something on a host."""
    return f"{host}: {name}: not yet, look {result['attempts']} of {result['retries']}, {seconds:.0f} s"


def accounted(counts: Mapping[str, int], host: str) -> str:
    """What became of a host, with Ansible's own words and not more than 80 columns."""
    shown = (("ok", "ok"), ("changed", "changed"), ("unreachable", "unreachable"), ("failed", "failures"))
    more = [(word, word) for word in ("rescued", "ignored") if counts.get(word)]
    told = " ".join(f"{word}={counts.get(key, 0)}" for word, key in (*shown, *more))
    return f"{host} : {told}"


@dataclass
class Edits:
    """The diffs of a play: edits of files that were there are shown, the rest is counted.

    Attributes:
        shown: Diffs to show, in order.
        files: How many are folded.
        lines: How many lines those have.
    """

    shown: list[str] = field(default_factory=list)
    files: int = 0
    lines: int = 0

    def add(self, diff: Mapping[str, Any], text: str, action: str) -> None:
        """Take a diff: what the module told, how Ansible shows it, and which module it was."""
        before = diff.get("before")
        length = len(text.splitlines())
        edit = "prepared" in diff or (isinstance(before, str) and before != "")
        if not text.strip():
            return
        if action == ALWAYS_SHOWN or (edit and length <= EDIT_LINES):
            self.shown.append(text)
        else:
            self.files, self.lines = self.files + 1, self.lines + length

    def told(self) -> list[str]:
        """What is to be shown; asked again, nothing of it."""
        texts, folded = self.shown, ""
        if self.files:
            files = f"{self.files} file{'s' * (self.files > 1)}"
            folded = f"{'besides ' if texts else ''}{files}, {self.lines:,} lines of diffs; -v shows them"
        self.shown, self.files, self.lines = [], 0, 0
        return [*texts, *([folded] if folded else [])]

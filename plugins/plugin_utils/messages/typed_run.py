"""The command that a person types next, with the inventory, the variables and the limit of this run.

Everything that tells somebody to type a playbook asks `command`. On the controller it knows how this run was
typed; elsewhere, as on a node and in the tests, it knows the place of the playbooks in the clone and no more.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .extra_variables import table
from .old_names import current

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = "ansible-playbook"
PLAIN = re.compile(r"[\w./:@%+,-]+")
SENTENCE = re.compile(r"[\w ./:@%+,;()-]+")
HIDDEN = re.compile(r"pass|secret|token")
# Options that it takes to reach a node, by their names in Ansible.
FLAGS = {"become_ask_pass": "-K", "ask_pass": "-k", "ask_vault_pass": "-J"}
VALUES = {"remote_user": "-u", "private_key_file": "--private-key"}


@dataclass(frozen=True)
class Run:
    """What of a run belongs to the commands after it.

    Attributes:
        playbooks: Folder of the playbooks, from where the person is.
        playbook: The playbook of this run, without its suffix.
        options: Words for inventory and connection, in the order of a command.
        limit: What stands after ``-l``.
        files: Files of extra variables.
        extra: Extra variables by their names.
        asked: Of these, what was meant for this playbook alone.
    """

    playbooks: str = "playbooks"
    playbook: str = ""
    options: Sequence[str] = ()
    limit: str = ""
    files: Sequence[str] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    asked: Mapping[str, Any] = field(default_factory=dict)

    def command(self, playbook: str, limit: str | None = None, **extra: Any) -> str:
        """A command as it is typed where the person is; ``limit`` and ``extra`` rank above this run's."""
        kept = {**self.extra, **(self.asked if playbook == self.playbook else {}), **extra}
        words = [PROGRAM, *self.options, os.path.normpath(f"{self.playbooks}/{playbook}.yml")]
        if limit := self.limit if limit is None else limit:
            words += ["-l", shlex.quote(limit)]
        words += [f"-e {shlex.quote('@' + path)}" for path in self.files]
        return " ".join([*words, *(f"-e {_assigned(name, value)}" for name, value in kept.items())])


def command(playbook: str, limit: str | None = None, **extra: Any) -> str:
    """The command of another playbook in the words of this run; see `Run.command`.

    Args:
        playbook: Its name without folder and suffix.
        limit: What it is limited to; None for what this run is, empty for nothing.
        extra: Further variables.
    """
    return this_run().command(playbook, limit, **extra)


def _assigned(name: str, value: Any) -> str:
    """A variable as it stands after ``-e``."""
    if isinstance(value, str) and PLAIN.fullmatch(value):
        return f"{name}={value}"
    if isinstance(value, str) and SENTENCE.fullmatch(value):
        return f"'{name}=\"{value}\"'"
    return shlex.quote(json.dumps({name: value}))


def this_run() -> Run:
    """How this run was typed, as Ansible has read it; without a run, nothing."""
    try:
        from ansible import constants, context
    except ImportError:
        return Run()
    chosen = context.CLIARGS
    if not chosen.get("args") or "extra_vars" not in chosen:
        return Run()
    playbook = Path(str(chosen["args"][0])).stem
    files, extra = _typed(chosen["extra_vars"])
    kept, asked = _kept(extra)
    return Run(
        playbooks=seen_from_here(ROOT / "playbooks"),
        playbook=playbook,
        options=[*_inventories(chosen, constants), *_connection(chosen, constants)],
        limit=str(chosen.get("subset") or ""),
        files=files,
        extra=kept,
        asked=asked,
    )


def seen_from_here(path: Path) -> str:
    """A path as a person types it: relative inside the clone and below the folder where the person is."""
    here = Path.cwd()
    if path.is_relative_to(here) or (path.is_relative_to(ROOT) and here.is_relative_to(ROOT)):
        return os.path.relpath(path, here)
    return str(path)


def _inventories(chosen: Mapping[str, Any], constants: Any) -> list[str]:
    named = [str(source) for source in chosen.get("inventory") or ()]
    if named == [str(source) for source in constants.DEFAULT_HOST_LIST or ()]:
        return []
    paths = [source if "," in source else seen_from_here(Path(source)) for source in named]
    return [word for path in paths for word in ("-i", shlex.quote(path))]


def _connection(chosen: Mapping[str, Any], constants: Any) -> list[str]:
    flags = [
        flag
        for name, flag in FLAGS.items()
        if chosen.get(name) and not getattr(constants, f"DEFAULT_{name.upper()}", None)
    ]
    values = [
        f"{option} {shlex.quote(str(chosen[name]))}"
        for name, option in VALUES.items()
        if chosen.get(name) and chosen[name] != getattr(constants, f"DEFAULT_{name.upper()}", None)
    ]
    files = [
        f"--vault-password-file {shlex.quote(str(path))}" for path in chosen.get("vault_password_files") or ()
    ]
    return [*flags, *values, *files]


def _typed(options: Sequence[Any]) -> tuple[list[str], dict[str, Any]]:
    """What stands after every ``-e``: the files, and the variables by their names."""
    import yaml
    from ansible.parsing.splitter import parse_kv

    files: list[str] = []
    extra: dict[str, Any] = {}
    for option in map(str, options):
        if option.startswith("@"):
            files.append(option[1:])
        else:
            extra |= yaml.safe_load(option) if option.startswith("{") else parse_kv(option)
    return files, extra


def _kept(extra: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of the variables, those for any playbook and those for this one; what may be a secret is in neither."""
    known = table() if extra else {}
    kept: dict[str, Any] = {}
    asked: dict[str, Any] = {}
    for name, value in current(extra)[0].items():
        if name.startswith("ansible_") and not HIDDEN.search(name):
            kept[name] = value
        elif name in known and not known[name].secret:
            (asked if known[name].playbooks else kept)[name] = value
    return kept, asked

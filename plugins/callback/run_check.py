"""Before the first task of a playbook: is this a run that can do what it was typed for?

Nothing else sees every run: a task is left out by ``--limit``, ``--tags`` and ``--start-at-task``, and then
nothing is done with exit status 0. playbooks/callback_plugins leads to this file and playbooks/collections to
the collection, so that Ansible finds both beside the playbook even where it was started without the clone's
ansible.cfg. Other people's playbooks are left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible import context
from ansible.errors import AnsibleError
from ansible.plugins.callback import CallbackBase
from ansible.release import __version__ as ansible_version

from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.criteria import DEFAULTS
from ansible_collections.coinjecture.migration.plugins.plugin_utils.messages.extra_variables import (
    checked,
    table,
)
from ansible_collections.coinjecture.migration.plugins.plugin_utils.messages.old_names import (
    CRITERIA,
    NAMES,
    VALUES,
    current,
    whole_criteria,
)
from ansible_collections.coinjecture.migration.plugins.plugin_utils.runs.supported import (
    incomplete,
    unsupported,
)

DOCUMENTATION = r"""
name: run_check
type: notification
short_description: Refuses a run that would do nothing, or not what was meant
description:
  - Checks Ansible, the folder, the options, the inventory and the extra variables before the first task.
  - Extra variables get the types of their variables, so that C(-e name=false) is false everywhere.
author: ["The migration toolkit"]
"""

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOKS = ROOT / "playbooks"
REFUSED = 1  # what ansible-playbook itself ends with where a run cannot begin
SETTINGS = {"any_unparsed_is_failed": True, "host_pattern_mismatch": "error"}
"""Of ansible.cfg, section [inventory]: without them a mistyped inventory or limit does less, in silence."""
PLUGINS = (("connection", "ssh"), ("connection", "local"), ("become", "sudo"), ("shell", "sh"))


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Ends the run where it would be in vain."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "coinjecture.migration.run_check"

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Look at the run; ends the process, since Ansible goes on after any error of a callback."""
        plays = [play for play in playbook.get_plays() if _source(play).is_relative_to(PLAYBOOKS)]
        if not plays:
            return
        for reasons in _looks(playbook, plays, self._say):
            if reasons:
                for reason in reasons:
                    self._display.error(reason, wrap_text=False)
                self._display.display("Nothing was asked or changed.")
                raise SystemExit(REFUSED)

    def _say(self, sentence: str) -> None:
        """What a person is told and the run is not refused for."""
        self._display.display(f"[WARNING]: {sentence}", color=C.COLOR_WARN, stderr=True)


def _looks(playbook: Any, plays: list[Any], out: Callable[[str], None]) -> Iterator[list[str]]:
    """What is wrong, look by look; a later one needs what an earlier one has found to be there."""
    yield [reason for reason in (unsupported(ansible_version), incomplete(), _elsewhere()) if reason]
    yield _options()
    manager = plays[0].get_variable_manager()
    inventory = manager._inventory  # nothing public leads to it before the first task
    yield [reason for reason in (_nobody(inventory) or _none_left(inventory, playbook),) if reason]
    yield _variables(manager, plays, out)


def _source(play: Any) -> Path:
    """The file that a play stands in."""
    return Path(play.get_path().rpartition(":")[0]).resolve()


def _elsewhere() -> str:
    """Whether Ansible was started without the clone's ansible.cfg or what matters of it."""
    if C.CONFIG_FILE and Path(C.CONFIG_FILE).resolve() == ROOT / "ansible.cfg":
        return ""
    found = {
        "any_unparsed_is_failed": C.INVENTORY_ANY_UNPARSED_IS_FAILED,
        "host_pattern_mismatch": C.HOST_PATTERN_MISMATCH,
    }
    lacking = [f"{name} = {str(value).lower()}" for name, value in SETTINGS.items() if found[name] != value]
    if not lacking:
        return ""
    why = (
        "Ansible runs without the settings of these playbooks: it reads ansible.cfg of the folder "
        f"where it is started (here {C.CONFIG_FILE or 'there is none'}). "
    )
    if (ROOT / "ansible.cfg").exists():
        return f"{why}Type: cd {ROOT}   and the same command again"
    return f"{why}Put into its section [inventory]: {', '.join(lacking)}"


def _options() -> list[str]:
    """Options that would leave out tasks: each of them stands on those before it."""
    chosen = context.CLIARGS
    wrong = []
    if not {"all", "untagged"} & set(chosen.get("tags") or ["all"]):
        wrong.append(f"--tags {','.join(chosen['tags'])} would leave out every task: the plays have no tags")
    if skipped := {"all", "untagged"} & set(chosen.get("skip_tags") or ()):
        wrong.append(
            f"--skip-tags {','.join(sorted(skipped))} would leave out every task: the plays have no tags"
        )
    for option in ("start_at_task", "step"):
        if chosen.get(option):
            name = f"--{option.replace('_', '-')}"
            wrong.append(
                f"{name} would leave out checks; run it whole: what is done already is not done again"
            )
    return wrong


def _nobody(inventory: Any) -> str:
    """Whether the inventory has no nodes."""
    group = inventory.groups.get("nodes")
    if group is not None and group.get_hosts():
        return ""
    named = ", ".join(context.CLIARGS.get("inventory") or ())
    found = "has no host in the group nodes" if group is not None else "has no group nodes"
    return f"the inventory {named} {found}; inventory/testnet shows how one looks"


def _none_left(inventory: Any, playbook: Any) -> str:
    """Whether no play has a host after ``--limit``."""
    for play in playbook.get_plays():
        try:
            if inventory.get_hosts(play.hosts):
                return ""
        except AnsibleError:
            continue  # a group that this inventory leaves out
    return (
        f"--limit {context.CLIARGS.get('subset')} leaves no host of this playbook, so nothing would be done"
    )


def _variables(manager: Any, plays: list[Any], out: Callable[[str], None]) -> list[str]:
    """Give the extra variables their types, in the run's own dictionary: nothing else ranks above them.

    Old names are taken for the new ones, in what was typed and in what the inventory states.
    """
    extra = manager.extra_vars
    typed, told = current(dict(extra))
    extra.clear()
    try:
        manager._loader.set_basedir(
            str(PLAYBOOKS)
        )  # as Ansible does before each play; group_vars is beside them
        set_without: dict[str, Any] = {}
        for host in manager._inventory.get_hosts("all", ignore_limits=True):
            stated = manager.get_vars(play=plays[0], host=host, include_hostvars=False)
            renamed, heard = _renamed(stated)
            for name, value in renamed.items():
                host.set_variable(name, value)
            told += heard
            set_without.update(stated | renamed)
    finally:
        extra.update(typed)
    playbooks = {_source(play).stem for play in plays}
    values, wrong = checked(typed, table(), set_without, playbooks, _ansibles(typed))
    whole, heard = whole_criteria(set_without | values, DEFAULTS) if CRITERIA in values else ({}, [])
    extra.clear()
    extra.update(values | whole)
    if not getattr(manager, "old_names_said", False):  # this check may be loaded twice
        manager.old_names_said = True
        for sentence in dict.fromkeys(told + heard):
            out(sentence)
    return wrong


def _renamed(stated: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What an inventory states of a host under an old name, under the new one; and what to say of it."""
    known = {name: stated[name] for name in (*NAMES, *NAMES.values(), *VALUES) if name in stated}
    taken, told = current(known)
    whole, heard = whole_criteria(stated, DEFAULTS)
    return {name: value for name, value in taken.items() if known.get(name) != value} | whole, told + heard


def _ansibles(typed: dict[str, Any]) -> set[str]:
    """Names of variables that are Ansible's own: of connections, of privileges, of interpreters."""
    names = {name for names in C.MAGIC_VARIABLE_MAPPING.values() for name in names}
    for kind, plugin in PLUGINS:
        names |= set(C.config.get_plugin_vars(kind, plugin))
    return names | {name for name in typed if name.startswith("ansible_") and name.endswith("_interpreter")}

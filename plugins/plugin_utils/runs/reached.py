"""A node that cannot be asked: it is silent, lets nobody in, or grants no rights. For the controller alone.

Each of these is an answer of its own. To Ansible all are an unreachable node (exit status 4), so that a play
that expects some goes on and says which, and none is taken for one that has said something.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError

PASSWORD = ("missing sudo password", "a password is required")
WRONG = ("incorrect sudo password", "try again")
SUDO = (*PASSWORD, *WRONG, "sudo:", "is not allowed to execute", "is not in the sudoers")
NO_KEY = re.compile(r"Identity file (.+?) not accessible")
RIGHTS = "docs/runbook.md, When something is wrong"


def asked(
    ask: Callable[[], dict[str, Any]], host: str, user: str, raised: Sequence[str] = SUDO
) -> dict[str, Any]:
    """What a node answers, or ``unreachable`` with a sentence in ``msg``.

    Args:
        ask: Asks it, as an action plugin does.
        host: Its name in the inventory.
        user: Who asks.
        raised: Signs in an error of Ansible that tell of a missing right; with none given every error does.

    Raises:
        AnsibleError: Something else went wrong than reaching the node.
    """
    try:
        answer = ask()
    except AnsibleConnectionFailure as error:
        return unreachable(silent(host, str(error)))
    except AnsibleError as error:  # the ssh connection says so of sudo
        if raised and not _signs(str(error), raised):
            raise
        return unreachable(refused(host, user, str(error)))
    words = f"{answer.get('module_stderr', '')} {answer.get('module_stdout', '')}".strip()
    if answer.get("failed") and _signs(words, SUDO):
        return unreachable(refused(host, user, words))
    if answer.get("unreachable"):
        return unreachable(silent(host, str(answer.get("msg"))))
    return answer


def named(task: Any, task_vars: Mapping[str, Any]) -> tuple[str, str]:
    """The node that a task asks and the user it asks as, by delegation too."""
    host = str(task.delegate_to or task_vars["inventory_hostname"])
    of_host = (task_vars.get("ansible_delegated_vars") or {}).get(host) or task_vars
    return host, str(of_host.get("ansible_user") or "this user")


def unreachable(why: str) -> dict[str, Any]:
    """The result of a task on a node that could not be asked."""
    return {"unreachable": True, "changed": False, "msg": why}


def silent(host: str, cause: str) -> str:
    """A node that ssh did not bring anybody to, with ssh's own words for it."""
    last = " ".join(cause.rpartition("ssh: ")[2].split()).rstrip(".")
    if "permission denied" in last.lower() and (missing := NO_KEY.search(cause)):
        named = f"{missing[1]} is not there: name yours with --private-key"
        return f"{host} lets nobody in without a key, and {named}"
    if "permission denied" in last.lower():
        return f"{host} does not let this user in: {last}"
    if "host key is known for" in last.lower():
        return f"{host}: this controller does not know its host key; compare it, then enter it: {last}"
    if "host key verification failed" in last.lower():
        return f"{host} is not the machine that this controller knows: {last}"
    return f"{host} does not answer: {last}"


def refused(host: str, user: str, cause: str) -> str:
    """A node where this user may not do what the plays do."""
    words = " ".join(cause.rpartition("Standard Error")[2].split())  # before it, how Ansible noticed
    if _signs(words, WRONG):
        return f"{host}: sudo does not take this password of {user}"
    if _signs(words, PASSWORD):
        return (
            f"{host}: sudo wants a password of {user}, or does not allow the commands: type -K and it is "
            f"asked for, or grant them without one (the rule is in {RIGHTS})"
        )
    return f"{host}: {user} cannot work there as root: {words or 'no reason was given'} ({RIGHTS})"


def _signs(words: str, signs: Sequence[str]) -> bool:
    return any(sign in words.lower() for sign in signs)

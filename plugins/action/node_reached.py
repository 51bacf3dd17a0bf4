"""Action: does a node answer, and may this user work there as the plays do? Told in a sentence where not."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

PASSWORD = ("missing sudo password", "a password is required")
WRONG = ("incorrect sudo password", "try again")
RIGHTS = "docs/runbook.md, When something is wrong"


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs ``true`` on the node, as root where the task asks for that; changes nothing."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Ask once; what goes wrong is put into words."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        host = str(task_vars["inventory_hostname"])
        user = str(task_vars.get("ansible_user") or "this user")
        try:
            answer = self._low_level_execute_command("true")
        except AnsibleConnectionFailure as error:
            return result | {"unreachable": True, "changed": False, "msg": silent(host, str(error))}
        except AnsibleError as error:  # the ssh connection says so of sudo
            return result | {"failed": True, "msg": refused(host, user, str(error))}
        if answer.get("rc") != 0:
            words = f"{answer.get('stderr', '')} {answer.get('stdout', '')}".strip()
            return result | {"failed": True, "msg": refused(host, user, words)}
        return result | {"changed": False}


def silent(host: str, cause: str) -> str:
    """A node that does not answer, with ssh's own words for it."""
    last = " ".join(cause.rpartition("ssh: ")[2].split()).rstrip(".")
    return f"{host} does not answer: {last}. Nothing was changed on it"


def refused(host: str, user: str, cause: str) -> str:
    """A node where this user may not do what the plays do."""
    words = " ".join(cause.rpartition("Standard Error")[2].split())  # before it, how Ansible noticed
    if any(sign in words.lower() for sign in WRONG):
        return f"{host}: sudo does not take this password of {user}"
    if any(sign in words.lower() for sign in PASSWORD):
        return (
            f"{host}: sudo wants a password of {user}, or does not allow the commands: type -K and it is "
            f"asked for, or grant them without one (the rule is in {RIGHTS})"
        )
    return f"{host}: {user} cannot work there as root: {words or 'no reason was given'} ({RIGHTS})"

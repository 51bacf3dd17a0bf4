"""The five questions an operator has before a migration, answered from what was measured. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..messages.typed_run import command

QUESTIONS = ("toolchain", "downtime", "monitoring", "rollback", "users to notify")


def answers(facts: Mapping[str, Any]) -> list[str]:
    """The five answers, each a line.

    Args:
        facts: ``node``; ``build_host`` and ``rustc`` (what the compiler there says, empty without one);
            ``http_date`` (whether the node's API answers in plain HTTP with a Date header);
            ``restart_strategy``; ``exporter`` (state of the metrics unit, empty where there is none);
            ``backup`` (where the chain is copied to); ``clients`` (addresses with an open connection to
            the API now); ``apart`` (whether another program than ``unit`` serves users, at ``served_at``).
    """
    told = (_toolchain(facts), _downtime(facts), _monitoring(facts), _rollback(facts), _users(facts))
    return [f"{question}: {answer}" for question, answer in zip(QUESTIONS, told, strict=True)]


def _toolchain(facts: Mapping[str, Any]) -> str:
    host = facts["build_host"]
    missing = "missing now; phase 1 installs it from the distribution"
    there = f"there now: {facts['rustc']}" if facts["rustc"] else missing
    return f"needed on {host} alone, once, to build the wheel ({there}); every node installs those bytes"


def _downtime(facts: Mapping[str, Any]) -> str:
    node = facts["node"]
    if facts["apart"]:
        return (
            f"none: {facts['unit']} takes no connection of a user, but {facts['served_at']} does, so its "
            "restart, once in phase 1 and once in complete.yml, cuts none"
        )
    if facts["restart_strategy"] != "seamless":
        return f"restart_strategy is {facts['restart_strategy']}: users of {node} notice its restarts"
    if not facts["http_date"]:
        return (
            f"the API of {node} gives no Date header over plain HTTP, so its restart cannot be hidden: "
            "it is refused before anything is touched, unless restart_strategy is set to forced or plain"
        )
    return (
        f"none: {node} restarts once in phase 1 and once in complete.yml, while new requests wait and "
        "none fails; all other steps need no restart"
    )


def _monitoring(facts: Mapping[str, Any]) -> str:
    node = facts["node"]
    if not facts["exporter"]:
        return f"no metrics on {node} yet; {command('monitoring', '')} brings metrics, rules and alerts"
    return f"the metrics unit of {node} is {facts['exporter']}; {command('status')} shows it at a terminal"


def _rollback(facts: Mapping[str, Any]) -> str:
    return (
        f"at any time, {command('rollback', facts['node'])}: one step back, without a restart where the "
        f"wrapper answers; the chain as it was is kept in {facts['backup']}"
    )


def _users(facts: Mapping[str, Any]) -> str:
    count = len(set(facts["clients"]))
    now = f"{count} addresses are connected to {facts['node']} now"
    if facts["apart"]:
        return f"nobody has to be; {now}, and stay so"
    if facts["restart_strategy"] == "seamless" and facts["http_date"]:
        return f"nobody has to be; {now}, and each reconnects once when the node restarts"
    return f"all users of {facts['node']} before each restart; {now}"

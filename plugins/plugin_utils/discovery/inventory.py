"""The inventory that discovery writes, for a person to review: hosts, and settings with their reasons."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

CONNECTION = (
    *("ansible_host", "ansible_port", "ansible_user", "ansible_connection", "ansible_python_interpreter"),
    *("ansible_ssh_private_key_file", "ansible_ssh_common_args", "ansible_become", "ansible_become_method"),
    *("ansible_become_exe", "droplet_address"),
)
"""How a host is reached, as far as it is no secret."""
WIDTH = 120

Settings = Sequence[Mapping[str, Any]]
"""Settings of a host, each with ``name``, ``value`` and ``why``."""


def connection(variables: Mapping[str, Any]) -> dict[str, Any]:
    """How a host is reached, of its variables; the rest and every secret stay where they are."""
    found = {}
    for name in CONNECTION:
        if name in variables and (value := variables[name]) not in (None, ""):
            plain = isinstance(value, bool | int)
            found[name] = value if plain else str(value)
    return found


def files(nodes: Mapping[str, Mapping[str, Any]], left_out: Sequence[str] = ()) -> dict[str, str]:
    """The files of an inventory, by their path in its folder.

    Args:
        nodes: By host ``connection`` and ``settings``, in the order in which they migrate.
        left_out: Hosts of which nothing is known, to be named in it.
    """
    if not nodes:
        return {}
    shared, own = _split({name: node["settings"] for name, node in nodes.items()})
    written = {"hosts.yml": _hosts(nodes, left_out), "group_vars/nodes/node.yml": _settings(shared, COMMON)}
    for name, settings in own.items():
        if settings:
            written[f"host_vars/{name}.yml"] = _settings(settings, f"What {name} has for itself.")
    return written


COMMON = (
    "How these nodes are laid out, as their running hosts tell it, where that differs from "
    "playbooks/group_vars/all/node.yml. Review each line, then copy this folder to inventory/."
)


def _split(nodes: Mapping[str, Settings]) -> tuple[Settings, dict[str, Settings]]:
    """What all hosts have alike, and what is left for each."""
    first = next(iter(nodes.values()))
    alike = [
        one
        for one in first
        if all(
            any(it["name"] == one["name"] and it["value"] == one["value"] for it in settings)
            for settings in nodes.values()
        )
    ]
    names = [one["name"] for one in alike]
    return alike, {
        name: [one for one in settings if one["name"] not in names] for name, settings in nodes.items()
    }


def _hosts(nodes: Mapping[str, Mapping[str, Any]], left_out: Sequence[str]) -> str:
    told = "The hosts that were asked, in the order in which they migrate; the first one is the canary."
    if left_out:
        told += f" Not asked, or without one answer: {', '.join(left_out)}."
    hosts = {name: dict(node["connection"]) for name, node in nodes.items()}
    return f"---\n{_comment(told)}{_yaml({'nodes': {'hosts': hosts}})}"


def _settings(settings: Settings, told: str) -> str:
    parts = [f"---\n{_comment(told)}"]
    if not settings:
        parts.append("# Nothing differs.\n{}\n")
    for one in settings:
        parts.append(f"{_comment(one['why'] + '.')}{_yaml({one['name']: one['value']})}")
    return "\n".join(parts)


def _comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, WIDTH, break_long_words=False))


def _yaml(value: Any) -> str:
    """YAML without aliases, as a person writes it."""
    return str(yaml.safe_dump(_plain(value), sort_keys=False, width=10_000, allow_unicode=True))


def _plain(value: Any) -> Any:
    """The same in plain types: Ansible marks where a value comes from by types of its own."""
    if isinstance(value, Mapping):
        return {_text(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, bool) or value is None:
        return value
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    return _text(value)


def _text(value: Any) -> str:
    return str.__str__(str(value))  # a type of Ansible's may give itself

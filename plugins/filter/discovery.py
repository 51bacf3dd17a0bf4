"""Filters that put what was found on a host before a play."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..plugin_utils.discovery import inventory
from ..plugin_utils.discovery.outcome import Outcome, Setting
from ..plugin_utils.discovery.screen import lines
from ..plugin_utils.messages.typed_run import seen_from_here, this_run


def discovery_lines(registered: Mapping[str, Any], name: str, refused: Sequence[str] = ()) -> list[str]:
    """The screen of one host, from what ``discover_info`` gave; see `screen.lines`."""
    told = dict(registered["outcome"])
    settings = [Setting(**one) for one in told.pop("settings")]
    return lines(name, registered["found"], Outcome(settings=settings, **told), refused)


def discovered_inventory(hosts: Sequence[Mapping[str, Any]], left_out: Sequence[str]) -> dict[str, str]:
    """The files of an inventory of these hosts, from all their variables; see `inventory.files`."""
    nodes = {
        str(host["inventory_hostname"]): {
            "connection": inventory.connection(host),
            "settings": host["discover_found"]["outcome"]["settings"],
        }
        for host in hosts
    }
    return inventory.files(nodes, left_out)


def discovered_command(playbook: str, folder: str) -> str:
    """The command of a playbook with another inventory than this run's."""
    run = this_run()
    words = list(run.options)
    while "-i" in words:
        at = words.index("-i")
        del words[at : at + 2]
    chosen = ["-i", shlex.quote(str(seen_from_here(Path(folder))))]
    kept = {name: value for name, value in run.extra.items() if not name.startswith("discover_")}
    return replace(run, options=[*chosen, *words], limit="", extra=kept).command(playbook, "")


class FilterModule:
    """Names of the filters for Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Every filter by its name in a template."""
        return {
            "discovery_lines": discovery_lines,
            "discovered_inventory": discovered_inventory,
            "discovered_command": discovered_command,
        }

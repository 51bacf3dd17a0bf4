"""Filters of playbooks/monitoring.yml: what of the inventory the monitoring has to know."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ..plugin_utils.messages.typed_run import command


def soak_required(phases: Sequence[Mapping[str, Any]], node: str, nodes: Sequence[str]) -> dict[str, int]:
    """Seconds that a soak of a node has to last, by mode, before everything that waits for it may start.

    The next node waits for `soak_between_nodes`, the next phase for `soak_after`; nothing comes after the
    last node but the next phase.
    """
    try:
        last = node == nodes[-1]
        return {
            phase["mode"]: int(phase["soak_after"])
            if last
            else max(int(phase["soak_between_nodes"]), int(phase["soak_after"]))
            for phase in phases
        }
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise AnsibleFilterError(f"phases cannot be read: {error!r}") from error


def scrape_targets(names: Sequence[str], addresses: Sequence[str], port: int) -> list[dict[str, str]]:
    """What Prometheus scrapes of each host: `name` and `address` with its port."""
    return [
        {"name": name, "address": f"{address}:{int(port)}"}
        for name, address in zip(names, addresses, strict=True)
    ]


def scrape_nodes(
    names: Sequence[str], addresses: Sequence[str], apis: Sequence[str], port: int
) -> list[dict[str, str]]:
    """What Prometheus scrapes of each node: `name`, `metrics` (address and port) and `api` (a URL)."""
    return [
        {"name": target["name"], "metrics": target["address"], "api": api.rstrip("/")}
        for target, api in zip(scrape_targets(names, addresses, port), apis, strict=True)
    ]


def monitoring_reached(login: Mapping[str, Any], services: Mapping[str, str]) -> list[str]:
    """How a person reads what the monitoring host shows, and the next command.

    Args:
        login: ``host``, ``port``, ``user``, ``key`` and ``arguments`` of ssh, empty where ssh's own count;
            ``connection``, another one than ssh where it is this machine.
        services: Address and port of each service on that host, or a whole URL; empty where there is none.
    """
    lines = [
        f"{name:<14}{_shown(address) or 'none was set up (docs/alerts.md, Grafana)'}"
        for name, address in services.items()
    ]
    if login["connection"] in ("ssh", "smart"):
        tunnels = [where for where in services.values() if where and "://" not in where]
        words = ["ssh", "-N", *(f"-L {where.rpartition(':')[2]}:{where}" for where in tunnels)]
        words += [f"-p {login['port']}"] if login["port"] else []
        words += [f"-i {shlex.quote(str(login['key']))}"] if login["key"] else []
        words += [" ".join(str(login["arguments"]).split())] if login["arguments"] else []
        to = f"{login['user']}@{login['host']}" if login["user"] else str(login["host"])
        lines += ["They listen on their own host alone. Open the way in another terminal and leave it open:"]
        lines += [" ".join([*words, to])]
    return [*lines, "Next, whatever the state of the migration:", command("status", "")]


def _shown(address: str) -> str:
    """Where a browser finds a service; through the tunnel, at this machine's own address."""
    return address if not address or "://" in address else f"http://127.0.0.1:{address.rpartition(':')[2]}"


class FilterModule:
    """What Ansible asks a file of filters for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {
            "soak_required": soak_required,
            "scrape_targets": scrape_targets,
            "scrape_nodes": scrape_nodes,
            "monitoring_reached": monitoring_reached,
        }

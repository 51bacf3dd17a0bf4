"""Filters of playbooks/monitoring.yml: what of the inventory the monitoring has to know."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError


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


class FilterModule:
    """What Ansible asks a file of filters for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {
            "soak_required": soak_required,
            "scrape_targets": scrape_targets,
            "scrape_nodes": scrape_nodes,
        }

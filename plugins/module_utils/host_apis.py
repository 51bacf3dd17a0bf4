"""At which ports of a host the chain of a node is told, and whose ports they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from . import api_found
from .proxies import Forwarded

EVERY = ("", "::", ".".join("0000"))
"""Addresses of a socket that every address of the host reaches."""


@dataclass(frozen=True)
class Port:
    """A port that may tell the chain.

    Attributes:
        port: The port.
        unit: Whose processes answer there.
        address: Where it is bound; that of a proxy is not known.
        proxy: The unit of the program that hands it on; empty where the unit itself has it.
        target: Where the proxy hands it to.
    """

    port: int
    unit: str
    address: str = ""
    proxy: str = ""
    target: str = ""

    @property
    def loopback(self) -> bool:
        """Whether only this host reaches it."""
        return self.address.startswith("127.") or self.address == "::1"

    @property
    def asked_at(self) -> str:
        """The address at which this host asks."""
        return "127.0.0.1" if self.address in EVERY else self.address


def ports(
    units: Sequence[Mapping[str, Any]], forwarded: Sequence[Forwarded], running: Collection[str]
) -> list[Port]:
    """Every port of some units, and every port of a proxy that leads to one of them, by number.

    Args:
        units: With their ``sockets``.
        forwarded: What proxies are told to hand on.
        running: The units that run; a proxy is one that has its program's name.
    """
    own: dict[int, Port] = {}
    targets: dict[str, str] = {}
    for unit in units:
        for one in unit["sockets"]:
            if not one["port"]:
                targets[f"unix:{one['address']}"] = unit["unit"]
                continue
            known = own.setdefault(one["port"], Port(one["port"], unit["unit"], one["address"]))
            if one["address"] in EVERY:
                own[one["port"]] = replace(known, address=one["address"])
            names = ("127.0.0.1", "localhost", "[::1]", *EVERY, one["address"])
            targets |= {f"{name}:{one['port']}": unit["unit"] for name in names}
    for step in forwarded:
        proxy = f"{step.proxy}.service"
        if step.target in targets and step.listen not in own and proxy in running:
            own[step.listen] = Port(step.listen, targets[step.target], "", proxy, step.target)
    return [own[number] for number in sorted(own)]


def apis(found: Sequence[Port]) -> list[dict[str, Any]]:
    """Those ports that tell a newest block, with how they are read."""
    told = []
    for one in found:
        if (shape := api_found.shape(api_found.asking(one.port, one.asked_at))) is not None:
            told.append({**vars(one), "loopback": one.loopback, **shape})
    return told

"""Waves: which nodes of a network take a step side by side. Pure; the same rule as Ansible's ``serial``."""

from __future__ import annotations

from collections.abc import Sequence

Size = int | str
"""How many nodes a wave has: a number, or a percentage of all nodes such as ``"25%"``."""


def waves(order: Sequence[str], sizes: Size | Sequence[Size]) -> list[list[str]]:
    """Cut the nodes into waves; the last size holds for all that are left.

    Args:
        order: The nodes in the order in which they migrate.
        sizes: One size or several, as `serial` takes them: a canary, then percentages, for example.

    Raises:
        ValueError: A size is neither a positive number nor a percentage from 1 to 100, or there is none.
    """
    listed = [sizes] if isinstance(sizes, int | str) else list(sizes)
    if not listed:
        raise ValueError("step_serial names no size of a wave")
    counts = [_count(size, len(order)) for size in listed]
    left = list(order)
    cut: list[list[str]] = []
    while left:
        count = counts[min(len(cut), len(counts) - 1)]
        cut.append(left[:count])
        left = left[count:]
    return cut


def before(node: str, order: Sequence[str], sizes: Size | Sequence[Size]) -> list[str]:
    """The nodes of every earlier wave: those that have to have soaked before ``node``."""
    earlier: list[str] = []
    for wave in waves(order, sizes):
        if node in wave:
            return earlier
        earlier += wave
    raise ValueError(f"{node} is no node of this network")


def _count(size: Size, total: int) -> int:
    text = str(size).strip()
    number = text.removesuffix("%")
    share = text.endswith("%")
    if isinstance(size, bool) or not number.isdecimal() or int(number) < 1 or (share and int(number) > 100):
        raise ValueError(f"step_serial: {size!r} is no size of a wave; use a number from 1, or 1% to 100%")
    return max(total * int(number) // 100, 1) if share else int(number)

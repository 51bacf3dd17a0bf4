"""What cannot be proved of a node that keeps no log of blocks, said before anything is touched. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ..messages.typed_run import command


def without_log(tables: Mapping[str, int], node: str, database: str) -> list[str]:
    """What an operator is told of such a node.

    Args:
        tables: Rows of each table that its database has.
        node: Its name.
        database: Path of that database, in which nothing is a block that could be judged again.
    """
    found = ", ".join(f"{name} {rows}" for name, rows in sorted(tables.items())) or "no table"
    return [
        f"{node} keeps no log of blocks (coinjecture_log_query is empty; {database} has {found}):",
        "- Not proved there: that both engines judge its past blocks alike, and that these lie inside the "
        "parity domain. No block can be made of what is stored, so there is no replay, and a divergence on "
        "an old block shows only if that block comes again.",
        "- In its place the gate counts blocks that both engines judge live, the rejects among them, and the "
        f"self-check, which judges blocks of the tree again: {command('gate', node)}",
        "- Its tree lives in the process alone. The restart that brings the wrapper in leaves it with the "
        "genesis, as any restart did before, until its peers have sent what is missing; so does the one that "
        "takes the wrapper out. In between the wrapper carries it from one process to the next.",
    ]

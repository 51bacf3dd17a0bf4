"""What the database of a deployed node tells. It keeps no block that could be judged again.

`work_index` has a row for every insertion into the tree, in order; `headers` has the best chain, with the
parent of each block. Where the tip leaves a block that is not on it any more, the parent of the new tip says
whether the chain was reorganised; of a tip that was left again nobody knows the parent, so depths are the
least that they can have been.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path

from testnet.rehearsal.chain import ChainStory, DatabaseError


def read_story(database: Path) -> ChainStory:
    """Read a consistent copy of a node's `blockchain.db`.

    Raises:
        DatabaseError: The file is none.
    """
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
            inserted = connection.execute(
                "SELECT height, cumulative_work, block_hash FROM work_index ORDER BY rowid"
            ).fetchall()
            rows = connection.execute("SELECT height, header_hash, header_bytes FROM headers").fetchall()
    except sqlite3.Error as error:
        raise DatabaseError(f"{database}: {error}") from error
    parents = {row[1].decode(): json.loads(row[2])["previous_hash"] for row in rows}
    return ChainStory(
        stored=frozenset(row[2].decode() for row in inserted),
        best={height: block_hash.decode() for height, block_hash, _ in rows},
        transactions={},
        reorgs=moves([(height, work, raw.decode()) for height, work, raw in inserted], parents),
    )


def moves(inserted: Iterable[tuple[int, int, str]], parents: Mapping[str, str]) -> list[int]:
    """Depths of the reorganisations, at least.

    Args:
        inserted: Height, cumulative work and hash of every insertion, in order.
        parents: The parent of each block on the best chain.
    """
    depths: list[int] = []
    tip_height, tip_work, tip = -1, -1, ""
    for height, work, block_hash in inserted:
        if work <= tip_work:
            continue
        left = tip_height - height + 1
        if tip and left < 1 and parents.get(block_hash, tip) != tip:
            left = 1
        if tip and left > 0:
            depths.append(left)
        tip_height, tip_work, tip = height, work, block_hash
    return depths

"""The miner of form B, a program of its own: asks the API for the tip and submits what it has mined."""

import random
import sys
import time
from pathlib import Path

sys.path.append("src")

from mining import Parent, mine
from settings import read_settings
from wire import encode, get, post


def mine_one(url: str, draw: random.Random) -> int:
    """Mine on what the node says is its tip; returns the height of the new block.

    Raises:
        OSError: The node does not answer.
        ValueError: It answers with something else.
        KeyError: Likewise.
    """
    tip = get(f"{url}/v1/data/block/latest")["data"]
    parent = Parent(tip["index"], tip["timestamp"], tip["block_hash"], tip["cumulative_work_score"])
    block = mine(parent, draw)
    post(f"{url}/v1/mining/submit", encode(block))
    return block.index


def main() -> None:
    """Mine until the process is ended. The configuration is read again for every block."""
    draw = random.SystemRandom()
    while True:
        settings = read_settings(Path("config.json"))
        time.sleep(draw.uniform(settings.min_interval_s, settings.max_interval_s))
        if not settings.mining:
            continue
        try:
            print(f"mined block {mine_one(settings.url, draw)}")
        except (OSError, ValueError, KeyError) as error:
            print(f"the node is not there: {error!r}")


if __name__ == "__main__":
    main()

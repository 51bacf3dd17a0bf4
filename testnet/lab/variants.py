"""The nodes that the network can be made of, as data: one image and one plan of droplets for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

VARIANT_LABEL = "coinjecture.node"
"""Label of every droplet; its value is the name of the variant that it was made for."""


@dataclass(frozen=True)
class Variant:
    """A kind of node.

    Attributes:
        name: What is typed after `--node`.
        inventory: The inventory of the local network made of it, from the root of the clone.
        api_port: Where its droplet serves users.
        units: Its units, the one that judges first.
        block_hash: Keys that lead to the hash in its API's answer about a block.
    """

    name: str
    inventory: str
    api_port: int
    units: tuple[str, ...]
    block_hash: tuple[str, ...]

    @property
    def unit(self) -> str:
        """The unit that judges blocks, and is restarted."""
        return self.units[0]

    def hash_of(self, answer: Any) -> str:
        """The hash of the block that the API has answered.

        Raises:
            KeyError: The answer is about no block.
        """
        for key in self.block_hash:
            answer = answer[key]
        return str(answer)


REFERENCE = Variant("reference", "inventory/local", 8080, ("coinjecture-node.service",), ("hash",))
DEPLOYED_A = Variant(
    "deployed-a",
    "inventory/examples/deployed-a",
    8080,
    ("coinjecture.service",),
    ("data", "block_hash"),
)
DEPLOYED_B = Variant(
    "deployed-b",
    "inventory/examples/deployed-b",
    5000,
    (
        "coinjecture-consensus.service",
        "coinjecture-api.service",
        "coinjecture-miner.service",
        "nginx.service",
    ),
    ("data", "block_hash"),
)
VARIANTS = {variant.name: variant for variant in (REFERENCE, DEPLOYED_A, DEPLOYED_B)}

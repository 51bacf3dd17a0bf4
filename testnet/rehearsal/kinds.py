"""How a rehearsal reads the nodes of each kind, and stops their miners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from testnet.lab.variants import DEPLOYED_A, DEPLOYED_B, REFERENCE, Variant
from testnet.rehearsal import chain, deployed_chain

HOME_A, HOME_B = "/home/coinjecture/COINjecture", "/opt/coinjecture"


@dataclass(frozen=True)
class Kind:
    """What a rehearsal knows of a node, beside what its operator is told.

    Attributes:
        variant: The node in the lab.
        python: Its interpreter.
        source: The folder in which the wrapper lies.
        database: Its chain on its disk.
        config: Its configuration, a JSON file.
        mining: Keys in it that lead to the switch of its miner.
        reloads: Whether it reads that again only when it is told by SIGHUP.
        receipts: SQL for the moments at which blocks came first, in seconds since the epoch.
        read_story: What a copy of the database tells.
    """

    variant: Variant
    python: str
    source: str
    database: str
    config: str
    mining: tuple[str, ...]
    reloads: bool
    receipts: str
    read_story: Callable[[Path], chain.ChainStory]

    @property
    def control(self) -> tuple[str, str]:
        """The command of the wrapper's control socket."""
        return self.python, f"{self.source}/coinjecture_migration/ctl.py"

    @property
    def stop_mining(self) -> str:
        """A script that switches the miner off as an operator of this node would, but for the SIGHUP."""
        return STOP_MINING.format(config=self.config, keys=self.mining)


STOP_MINING = """
import json, pathlib
path = pathlib.Path({config!r})
config = json.loads(path.read_text())
*before, last = {keys!r}
section = config
for key in before:
    section = section[key]
section[last] = False
path.write_text(json.dumps(config, indent=1) + "\\n")
"""

REFERENCE_KIND = Kind(
    REFERENCE,
    "/opt/coinjecture/venv/bin/python",
    "/opt/coinjecture/src",
    "/var/lib/coinjecture/chain.db",
    "/etc/coinjecture/node.json",
    ("mining", "enabled"),
    reloads=True,
    # A block sent again is a second row.
    receipts="SELECT min(received_at) FROM blocks GROUP BY hash",
    read_story=chain.read_reference,
)
KINDS = {
    REFERENCE.name: REFERENCE_KIND,
    **{
        variant.name: Kind(
            variant,
            f"{home}/{python}",
            f"{home}/src",
            f"{home}/data/blockchain.db",
            f"{home}/config.json",
            ("mining",),
            reloads=False,
            receipts="SELECT min(seen) FROM tips GROUP BY tip_hash",
            read_story=deployed_chain.read_story,
        )
        for variant, home, python in (
            (DEPLOYED_A, HOME_A, "venv/bin/python"),
            (DEPLOYED_B, HOME_B, ".venv/bin/python3"),
        )
    },
}

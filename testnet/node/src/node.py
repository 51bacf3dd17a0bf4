"""The node: judges blocks from its miner and its peers, keeps them, and answers clients.

    node.py --config /etc/coinjecture/node.json

Threads: libp2p (trio) in the main one, the HTTP API (asyncio) and the miner in one each. All of them judge
through one engine, under one lock that is held from judging to the block's row in the log. SIGTERM ends the
process at once: what was acknowledged is on disk. SIGHUP reads the section `mining` again.
"""

# The two imports of a sibling serve a package and a plain folder; a type checker sees only one of them.
# mypy: disable-error-code="import-not-found, no-redef"

import argparse
import importlib
import json
import logging
import os
import secrets
import signal
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

try:
    from .consensus import ConsensusConfig, ConsensusEngine, ValidationError
except ImportError:
    from consensus import ConsensusConfig, ConsensusEngine, ValidationError

try:
    from .api import Api
    from .chain import BestChain, ChainEntry
    from .pow import Miner, ProblemRegistry, Template
    from .settings import MiningSettings, Settings, SettingsError, read_settings
    from .storage import Storage, StorageError
except ImportError:
    from api import Api
    from chain import BestChain, ChainEntry
    from pow import Miner, ProblemRegistry, Template
    from settings import MiningSettings, Settings, SettingsError, read_settings
    from storage import Storage, StorageError

log = logging.getLogger("coinjecture.node")

EXIT_CANNOT_START = 2
EXIT_STORAGE_FAILED = 3
TRANSACTIONS_PER_BLOCK = 200
MINER_RETRY_S = 1.0
PEERS_FIRST_S = 5.0


def solver_module(name: str) -> ModuleType | None:
    """The module that a configuration names for solving problems, None where it names none.

    Raises:
        SettingsError: It cannot be imported, or is no solver.
    """
    if not name:
        return None
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise SettingsError(
            f"mining.solver: {name!r} cannot be imported ({error}), leave it out to use the node's own"
        ) from error
    for function in ("solve_subset_sum", "verify_subset_sum"):
        if not callable(getattr(module, function, None)):
            raise SettingsError(f"mining.solver: {name!r} has no {function}, leave it out")
    return module


class Node:
    """Engine, storage and best chain behind one lock."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.started = time.time()
        self.accepted = 0
        self.errors = 0
        self.rejected: Counter[str] = Counter()
        self.reorgs = 0
        self.deepest_reorg = 0
        self.publish: Callable[[bytes], None] = lambda _raw: None
        self.lock = threading.Lock()
        self.storage = Storage(settings.data_dir / "chain.db")
        self.registry = ProblemRegistry(solver_module(settings.mining.solver))
        self.engine = ConsensusEngine(ConsensusConfig(**settings.consensus), self.storage, self.registry)
        self.chain = BestChain()
        self.chain.follow(self.engine.best_tip, self.engine.block_tree)
        for tx_id, body in self.storage.transactions():
            self.chain.add_transaction(tx_id, json.loads(body))
        log.info(
            "engine ready: height %s, %d blocks in the log, %.2f s",
            self.chain.tip.height,
            self.storage.count_blocks(),
            time.time() - self.started,
        )

    # Blocks

    def accept(self, block: dict[str, Any], raw: bytes) -> None:
        """Judge a block; an accepted one is in the log when this returns.

        Raises:
            ValidationError: The block is rejected.
        """
        with self.lock:
            try:
                with self.storage.transaction():
                    self.engine.verify_block(block)
                    received_at = self.engine.block_tree[block["block_hash"]].receipt_time
                    self.storage.append_block(raw, received_at)
                self.accepted += 1
            except ValidationError as error:
                reason = getattr(error, "reason", None) or "no_rule"
                self.rejected[reason] += 1
                log.info("block rejected: %s", reason)
                raise
            except (sqlite3.Error, OSError) as error:
                stop_for_storage(error)
            finally:
                # A rejected block can have moved the tip, where its sum is no finite number.
                self._follow_tip()

    def _follow_tip(self) -> None:
        advance = self.chain.follow(self.engine.best_tip, self.engine.block_tree)
        if advance.removed:
            self.reorgs += 1
            self.deepest_reorg = max(self.deepest_reorg, advance.removed)
            log.info("reorg: %d blocks left the best chain, %d joined", advance.removed, advance.added)

    def receive_block(self, raw: bytes) -> str:
        """Judge a block from gossip. Returns `accepted`, `unreadable`, `error` or the reject's reason."""
        try:
            block = read_block(raw)
        except ValueError:
            log.info("message dropped: no block in it")
            return "unreadable"
        try:
            self.accept(block, raw)
        except ValidationError as error:
            return getattr(error, "reason", None) or "no_rule"
        except Exception:
            # Neither a verdict nor storage: the engine failed on this block, and the next one may be fine.
            self.errors += 1
            log.exception("the engine failed on a block")
            return "error"
        return "accepted"

    def catch_up_block(self, raw: bytes) -> tuple[bool, Any]:
        """Judge a block a peer has stored, unless it is known. Returns whether it is new, and its hash.

        Raises:
            Exception: The block is rejected or cannot be read.
        """
        block = read_block(raw)
        stored = self.storage.block(block.get("block_hash"))
        if stored is not None and stored.raw == raw:
            return False, block["block_hash"]
        self.accept(block, raw)
        return True, block["block_hash"]

    def locator(self) -> list[Any]:
        """Hashes of the best chain from the tip down, ever farther apart."""
        with self.lock:
            return self.chain.locator()

    def blocks_after(self, locator: list[Any], limit: int) -> list[bytes]:
        """Raw blocks of the best chain above the first known hash of a locator, oldest first."""
        with self.lock:
            hashes = self.chain.after(locator, limit)
        rows = (self.storage.block(block_hash) for block_hash in hashes)
        return [row.raw for row in rows if row is not None]

    # Transactions

    def submit_transaction(self, tx_id: str, transaction: dict[str, Any]) -> bool:
        """Store a transaction for mining. Returns whether it is new; it is durable when this returns.

        Raises:
            TransactionConflictError: The id is taken by other content.
        """
        is_new = self.storage.add_transaction(tx_id, json.dumps(transaction, sort_keys=True), time.time())
        if is_new:
            with self.lock:
                self.chain.add_transaction(tx_id, transaction)
        return is_new

    def transaction_status(self, tx_id: str) -> tuple[ChainEntry, int] | bool:
        """The block that carries a transaction and how many are on top; else whether it waits here."""
        with self.lock:
            return self.chain.mined(tx_id) or self.chain.owns(tx_id)

    # Mining

    def template(self) -> Template:
        """What to mine on now: the best tip, and what of the waiting transactions fits."""
        with self.lock:
            tip = self.engine.best_tip
            return Template(
                parent_hash=tip.block["block_hash"],
                height=tip.height + 1,
                parent_timestamp=tip.block["timestamp"],
                parent_work=tip.cumulative_work,
                transactions=self.chain.pending(TRANSACTIONS_PER_BLOCK),
            )


class MinerThread(threading.Thread):
    """Mines a block every `min_interval_s` to `max_interval_s`, solving included, while mining is enabled.

    The template is taken after the wait and not looked at again while solving: two nodes that solve at the
    same time make a short fork, as on the live network.
    """

    def __init__(self, node: Node, name: str, caught_up: threading.Event) -> None:
        super().__init__(name="miner", daemon=True)
        self._node = node
        self._miner_name = name
        self._caught_up = caught_up
        self._settings = node.settings.mining
        self._changed = threading.Event()

    @property
    def enabled(self) -> bool:
        """Whether blocks are mined now."""
        return self._settings.enabled

    def change(self, settings: MiningSettings) -> None:
        """Go on with other settings; a block that is being solved is still finished."""
        self._settings = settings
        self._changed.set()

    def run(self) -> None:
        """Mine until the process ends."""
        # What peers mined meanwhile comes first, so that a restart makes no long fork.
        self._caught_up.wait(PEERS_FIRST_S)
        draw = secrets.SystemRandom()
        begun = time.monotonic()
        while True:
            settings = self._settings
            pause = begun + draw.uniform(settings.min_interval_s, settings.max_interval_s) - time.monotonic()
            if self._changed.wait(max(0.0, pause) if settings.enabled else None):
                self._changed.clear()
                continue
            begun = time.monotonic()
            try:
                self._mine_one(settings)
            except Exception:
                log.exception("mining failed, trying again")
                self._changed.wait(MINER_RETRY_S)

    def _mine_one(self, settings: MiningSettings) -> None:
        block = Miner(self._node.registry, self._miner_name, settings.tier).mine(self._node.template())
        raw = json.dumps(block).encode()
        try:
            self._node.accept(read_block(raw), raw)
        except ValidationError:
            log.error("the node rejects a block of its own miner")
            return
        self._node.publish(raw)
        log.info("mined height %s with %d transactions", block["index"], len(block["transactions"]))


def read_block(raw: bytes) -> dict[str, Any]:
    """Parse a block as the network does: strict UTF-8, then JSON, then an object.

    Raises:
        ValueError: It is no block at all. Such a message never reaches an engine.
    """
    try:
        block = json.loads(raw.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(block, dict):
        raise ValueError("no JSON object")
    return block


def stop_for_storage(error: Exception) -> NoReturn:
    """End the process: a tree ahead of its log would lose accepted blocks on the next start."""
    log.critical("storage failed, the node stops: %s; check the disk, it goes on from the last commit", error)
    os._exit(EXIT_STORAGE_FAILED)


class JsonLines(logging.Formatter):
    """One JSON object per line: time, level, logger, message and, where there is one, the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as a line of ASCII."""
        line = {
            "time": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def set_up_logging() -> None:
    """Log to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def reload_mining(config: Path, miner: MinerThread) -> None:
    """Read the configuration again and take over its section `mining`; a bad file changes nothing."""
    try:
        miner.change(read_settings(config).mining)
        log.info("mining is %s", "enabled" if miner.enabled else "disabled")
    except SettingsError as error:
        log.error("configuration not taken over: %s", error)


def run(config: Path, settings: Settings) -> None:
    """Start everything and stay until the process is ended."""
    node = Node(settings)
    api = Api(node)
    api.start()
    # libp2p takes a second to import: clients are answered before.
    try:
        from .network import GossipNetwork, load_identity
    except ImportError:
        from network import GossipNetwork, load_identity
    p2p = settings.p2p
    identity = load_identity(settings.data_dir / "identity.key")
    network = GossipNetwork(settings.network_id, p2p.host, p2p.port, p2p.peers, identity, node)
    node.publish = network.publish
    miner = MinerThread(node, network.peer_id, network.caught_up)
    api.attach(network, miner)
    signal.signal(signal.SIGHUP, lambda *_: reload_mining(config, miner))
    miner.start()
    network.run()


def print_peer_id(settings: Settings) -> None:
    """Print the peer id, making the identity key where there is none."""
    try:
        from .network import load_identity, peer_id_of
    except ImportError:
        from network import load_identity, peer_id_of
    print(peer_id_of(load_identity(settings.data_dir / "identity.key")))


def main() -> int:
    """Run the node; returns an exit status only where it cannot start."""
    parser = argparse.ArgumentParser(description="COINjecture reference node")
    parser.add_argument("--config", type=Path, default=Path("/etc/coinjecture/node.json"))
    parser.add_argument("--peer-id", action="store_true", help="print this node's peer id and end")
    arguments = parser.parse_args()
    set_up_logging()
    try:
        settings = read_settings(arguments.config)
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        if arguments.peer_id:
            print_peer_id(settings)
        else:
            run(arguments.config, settings)
    except (SettingsError, StorageError, ValidationError, ValueError, OSError) as error:
        log.critical("the node cannot start: %s", error)
        return EXIT_CANNOT_START
    return 0


if __name__ == "__main__":
    sys.exit(main())

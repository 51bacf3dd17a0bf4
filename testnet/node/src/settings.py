"""The node's configuration file: what may stand in it, and clear errors for what may not."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class SettingsError(Exception):
    """The configuration cannot be used; the message says where and what to do."""


@dataclass(frozen=True)
class ApiSettings:
    """Where the HTTP API listens."""

    host: str
    port: int


@dataclass(frozen=True)
class P2pSettings:
    """Where libp2p listens, and the multiaddresses of the peers to stay connected to."""

    host: str
    port: int
    peers: list[str]


@dataclass(frozen=True)
class MiningSettings:
    """Whether and how often to mine (seconds from block to block, with solving), and the problems' tier.

    `solver` names the module that solves and verifies problems, empty for the node's own.
    """

    enabled: bool
    min_interval_s: float
    max_interval_s: float
    tier: str
    solver: str = ""


@dataclass(frozen=True)
class Settings:
    """The whole configuration; `consensus` holds the arguments of `ConsensusConfig`."""

    network_id: str
    data_dir: Path
    consensus: dict[str, Any]
    api: ApiSettings
    p2p: P2pSettings
    mining: MiningSettings


class Section:
    """A JSON object of the file that knows where it stands, for errors that say so."""

    def __init__(self, where: str, values: Any) -> None:
        if not isinstance(values, dict):
            raise SettingsError(f"{where}: an object is expected, as in node.json.example")
        self._where = where
        self._values = values
        self._read: set[str] = set()

    def get(self, key: str, kind: type | tuple[type, ...], default: Any = None) -> Any:
        """A value of a type (never a bool where a number is asked for); without a default it is required.

        Raises:
            SettingsError: It is missing or of another type.
        """
        self._read.add(key)
        if key not in self._values:
            if default is None:
                raise SettingsError(f"{self._where}: {key!r} is missing, see node.json.example")
            return default
        value = self._values[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise SettingsError(
                f"{self._where}: {key!r} has the wrong type ({value!r}), see node.json.example"
            )
        return value

    def section(self, key: str, default: dict[str, Any] | None = None) -> "Section":
        """An object inside this one."""
        return Section(f"{self._where}: {key}", self.get(key, dict, default))

    def end(self) -> None:
        """Refuse keys that nobody has asked for: they are spelling mistakes."""
        unknown = sorted(set(self._values) - self._read)
        if unknown:
            raise SettingsError(f"{self._where}: unknown key {unknown[0]!r}, see node.json.example")


def read_settings(path: Path) -> Settings:
    """Read a configuration file and the genesis file it names.

    Raises:
        SettingsError: One of them is missing, is no JSON, or holds what cannot be used.
    """
    top = Section(str(path), read_json(path))
    network_id = top.get("network_id", str)
    genesis = top.get("genesis", (str, dict))
    if isinstance(genesis, str):
        genesis_path = path.parent / genesis
        genesis = Section(str(genesis_path), read_json(genesis_path))
    else:
        genesis = Section(f"{path}: genesis", genesis)
    settings = Settings(
        network_id=network_id,
        data_dir=Path(top.get("data_dir", str)),
        consensus=consensus_arguments(network_id, genesis, top.section("consensus", {})),
        api=api_settings(top.section("api")),
        p2p=p2p_settings(top.section("p2p")),
        mining=mining_settings(top.section("mining")),
    )
    top.end()
    return settings


def read_json(path: Path) -> Any:
    """Parse a JSON file.

    Raises:
        SettingsError: It cannot be read or parsed.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from error


def consensus_arguments(network_id: str, genesis: Section, section: Section) -> dict[str, Any]:
    """Arguments of `ConsensusConfig`: the network's constants and this node's limits."""
    if genesis.get("network_id", str) != network_id:
        raise SettingsError(
            f"the genesis is of network {genesis.get('network_id', str)!r}, not {network_id!r}"
        )
    arguments = {
        "network_id": network_id,
        "genesis_timestamp": float(genesis.get("timestamp", (int, float))),
        "genesis_seed": genesis.get("seed", str),
        "genesis_block": genesis.get("block", dict),
        "confirmation_depth": section.get("confirmation_depth", int, 20),
        "max_reorg_depth": section.get("max_reorg_depth", int, 100),
        "max_headers_per_second": section.get("max_headers_per_second", int, 100),
    }
    genesis.end()
    section.end()
    return arguments


def port_of(section: Section) -> int:
    """A TCP port; 0 lets the system choose."""
    port: int = section.get("port", int)
    if not 0 <= port <= 65535:
        raise SettingsError(f"port {port} is not between 0 and 65535")
    return port


def api_settings(section: Section) -> ApiSettings:
    """Section `api`."""
    settings = ApiSettings(section.get("host", str), port_of(section))
    section.end()
    return settings


def p2p_settings(section: Section) -> P2pSettings:
    """Section `p2p`."""
    peers = section.get("peers", list, [])
    if not all(isinstance(peer, str) for peer in peers):
        raise SettingsError("p2p.peers: a list of multiaddresses is expected, see node.json.example")
    settings = P2pSettings(section.get("host", str), port_of(section), peers)
    section.end()
    return settings


def mining_settings(section: Section) -> MiningSettings:
    """Section `mining`."""
    settings = MiningSettings(
        enabled=section.get("enabled", bool),
        min_interval_s=float(section.get("min_interval_s", (int, float), 0.8)),
        max_interval_s=float(section.get("max_interval_s", (int, float), 1.2)),
        tier=section.get("tier", str, "desktop"),
        solver=section.get("solver", str, ""),
    )
    if not 0 <= settings.min_interval_s <= settings.max_interval_s:
        raise SettingsError("mining: 0 <= min_interval_s <= max_interval_s must hold")
    section.end()
    return settings

"""A configuration that cannot be used is refused with where and what; the shipped files can be used."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from testnet.node.src.consensus import ConsensusConfig, calculate_genesis_hash
from testnet.node.src.network import load_identity, peer_id_of
from testnet.node.src.pow import calculate_work_score, verify_subset_sum
from testnet.node.src.settings import SettingsError, read_settings

from .support import GENESIS, NODE


def example() -> dict[str, Any]:
    settings: dict[str, Any] = json.loads((NODE / "node.json.example").read_text())
    return settings | {"genesis": str(NODE / "genesis.json")}


def written(folder: Path, settings: Any) -> Path:
    path = folder / "node.json"
    path.write_text(settings if isinstance(settings, str) else json.dumps(settings))
    return path


def test_the_example_is_a_configuration_of_the_local_network(tmp_path: Path) -> None:
    settings = read_settings(written(tmp_path, example()))
    assert ConsensusConfig(**settings.consensus).network_id == "coinjecture-local"
    assert settings.mining.enabled
    assert (settings.api.port, settings.p2p.port) == (8080, 9000)


def test_a_genesis_can_be_named_beside_the_file_or_written_into_it(tmp_path: Path) -> None:
    (tmp_path / "genesis.json").write_text(json.dumps(GENESIS))
    beside = read_settings(written(tmp_path, example() | {"genesis": "genesis.json"}))
    inside = read_settings(written(tmp_path, example() | {"genesis": GENESIS}))
    assert beside.consensus == inside.consensus


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network_id": "another"}, "genesis is of network 'coinjecture-local', not 'another'"),
        ({"network_id": 7}, "'network_id' has the wrong type"),
        ({"api": {"host": "::"}}, "api: 'port' is missing"),
        ({"api": {"host": "::", "port": 70000}}, "port 70000"),
        ({"api": {"host": "::", "port": True}}, "'port' has the wrong type"),
        ({"p2p": {"host": "::", "port": 1, "peers": [1]}}, "p2p.peers"),
        ({"mining": {"enabled": True, "min_interval_s": 2, "max_interval_s": 1}}, "min_interval_s"),
        ({"mining": {"enabled": True, "minimum": 2}}, "unknown key 'minimum'"),
        ({"consensus": {"max_reorg": 2}}, "unknown key 'max_reorg'"),
        ({"genesis": "nowhere.json"}, r"nowhere\.json: cannot be read"),
        ({"typo": 1}, "unknown key 'typo'"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        read_settings(written(tmp_path, example() | change))


@pytest.mark.parametrize("text", ["{", "[]", "\x00"])
def test_text_that_is_no_object_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"node\.json"):
        read_settings(written(tmp_path, text))


def test_a_node_that_cannot_start_says_so_and_ends_with_a_status(tmp_path: Path) -> None:
    local = {"host": "127.0.0.1", "port": 0}
    path = written(
        tmp_path, example() | {"data_dir": str(tmp_path), "api": local, "p2p": local | {"peers": ["?"]}}
    )
    command = [sys.executable, "-B", str(NODE / "src" / "node.py"), "--config"]
    for config, message in ((tmp_path / "nowhere.json", "cannot be read"), (path, "p2p.peers")):
        ended = subprocess.run(
            [*command, str(config)], capture_output=True, text=True, check=False, timeout=60
        )
        assert ended.returncode == 2
        last = json.loads(ended.stderr.splitlines()[-1])
        assert "the node cannot start" in last["message"] and message in last["message"]


def test_the_local_genesis_fits_its_network_and_solves_its_problem() -> None:
    block = GENESIS["block"]
    expected = calculate_genesis_hash(GENESIS["network_id"], GENESIS["timestamp"], GENESIS["seed"])
    assert block["block_hash"] == expected
    assert block["timestamp"] == GENESIS["timestamp"]
    assert verify_subset_sum(block["problem"], block["solution"])
    assert block["cumulative_work_score"] == calculate_work_score(block["complexity"])


def test_the_identity_is_kept_and_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "identity.key"
    first = peer_id_of(load_identity(path))
    assert peer_id_of(load_identity(path)) == first
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_damaged_identity_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "identity.key"
    path.write_text("abcd\n")
    with pytest.raises(ValueError, match="delete it to get a new identity"):
        load_identity(path)

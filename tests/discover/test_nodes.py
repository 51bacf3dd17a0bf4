"""Discovery on the three nodes of this tree: the settings that follow, and nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.coinjecture.migration.plugins.module_utils import node_import
from ansible_collections.coinjecture.migration.plugins.module_utils.importers import Place, place_of

from .support import DEPLOYED, PYTHON, REFERENCE, ROOT, TABLES, Host, api, chain, copied, follows, settings

SHAPE = {
    "peers": "/v1/network/peers",
    "health_status": "healthy",
    "height": "data.index",
    "hash": "data.block_hash",
    "depth": "",
    "content": "data",
    "time": "data.timestamp",
    "peer_count": "data.peers",
}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_given_the_reference_node_then_only_where_this_test_has_put_it_differs(host: Host) -> None:
    src = copied("testnet/node/src", host.root / "opt/src")
    rows = ("CREATE TABLE blocks (seq INTEGER PRIMARY KEY, raw BLOB NOT NULL, received_at REAL)",)
    data = chain(host.root / "var/lib/chain.db", *rows).parent
    with api(REFERENCE) as port:
        argv = ("/opt/coinjecture/venv/bin/python", f"{src}/node.py", "--config", "/etc/node.json")
        host.unit("coinjecture-node.service", *argv, working=data, listens=[port], User="root")
        told = follows(host.found())
    assert told.open == []
    assert settings(told) == {
        "coinjecture_user": "root",
        "coinjecture_home": str(host.root / "opt"),
        "coinjecture_database": str(data / "chain.db"),
        "coinjecture_api_port": port,
    }
    assert told.settled["coinjecture_log_query"] == "SELECT seq, raw FROM blocks ORDER BY seq"
    assert told.settled["coinjecture_entries"] == [f"{src}/node.py"]


def service(host: Host, port: int) -> Path:
    """Form B: the service that judges, its API and its miner beside it, in one folder."""
    home = copied("testnet/deployed_node/service", host.root / "opt/coinjecture")
    copied("wrapper/coinjecture_migration", home / "metrics/coinjecture_migration")  # of monitoring.yml
    copied("testnet/deployed_node/src", home / "src")
    chain(home / "data/blockchain.db", *TABLES)
    chain(home / "data/events.db", "CREATE TABLE events (number INTEGER PRIMARY KEY, kind TEXT, body TEXT)")
    python = f"{home}/.venv/bin/python3"
    host.unit("coinjecture-consensus.service", python, "consensus_service.py", working=home)
    host.unit("coinjecture-api.service", python, "-m", "gunicorn", "-b", "127.0.0.1:8000", "api_server:app",
              working=home, listens=[port])  # fmt: skip
    host.unit("coinjecture-miner.service", python, "miner.py", working=home)
    return home


def test_given_the_service_then_unit_entry_importers_and_the_api_beside_it_follow(host: Host) -> None:
    with api(DEPLOYED) as port:
        home = service(host, port)
        found = host.found()
        told = follows(found)
    assert told.open == []
    assert not any("metrics" in text for text in told.unproved)
    stated: dict[str, Any] = settings(told)
    assert stated["coinjecture_unit"] == "coinjecture-consensus.service"
    assert stated["coinjecture_home"] == str(home)
    assert stated["coinjecture_entries"] == [f"{home}/consensus_service.py"]
    assert "coinjecture_src" not in stated, "it is the default of that home"
    assert stated["coinjecture_python"] == f"{home}/.venv/bin/python3"
    assert stated["coinjecture_database"] == f"{home}/data/blockchain.db"
    assert stated["coinjecture_log_query"] == ""
    assert stated["coinjecture_api_unit"] == "coinjecture-api.service"
    assert stated["coinjecture_api_shape"] == SHAPE
    importers = ("src/network.py", "src/node.py", "unified_consensus_service.py")
    assert set(stated["coinjecture_importers"]) == {f"{home}/{name}" for name in importers}
    assert stated["wrapper_settings"] == {"pin_profile": "header"}
    assert [text.partition(" alone")[0] for text in told.refused] == [f"port {port} listens on loopback"]
    assert [one["unit"] for one in found["related"]] == [
        "coinjecture-api.service",
        "coinjecture-miner.service",
    ]
    assert found["candidates"][0]["calls"]["_add_block_to_tree"][0] == f"{home}/consensus_service.py"


def test_given_the_service_then_the_settings_are_those_of_the_example_inventory(host: Host) -> None:
    with api(DEPLOYED) as port:
        home = str(service(host, port))
        stated = follows(host.found()).settled
    text = (ROOT / "inventory/examples/deployed-b/group_vars/nodes/node.yml").read_text()
    text = text.replace("{{ coinjecture_home }}", home).replace("{{ coinjecture_src }}", f"{home}/src")
    example = yaml.safe_load(text)
    names = ("unit", "entries", "python", "database", "log_query", "api_shape")
    for name in (f"coinjecture_{one}" for one in names):
        assert stated[name] == example[name], name
    assert set(stated["coinjecture_importers"]) == set(example["coinjecture_importers"])
    assert stated["wrapper_settings"].items() <= example["wrapper_settings"].items()


def edited(host: Host, edit: Callable[[bytes, Place], bytes]) -> Path:
    """The reference node in the toolkit's hands; gives its source folder."""
    src = copied("testnet/node/src", host.root / "opt/src")
    node_py = src / "node.py"
    node_py.write_bytes(edit(node_py.read_bytes(), place_of(node_py, src)))
    host.unit("coinjecture-node.service", PYTHON, str(node_py), working=src)
    return src


def test_given_a_node_that_has_the_wrapper_then_it_is_found_as_before(host: Host) -> None:
    src = edited(host, node_import.wrap)
    copied("wrapper/coinjecture_migration", src / "coinjecture_migration")
    shutil.copy(ROOT / "wrapper/consensus_wrapper.py", src)
    (node,) = host.found()["candidates"]
    assert node["makes"] == [f"{src}/node.py"] and node["src"] == str(src)
    assert [one["engine"] for one in node["uses"]] == ["wrapped"]


def test_given_a_completed_node_then_it_is_said_that_nothing_is_left_to_find(host: Host) -> None:
    src = edited(host, node_import.complete)
    (src / "consensus.py").unlink()
    told = follows(host.found())
    assert told.open[0].startswith(f"coinjecture-node.service makes the Rust engine itself ({src}/node.py)")


def test_given_the_node_that_judges_gossip_then_its_own_file_and_port_follow(host: Host) -> None:
    src = copied("testnet/deployed_node/src", host.root / "home/coinjecture/COINjecture/src")
    chain(src.parent / "data/blockchain.db", *TABLES)
    with api(DEPLOYED) as port:
        host.unit("coinjecture-node.service", "/usr/bin/python3", "-m", "src.node", "config.json", "data",
                  working=src.parent, listens=[port])  # fmt: skip
        found = host.found()
        told = follows(found)
    stated = settings(told)
    assert told.open == []
    assert stated["coinjecture_home"] == str(src.parent)
    assert told.settled["coinjecture_entries"] == [f"{src}/node.py"]
    assert stated["coinjecture_importers"] == [f"{src}/network.py"]
    assert told.settled["coinjecture_api_unit"] == ""
    assert stated["coinjecture_api_shape"] == SHAPE

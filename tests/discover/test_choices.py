"""Where more than one answer fits, each is named and nothing is guessed; what is typed settles it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.host_apis import ports
from ansible_collections.coinjecture.migration.plugins.module_utils.host_units import process
from ansible_collections.coinjecture.migration.plugins.module_utils.looked_service import open_files
from ansible_collections.coinjecture.migration.plugins.module_utils.proxies import Forwarded

from .support import PYTHON, REFERENCE, Host, api, chain, copied, follows

LOG = "CREATE TABLE blocks (seq INTEGER PRIMARY KEY, raw BLOB)"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def node(host: Host, *ports: int) -> Path:
    """A reference node with a database; gives its folder of data."""
    src = copied("testnet/node/src", host.root / "opt/src")
    data = chain(host.root / "data/chain.db", LOG).parent
    host.unit("node.service", PYTHON, f"{src}/node.py", working=data, listens=ports)
    return data


def test_given_several_databases_then_each_is_named_and_one_that_is_typed_settles_it(host: Host) -> None:
    with api(REFERENCE) as port:
        data = node(host, port)
        chain(data / "old.db", LOG)
        found = host.found()
    (question,) = follows(found).open
    assert f"{data}/chain.db, {data}/old.db" in question
    assert f"-e discover_database={data}/chain.db" in question
    told = follows(found, database=f"{data}/old.db")
    assert told.open == [] and told.settled["coinjecture_database"] == f"{data}/old.db"
    assert "is no SQLite file that was found" in follows(found, database="/other.db").open[0]


def test_given_several_ports_that_tell_the_chain_then_each_is_named_and_one_that_is_typed_settles_it(
    host: Host,
) -> None:
    with api(REFERENCE) as one, api(REFERENCE) as two:
        node(host, one, two)
        found = host.found()
    (question,) = follows(found).open
    assert (
        all(f"{port} (node.service)" in question for port in (one, two)) and "-e discover_port=" in question
    )
    assert follows(found, port=two).settled["coinjecture_api_port"] == two
    assert "does not tell" in follows(found, port=1).open[0]


def test_given_files_that_a_process_has_open_then_the_wrappers_own_are_no_data_of_the_node(
    host: Host,
) -> None:
    with api(REFERENCE) as port:
        node(host, port)
    (place,) = host.processes.glob("*/fd")
    (place / "7").symlink_to("/var/lib/coinjecture-migration/evidence.db")
    (place / "8").symlink_to("/srv/other.db")
    (place / "9").symlink_to("/dev/null")
    running = [process(int(place.parent.name), host.processes)]
    assert open_files(running, host.processes) == ["/srv/other.db"]


def test_given_no_database_or_no_api_then_that_is_open_and_what_to_state_is_said(host: Host) -> None:
    data = node(host)
    (data / "chain.db").unlink()
    database, port = follows(host.found()).open
    assert "no SQLite file of a chain was found" in database and "-e discover_database=PATH" in database
    assert "state coinjecture_api_port" in port


def behind(found: dict[str, Any], port: int) -> dict[str, Any]:
    """The same with a proxy before the one API."""
    (own,) = found["apis"]
    proxied = own | {
        "port": port,
        "proxy": "nginx.service",
        "target": f"127.0.0.1:{own['port']}",
        "loopback": False,
    }
    return found | {"apis": [own, proxied]}


def test_given_a_proxy_before_the_api_then_the_port_is_the_proxys(host: Host) -> None:
    with api(REFERENCE) as port:
        node(host, port)
        found = behind(host.found(), 5000)
    told = follows(found)
    assert told.open == [] and told.settled["coinjecture_api_port"] == 5000
    assert told.refused == [], "nobody but the proxy has to reach the loopback address"


def test_given_what_proxies_hand_on_then_the_ports_of_those_that_run_are_told() -> None:
    units = [
        {"unit": "api.service", "sockets": [{"address": "127.0.0.1", "port": 5001}]},
        {"unit": "node.service", "sockets": [{"address": "/run/node.sock", "port": 0}]},
    ]
    forwarded = [
        Forwarded("nginx", "f", 5000, "/", "127.0.0.1:5001"),
        Forwarded("nginx", "f", 5002, "/", "unix:/run/node.sock"),
        Forwarded("nginx", "f", 5003, "/", "127.0.0.1:9999"),
        Forwarded("haproxy", "f", 5004, "", "127.0.0.1:5001"),
    ]
    found = ports(units, forwarded, ["nginx.service", "api.service"])
    assert [(one.port, one.unit, one.proxy) for one in found] == [
        (5000, "api.service", "nginx.service"),
        (5001, "api.service", ""),
        (5002, "node.service", "nginx.service"),
    ]


@pytest.mark.parametrize(
    ("unit", "proxy", "serves"),
    [
        ("node.service", "", ""),
        ("node.service", "nginx.service", ""),
        ("api.service", "", "api.service"),
        ("api.service", "nginx.service", "nginx.service"),
    ],
)
def test_given_who_has_the_port_of_users_then_a_restart_of_the_node_is_apart_only_where_another_unit_answers(
    host: Host, unit: str, proxy: str, serves: str
) -> None:
    with api(REFERENCE) as port:
        node(host, port)
        found = host.found()
    (own,) = found["apis"]
    told = follows(found | {"apis": [own | {"unit": unit, "proxy": proxy, "target": "127.0.0.1:1"}]})
    assert told.settled["coinjecture_api_unit"] == serves


def test_given_a_folder_that_is_not_roots_then_root_keeps_its_own_elsewhere(host: Host) -> None:
    with api(REFERENCE) as port:
        node(host, port)
        found = host.found()
    home = found["candidates"][0]["home"]
    why = f"{home} lies in a folder of user 1000, who could change what root keeps there; give it to root"
    told = follows(found | {"not_roots": {"/opt/coinjecture/releases": why, home: why}})
    assert told.settled["coinjecture_releases"] == "/opt/coinjecture-migration/releases"
    assert told.settled["migration_sealed"] == "/opt/coinjecture-migration/sealed"
    assert "coinjecture_current" not in told.settled


def test_given_an_engine_that_judges_by_rules_of_its_own_then_what_the_wrapper_lacks_is_refused_by_name(
    host: Host,
) -> None:
    with api(REFERENCE) as port:
        node(host, port)
        src = host.root / "opt/src"
        node_py = src / "node.py"
        node_py.write_text(
            node_py.read_text() + "\ndef more(node):\n    node.engine._rebuild()\n    node.engine.settle(1)\n"
        )
        engine = src / "consensus.py"
        engine.write_text(
            engine.read_text().replace(
                "    def verify_block(", "    def settle(self, x): ...\n\n    def verify_block("
            )
        )
        told = follows(host.found())
    assert {text.partition(", uses ")[2] for text in told.refused if " uses " in text} == {
        "settle of the engine, which is gone in rust and final",
        "_rebuild of the engine, which the wrapper does not have",
    }

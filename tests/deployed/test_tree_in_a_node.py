"""A node's own program on the wrapper, killed in the middle of its work: it goes on where it was."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from coinjecture_migration.control_client import ControlClient, ControlError

from tests.deployed.conftest import lay_down_release
from tests.deployed.test_networks import Place, free_port, until

ROOT = Path(__file__).resolve().parents[2]


def on_the_wrapper(place: Place, socket: Path, monkeypatch: pytest.MonkeyPatch) -> ControlClient:
    """Bring the wrapper into a node's folder and let its program take it."""
    source = place.home / "src"
    shutil.copytree(ROOT / "wrapper/coinjecture_migration", source / "coinjecture_migration")
    shutil.copy(ROOT / "wrapper/consensus_wrapper.py", source)
    shutil.copytree(ROOT / "python/src/consensus_surface", source / "consensus_surface")
    program = source / "node.py"
    program.write_text(program.read_text().replace("from consensus import", "from consensus_wrapper import"))
    lay_down_release(place.home)
    settings = {
        "node": "node1", "state_dir": str(place.home), "control_socket": str(socket),
        "control_uid": os.getuid(), "release_link": str(place.home / "current"),
        "node_config": str(place.home / "config.json"), "pin_profile": "header", "determinism_seconds": 0,
    }  # fmt: skip
    (place.home / "wrapper.json").write_text(json.dumps(settings))
    monkeypatch.setenv("COINJECTURE_SETTINGS", str(place.home / "wrapper.json"))
    return ControlClient(str(socket))


def test_given_a_node_that_is_killed_then_its_chain_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path / "one", "a", free_port(), free_port())
    sockets = Path(tempfile.mkdtemp(prefix="ctl"))  # a socket's path has at most 107 bytes
    client = on_the_wrapper(place, sockets / "s", monkeypatch)
    told: dict[str, Any] = {}

    def answers() -> bool:
        try:
            told.update(client.status())
        except ControlError:
            return False
        return True

    try:
        place.start()
        until(lambda: place.height() >= 4, "no chain", place)
        client.prepare("rust", "test")
        until(lambda: answers() and told["prepare"]["state"] == "ready", "not prepared", place)
        client.set_mode("rust", "test", "up")
        until(lambda: place.height() >= 8, "no blocks", place)
        before = place.height()
        place.stop()
        place.start()
        until(answers, "no answer", place)
        assert told["tree"]["carried"]["nodes"] >= before, "what came in its last moment may be gone"
        assert (told["mode"], told["tree"]["refused"]) == ("rust", None)
        until(lambda: place.height() >= before + 3, "it does not go on", place)
        assert answers() and told["evidence"]["ever"] == {"divergence": 0, "rust_error": 0, "legacy_error": 0}
    finally:
        place.close()
        shutil.rmtree(sockets)

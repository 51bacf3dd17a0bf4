"""The API of form B: Flask under gunicorn, behind nginx.

It reads what the consensus service writes, and leaves it what comes in. It is started in the node's folder by
`.venv/bin/python3 -m gunicorn api_server:app`.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request

sys.path.append("src")

from archive import Archive
from events import Events

DATA = Path("data")
MINING_FOR = 10.0  # seconds after its last block that a node is said to mine

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 4 << 20
archive, events = Archive(DATA / "blockchain.db"), Events(DATA / "events.db")


def state() -> Any:
    """What the consensus service wrote last."""
    return json.loads((DATA / "blockchain_state.json").read_text(encoding="utf-8"))


def success(data: Any) -> Response:
    """The form of every answer."""
    return jsonify({"status": "success", "data": data})


@app.get("/health")
def health() -> Response:
    """How the node is."""
    now = state()
    tip = now["latest_block"]
    return jsonify({
        "status": "healthy", "height": tip["index"], "tip": tip["block_hash"], "peers": len(now["peers"]),
        "mining": time.time() - now["last_mined"] < MINING_FOR, "timestamp": time.time(),
    })  # fmt: skip


@app.get("/v1/data/block/latest")
def latest() -> Response:
    """The block of the best tip."""
    return success(state()["latest_block"])


@app.get("/v1/data/block/<int:height>")
def block(height: int) -> Any:
    """The block at a height."""
    found = archive.at(height)
    return success(found) if found else (jsonify({"status": "error", "message": "not found"}), 404)


@app.get("/v1/network/peers")
def peers() -> Response:
    """Who the peers are."""
    connected = state()["peers"]
    return success({"peers": connected, "count": len(connected)})


PATHS = {
    "/v1/mining/submit": "mined",
    "/v1/gossip/block": "received",
    "/v1/gossip/want": "want",
    "/v1/gossip/chain": "chain",
}


def take() -> Any:
    """Leave what came in for the consensus service."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        return jsonify({"status": "error", "message": "no JSON object"}), 400
    events.append(PATHS[request.path], body)
    return success({"taken": True})


for _path in PATHS:
    app.add_url_rule(_path, _path, take, methods=["POST"])

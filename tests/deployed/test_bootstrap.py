"""The consensus service of form B starts with what it asked its peers for, not with an older answer."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOYED = Path(__file__).resolve().parents[2] / "testnet/deployed_node"

PROLOGUE = """
import json, random, sys
from pathlib import Path
sys.path.append("lib")
import consensus_service as program
from mining import Parent, mine

settings = program.read_settings(Path("config.json"))
service = program.ConsensusService(settings, Path("data"))
"""
START = """
chain, tip, draw = [], service.engine.get_best_tip(), random.Random(1)
for _ in range(5):
    tip = mine(Parent(tip.index, tip.timestamp, tip.block_hash, tip.cumulative_work_score), draw)
    chain.append(program.encode(tip))
for start, last in json.loads(sys.argv[1]):
    service.events.append("chain", {"blocks": chain[start:], "last": last})
service.bootstrap(wait=0.5)
tree = service.engine.block_tree
orphans = [n.block.index for n in tree.values() if n.block.index and n.block.previous_hash not in tree]
print(json.dumps({"height": service.engine.get_best_tip().index, "nodes": len(tree), "orphans": orphans}))
"""
ALONE = """
program.ASK_AGAIN = 0.1
service.bootstrap(wait=1.0)
print(service.peers[0]._messages.qsize())
"""


def run(home: Path, script: str, *arguments: str) -> str:
    """The last line of a script that has the service, which is not started yet."""
    shutil.copytree(DEPLOYED / "service", home, dirs_exist_ok=True)
    shutil.copytree(DEPLOYED / "src", home / "src", dirs_exist_ok=True)
    (home / "config.json").write_text(
        json.dumps({"network_id": "x", "url": "http://127.0.0.1:1", "port": 1, "peers": ["http://127.0.0.1:9"],
                    "max_headers_per_second": 0, "min_interval_s": 1, "max_interval_s": 1})
    )  # fmt: skip
    command = [sys.executable, "-c", PROLOGUE + script, *arguments]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("answers", "height"),
    [
        ([(0, True)], 5),
        ([(3, True)], 0),
        ([(3, True), (0, True)], 5),
    ],
    ids=["what was asked", "an older answer", "an older answer first"],
)
def test_given_answers_that_came_while_it_was_down_then_only_what_joins_its_tree_counts(
    tmp_path: Path, answers: list[tuple[int, bool]], height: int
) -> None:
    told = json.loads(run(tmp_path, START, json.dumps(answers)))
    assert told == {"height": height, "nodes": height + 1, "orphans": []}


def test_given_a_peer_that_was_not_there_when_it_was_asked_then_it_is_asked_again(tmp_path: Path) -> None:
    assert int(run(tmp_path, ALONE)) > 1

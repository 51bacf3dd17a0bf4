"""The consensus service of form B starts with what it asked its peers for, not with an older answer."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOYED = Path(__file__).resolve().parents[2] / "testnet/deployed_node"

START = """
import json, random, sys, time
from pathlib import Path
sys.path.append("lib")
import consensus_service as program
from mining import Parent, mine

settings = program.read_settings(Path("config.json"))
service = program.ConsensusService(settings, Path("data"))
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
    shutil.copytree(DEPLOYED / "service", tmp_path, dirs_exist_ok=True)
    shutil.copytree(DEPLOYED / "src", tmp_path / "src", dirs_exist_ok=True)
    (tmp_path / "config.json").write_text(
        json.dumps({"network_id": "x", "url": "http://127.0.0.1:1", "port": 1, "peers": ["http://127.0.0.1:9"],
                    "max_headers_per_second": 0, "min_interval_s": 1, "max_interval_s": 1})
    )  # fmt: skip
    command = [sys.executable, "-c", START, json.dumps(answers)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told == {"height": height, "nodes": height + 1, "orphans": []}

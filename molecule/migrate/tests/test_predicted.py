"""Given what `--check --diff` said of the first step on an untouched node: that and no more was then done."""

from __future__ import annotations

import difflib
import json
import re

import pytest
from droplets import NODES, OPERATOR, ROOT, SRC, connect

from testnet.lab.plan import Droplet

NOTED = ROOT / "build/molecule"
NODE1 = NODES[0]
PREDICTED = (NOTED / "predicted.txt").read_text()
DROP_IN = "/etc/systemd/system/coinjecture-node.service.d/50-migration.conf"
SETTINGS = "/etc/coinjecture-migration/wrapper.json"


def predicted_files() -> set[str]:
    return set(re.findall(r"^\+\+\+ after: (/\S+)$", PREDICTED, re.MULTILINE))


def predicted_change(path: str) -> list[str]:
    """The lines that a file was said to lose and to gain."""
    section = re.search(
        rf"^\+\+\+ after: {re.escape(path)}\n(.*?)^(?:$|TASK|---)", PREDICTED, re.DOTALL | re.MULTILINE
    )
    assert section, f"nothing was predicted of {path}"
    return [line for line in section[1].splitlines() if line[:1] in "+-"]


@pytest.mark.parametrize("droplet", NODES, ids=lambda droplet: droplet.name)
def test_then_saying_it_touched_no_node(droplet: Droplet) -> None:
    assert json.loads((NOTED / f"{droplet.name}-touched.json").read_text()) == []


def test_then_node_py_changed_as_predicted() -> None:
    host = connect(NODE1)
    before = host.check_output(f"cat {OPERATOR}/backups/node.py.*").splitlines()
    after = host.file(f"{SRC}/node.py").content_string.splitlines()
    done = [line for line in difflib.unified_diff(before, after, n=0, lineterm="") if line[:1] in "+-"]
    assert predicted_change(f"{SRC}/node.py") == done[2:]


def test_then_every_file_that_came_was_predicted() -> None:
    host = connect(NODE1)
    came = host.check_output(
        f"find {SRC} /etc/coinjecture-migration -type f -size +0 -not -name '*.pyc'"
    ).splitlines()
    pristine = {f"{SRC}/{path.name}" for path in (ROOT / "testnet/node/src").glob("*.py")}
    new = {path for path in came if path not in pristine}
    assert {SETTINGS, f"{SRC}/consensus_wrapper.py"} < new
    assert predicted_files() == new | {DROP_IN, f"{SRC}/node.py"}


def test_then_the_unit_changed_as_predicted() -> None:
    drop_in = connect(NODE1).file(DROP_IN).content_string
    assert [f"+{line}" for line in drop_in.splitlines()] == predicted_change(DROP_IN)


@pytest.mark.parametrize(
    "said",
    [
        "would run: restart (seamless) of coinjecture-node.service on node1",
        "would run: mode legacy -> shadow on node1",
        "would be done: phase 1 on node1, legacy -> shadow",
    ],
)
def test_then_restart_and_mode_were_listed(said: str) -> None:
    assert said in PREDICTED


def test_then_the_wheel_was_listed_whether_it_had_to_be_built_or_not() -> None:
    release = connect(NODE1).file("/opt/coinjecture/current").linked_to
    assert "would run: build of the wheel" in PREDICTED or f"-> {release}\n" in PREDICTED

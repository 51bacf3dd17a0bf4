"""What the migration has laid down and somebody has damaged is put back by the commands that are named."""

from __future__ import annotations

import json
import time

import pytest

from . import support
from .support import Operator, mode, serves

pytestmark = [pytest.mark.droplets, pytest.mark.soak]

MODE_FILE = "/var/lib/coinjecture-migration/mode.json"
DROP_IN = "/etc/systemd/system/coinjecture-node.service.d/50-migration.conf"
NATIVE = "/opt/coinjecture/current/coinjecture/_core*.so"
# The last byte is in no part of it that is loaded: the running process goes on with what it has.
FLIP = "import os, sys; f = open(sys.argv[1], 'r+b'); f.seek(-1, 2); b = f.read(1)[0] ^ 1; f.seek(-1, 2)"
OF_THE_RELEASE, OF_THE_FILE = "has other bytes; install it anew", "its mode file cannot be read"
OF_THE_DROP_IN = "what the unit's drop-in gives is put back by"
DAMAGES = {
    "a flipped byte": (
        f'python3 -c "{FLIP}; f.write(bytes([b]))" {NATIVE}',
        OF_THE_RELEASE,
        "repair",
    ),
    "an empty mode file": (f"truncate --size 0 {MODE_FILE}", OF_THE_FILE, "ack"),
    "a deleted drop-in": (f"rm {DROP_IN}", OF_THE_DROP_IN, "repair"),
    "a deleted drop-in that is not in force any more": (
        f"rm {DROP_IN}; systemctl daemon-reload",
        OF_THE_DROP_IN,
        "repair",
    ),
}
"""What is done as root on the node, what is said of it, and the playbook that is named."""
ALL_OF_THEM = list(DAMAGES)[:3]
LOST = "rm /opt/coinjecture/current/*.whl"


def alone(damage: str) -> object:
    """A damage by itself; the first walk takes all of them at once."""
    return pytest.param([damage], id=damage)


@pytest.mark.parametrize("damages", [pytest.param(ALL_OF_THEM, id="all of them"), *map(alone, DAMAGES)])
def test_given_a_damage_then_the_command_that_the_refusal_names_mends_it(
    operator: Operator, damages: list[str]
) -> None:
    began, before = time.time(), mode()
    support.shell("; ".join(DAMAGES[damage][0] for damage in damages))
    refused, shown = operator.play("phase2"), operator.play("status")
    assert (refused.status, shown.status) == (2, 0), refused.said[-3000:]
    named = set()
    for _, words, playbook in map(DAMAGES.__getitem__, damages):
        assert words in refused.said, refused.said[-3000:]
        assert words in shown.said, shown.said[-3000:]
        named.add((playbook, support.named(refused.said, playbook)))
        assert support.named(shown.said, playbook) == support.named(refused.said, playbook)
    for _, command in sorted(named):  # the mode file first: nothing else is put back before it says the mode
        mended = operator.types(command)
        assert mended.status == 0, mended.said[-3000:]
    recorded = json.loads(support.NODE.ssh("cat", MODE_FILE))["mode"]
    assert (mode(), recorded, serves()) == (before, before, True)
    again = operator.play("repair")
    assert again.status == 0 and "nothing to do" in again.said, again.said[-3000:]
    assert support.failures(began) == []


def test_given_a_wheel_that_no_node_keeps_whole_then_the_one_that_is_named_puts_the_release_back(
    operator: Operator,
) -> None:
    before = mode()
    support.shell(LOST)
    refused = operator.types(support.named(operator.play("phase2").said, "repair"))
    assert refused.status == 2 and "no node keeps the wheel" in refused.said, refused.said[-3000:]
    command = support.named(refused.said, "repair")
    assert command.endswith("wheel=PATH")
    mended = operator.types(command.replace("wheel=PATH", f"wheel={support.the_wheel()}"))
    assert mended.status == 0, mended.said[-3000:]
    assert (mode(), serves()) == (before, True)
    assert "nothing to do" in operator.play("repair").said

"""A network that walks through its faults; each test begins where it wants to and can be run alone.

What holds after every one of them stands in conftest.py: no fork, and no block lost that a node has shown.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from walk import (
    KILL_THE_RUN,
    NO_SOAK,
    NODE1,
    NODE2,
    STATE,
    alerts,
    break_engine,
    give_a_clock_that_can_be_set,
    given,
    is_wrapped,
    mend,
    play,
    reboot,
    serves,
    set_clock,
    shell,
    tip,
    touched,
    until,
)

from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import MODES
from testnet.machine.docker import require_docker
from tests.two_operators.support import at_work, desk, lock

# In shadow: Python answers, the gate refuses or waits


def test_given_a_divergence_in_shadow_then_python_answers_and_node2_stays_untouched() -> None:
    given(node1="shadow", node2="legacy")
    began, before = time.time(), touched(NODE2)
    break_engine(NODE1, "divergence")
    until(lambda: NODE1.status()["evidence"]["outcomes"]["divergence"])
    refused = play("phase1")
    assert refused.status == 2
    assert "phase 1 on node2 (legacy -> shadow): is refused" in refused.said
    assert "divergences in this soak" in refused.said
    assert (NODE1.status()["mode"], NODE1.status()["answering"]) == ("shadow", "legacy")
    assert "CONSENSUS DIVERGENCE" in alerts(NODE1, began)
    assert touched(NODE2) == before


def test_given_a_slow_engine_then_the_latency_gate_refuses_and_node2_stays_untouched() -> None:
    given(node1="shadow", node2="legacy")
    before = touched(NODE2)
    break_engine(NODE1, "slow")
    until(lambda: NODE1.status()["evidence"]["ratio"]["count"] >= 40, limit=120)
    refused = play("phase1")
    assert refused.status == 2
    assert "phase 1 on node2 (legacy -> shadow): is refused" in refused.said
    assert "Rust is slower in live traffic: the" in refused.said
    assert (NODE1.status()["mode"], NODE1.status()["answering"]) == ("shadow", "legacy")
    assert touched(NODE2) == before


@pytest.mark.soak
def test_given_a_clock_that_jumps_then_the_gate_waits_and_the_soak_begins_anew() -> None:
    given(node1="shadow", node2="legacy")
    give_a_clock_that_can_be_set(NODE1)
    until(lambda: NODE1.status()["evidence"]["observed_seconds"] > 2)
    set_clock(NODE1, 40)
    until(lambda: NODE1.status()["evidence"]["gaps"]["count"])
    ahead = play("phase1")
    assert ahead.status == 0
    assert "phase 1 on node2 (legacy -> shadow): waits" in ahead.said
    assert "s ahead of the controller's" in ahead.said
    set_clock(NODE1, 0)
    until(lambda: len(NODE1.status()["evidence"]["gaps"]["recent"]) == 2)
    back = play("phase1")
    assert back.status == 0
    assert "from a gap on (the clock went forward, or the machine slept, 4" in back.said
    gaps = [gap["why"] for gap in NODE1.status()["evidence"]["gaps"]["recent"]]
    assert gaps == ["the clock went forward, or the machine slept", "the clock went back"]
    assert (NODE1.status()["mode"], NODE1.status()["latched"]) == ("shadow", None)


# Rust answers: the node saves itself


@pytest.mark.parametrize(
    ("fault", "told", "why"),
    [
        ("divergence", "CONSENSUS DIVERGENCE", "the engines disagree on a block"),
        ("error", "Rust consensus failed, using legacy", "a Rust error beyond the allowance"),
    ],
)
def test_given_a_fault_in_rust_then_the_node_demotes_itself_and_stays_so_until_acknowledged(
    fault: str, told: str, why: str
) -> None:
    given(node1="rust", node2="legacy")
    began, before = time.time(), touched(NODE2)
    break_engine(NODE1, fault)
    until(lambda: NODE1.status()["latched"])
    status = NODE1.status()
    assert (status["mode"], status["answering"], status["latched"]["from"]) == ("shadow", "legacy", "rust")
    assert why in status["latched"]["why"]
    assert told in alerts(NODE1, began)
    if fault == "divergence":
        shell(NODE1, f"test -s {STATE}/captures/{status['latched']['capture']}")
    mend(NODE1)
    assert NODE1.status()["latched"] == status["latched"], "a restart takes no latch off"
    refused = play("phase1")
    assert refused.status == 2
    assert f"node1: latched ({why}" in refused.said
    acknowledged = play("ack", "-l", "node1", why="the walk has looked at it")
    assert acknowledged.status == 0
    assert f"acknowledged what was latched: {why}" in acknowledged.said
    assert NODE1.status()["latched"] is None
    assert touched(NODE2) == before


def test_given_an_engine_that_breaks_in_final_then_no_block_is_guessed_and_python_comes_back() -> None:
    given(node1="final", node2="legacy")
    began, before = time.time(), touched(NODE2)
    break_engine(NODE1, "panic")
    until(lambda: NODE1.status()["stopped"])
    stopped_at = tip(NODE1)
    assert "the Rust engine broke" in NODE1.status()["stopped"]["why"]
    told = alerts(NODE1, began)
    assert "this node takes no more blocks" in told
    assert "playbooks/rollback.yml -l node1 -e to=legacy" in told
    there = tip(NODE2)
    until(lambda: tip(NODE2) > there + 2)
    assert serves(NODE1) and tip(NODE1) == stopped_at, "reads go on, and nothing is accepted"
    back = play("rollback", "-l", "node1", "-e", "to=legacy")
    assert back.status == 0
    assert "node1: went back from final to legacy" in back.said
    status = NODE1.status()
    assert (status["mode"], status["answering"], status["stopped"]) == ("legacy", "legacy", None)
    until(lambda: tip(NODE1) >= tip(NODE2) - 2)
    assert touched(NODE2) == before


# Hosts and operators


@pytest.mark.soak
@pytest.mark.parametrize("mode", MODES)
def test_given_a_reboot_then_the_node_comes_up_in_the_mode_it_was_in(mode: str) -> None:
    given(node1=mode, node2="legacy")
    before, running = touched(NODE2), NODE1.status()
    reboot(NODE1)
    status = NODE1.status()
    assert (status["mode"], status["latched"], status["stopped"]) == (mode, None, None)
    assert status["process"]["started"] > running["process"]["started"]
    soak, resumed = running["evidence"], status["evidence"]
    assert resumed["soak_started"] == soak["soak_started"]
    assert resumed["restarts"] > soak["restarts"], "the same soak, after another start"
    assert touched(NODE2) == before


@pytest.mark.soak
def test_given_a_second_operator_then_he_is_refused_and_the_first_one_ends_his_work(tmp_path: Path) -> None:
    given(node1="shadow", node2="legacy")
    before = touched(NODE1)
    with at_work(desk(tmp_path)) as (first, go):
        refused = play("ack", "-l", "node1", why="somebody else is faster")
        assert refused.status == 2
        assert "node1 is locked: held by alice@laptop since" in refused.said
        assert "break its lock: ansible-playbook" in refused.said
        go.touch()
        first.communicate(timeout=60)
        assert first.returncode == 0
    assert lock(NODE1) is None and lock(NODE2) is None
    assert touched(NODE1) == before


# Node2 takes its steps


@pytest.mark.soak
def test_given_an_interrupted_play_then_the_same_command_finishes_it() -> None:
    given(node1="shadow", node2="legacy")
    killed = play(
        "phase1",
        wait=True,
        wait_timeout=120,
        before="Wait until the control socket answers",
        run=KILL_THE_RUN,
    )
    assert killed.status == -9
    until(lambda: is_wrapped(NODE2))
    assert NODE2.status()["mode"] == "legacy", "the wrapper is in, and nothing else has changed"
    assert serves(NODE2)
    finished = play("phase1", wait=True, wait_timeout=120)
    assert finished.status == 0
    assert "has ended here; its lock is taken over" in finished.said
    assert "done: phase 1 on node2, legacy -> shadow" in finished.said
    assert (NODE1.status()["mode"], NODE2.status()["mode"]) == ("shadow", "shadow")


@pytest.mark.soak
def test_given_a_node_that_falls_silent_in_its_step_then_the_next_one_is_not_touched() -> None:
    given(node1="shadow", node2="shadow")
    before, docker = touched(NODE2), require_docker()
    container = NODE1.droplet.container
    try:
        silent = play(
            "phase2", **NO_SOAK, wait=True, wait_timeout=120,
            before="Set the mode rust", run=f"docker pause {container}",
        )  # fmt: skip
        assert silent.status == 4
        assert touched(NODE2) == before
    finally:
        docker("unpause", container)
    assert NODE1.status()["mode"] == "shadow"
    finished = play("phase2", **NO_SOAK, wait=True, wait_timeout=120)
    assert finished.status == 0
    assert "done: phase 2 on node1, shadow -> rust" in finished.said
    assert "done: phase 2 on node2, shadow -> rust" in finished.said
    assert (NODE1.status()["mode"], NODE2.status()["mode"]) == ("rust", "rust")

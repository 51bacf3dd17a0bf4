"""The nodes' journals tell which restarts were the operator's."""

from __future__ import annotations

import json

from testnet.rehearsal.restarts import Play, parse_journal, unplanned
from testnet.users.ledger import Restart

STOPPING = "de5b426a63be47a7b6ac3eaac82e2f6f"
EXITED = "98e322203f7a4ed290d09fe03c09fe15"
STARTED = "39f53479d3a045ac8e11786248231fbf"
STOPPED = "9d1aaa27d60140bd96365438aad20286"


def line(at: float, message_id: str) -> str:
    return json.dumps({"__REALTIME_TIMESTAMP": str(int(at * 1e6)), "MESSAGE_ID": message_id})


def test_a_restart_is_from_the_order_to_stop_to_the_start() -> None:
    journal = [line(10, STOPPING), line(10.4, STOPPED), line(10.5, STARTED)]
    assert parse_journal("node1", journal) == [Restart("node1", 10, 10.5)]


def test_a_crash_is_a_restart_from_the_end_of_the_process() -> None:
    journal = [line(20, EXITED), line(21, STARTED)]
    assert parse_journal("node2", journal) == [Restart("node2", 20, 21)]


def test_a_boot_is_no_restart() -> None:
    assert parse_journal("node1", [line(1, STARTED)]) == []


def test_lines_without_a_message_id_are_passed_over() -> None:
    plain = json.dumps({"__REALTIME_TIMESTAMP": "10200000"})
    assert len(parse_journal("node1", [line(10, STOPPING), plain, line(11, STARTED)])) == 1


def test_a_restart_outside_of_every_play_on_its_node_was_not_the_operators() -> None:
    plays = [Play("node1", 100, 200), Play("node2", 300, 400)]
    told = [Restart("node1", 150, 151), Restart("node2", 399, 401)]
    strange = [Restart("node2", 150, 151), Restart("node1", 250, 251)]
    assert unplanned([*told, *strange], plays) == strange

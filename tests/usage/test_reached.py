"""Nodes that do not answer, or that refuse this user: one sentence each, and an exit status for programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.coinjecture.migration.plugins.plugin_utils.runs.reached import silent
from tests.usage.support import ROOT, inventory, play


@pytest.mark.parametrize("playbook", ["preflight", "discover", "replay", "rollback", "monitoring"])
def test_given_silent_nodes_then_each_is_told_in_a_sentence_and_the_status_is_4(
    tmp_path: Path, playbook: str
) -> None:
    silent = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    done = play(f"playbooks/{playbook}.yml", "-i", str(inventory(tmp_path, **silent)))
    assert done.status == 4
    told = "does not answer: connect to host 127.0.0.1 port 1: Connection refused. Nothing was changed on it"
    assert f"node1 {told}" in done.said
    assert f"node2 {told}" in done.said or playbook == "replay", "that one goes node by node"
    assert "NoneType" not in done.said


@pytest.mark.parametrize(
    ("playbook", "sudo", "reason"),
    [
        (
            "preflight",
            "sudo: a password is required",
            "type -K and it is asked for, or grant them without one",
        ),
        ("journal", "Sorry, try again.", "sudo does not take this password"),
        ("status", "sudo: unknown user: root", "cannot work there as root: sudo: unknown user: root"),
    ],
)
def test_given_a_sudo_that_refuses_then_it_is_said_what_to_type_and_where_the_rule_is(
    tmp_path: Path, playbook: str, sudo: str, reason: str
) -> None:
    program = tmp_path / "sudo"
    program.write_text(f"#!/bin/sh\necho '{sudo}' >&2\nexit 1\n")
    program.chmod(0o755)
    hosts = inventory(tmp_path, ansible_become=True, ansible_become_exe=str(program))
    done = play(f"playbooks/{playbook}.yml", "-i", str(hosts), ANSIBLE_BECOME_ALLOW_SAME_USER="true")
    assert done.status == 4
    assert reason in done.said
    assert "no node is locked" not in done.said


def test_given_the_rule_that_a_refusal_points_to_then_the_runbook_has_it() -> None:
    page = (ROOT / "docs/runbook.md").read_text()
    assert "NOPASSWD: /bin/sh" in page.partition("## When something is wrong")[2]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            "Warning: Identity file /k/id not accessible: No such file or directory.\r\n"
            "ops@h: Permission denied (publickey).",
            "node1 lets nobody in without a key, and /k/id is not there: name yours with --private-key",
        ),
        (
            "ops@h: Permission denied (publickey).",
            "node1 does not let this user in: ops@h: Permission denied (publickey)",
        ),
        (
            "No ED25519 host key is known for h and you have requested strict checking.\r\n"
            "Host key verification failed.",
            "node1: this controller does not know its host key; compare it, then enter it: "
            "No ED25519 host key is known for h and you have requested strict checking. "
            "Host key verification failed",
        ),
        (
            "Offending ED25519 key in /k/known_hosts:3\r\nHost key verification failed.",
            "node1 is not the machine that this controller knows: Offending ED25519 key in /k/known_hosts:3 "
            "Host key verification failed",
        ),
        (
            "Warning: Identity file /k/id not accessible: No such file or directory.\r\n"
            "ssh: connect to host h port 22: Connection refused",
            "node1 does not answer: connect to host h port 22: Connection refused",
        ),
    ],
)
def test_given_what_ssh_says_then_key_host_key_and_silence_are_told_apart(words: str, sentence: str) -> None:
    assert silent("node1", f"Failed to connect to the host via ssh: {words}") == sentence

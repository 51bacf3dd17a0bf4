"""A node that keeps no log of blocks: what is said of it, and that its replay is refused with what to do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.no_log import without_log

ROOT = Path(__file__).resolve().parents[2]


def test_given_a_node_without_a_log_then_preflight_says_what_is_not_proved_and_what_counts_instead() -> None:
    said = without_log({"headers": 421, "blocks": 1}, "node1", "/a/blockchain.db")
    assert said[0].endswith("(coinjecture_log_query is empty; /a/blockchain.db has blocks 1, headers 421):")
    assert "there is no replay" in said[1]
    assert said[2].endswith("ansible-playbook playbooks/gate.yml -l node1")
    assert "leaves it with the genesis" in said[3]


def test_given_a_node_without_a_log_then_the_replay_is_refused_with_the_next_command(tmp_path: Path) -> None:
    role = {"name": "Replay", "ansible.builtin.include_role": {"name": "coinjecture.migration.replay"}}
    given = {"coinjecture_log_query": ""}
    plays = [{"hosts": "localhost", "gather_facts": False, "vars": given, "tasks": [role]}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump(plays))
    command = ["ansible-playbook", "-i", "localhost,", "-c", "local", str(tmp_path / "play.yml")]
    settings = ["-e", f"migration_kept={tmp_path}", "-e", f"coinjecture_src={tmp_path}"]
    done = subprocess.run([*command, *settings], cwd=ROOT, capture_output=True, text=True, check=False)
    said = " ".join(done.stdout.split())
    assert done.returncode == 2, done.stdout + done.stderr
    assert "keeps no log of blocks (coinjecture_log_query is empty), so none can be put through both" in said
    assert "gate.yml" in said

"""What the plays write for programs has the form that the schemas promise."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ansible_collections.coinjecture.migration.plugins.module_utils.node_state import NodePaths, read
from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning.steps import plan
from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.overview import status_report
from report.schemas import schema, validator
from tests.gate.healthy import a_status
from tests.plugins.test_screen import latched

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_700_000_000.0
PHASES = [
    {"phase": 1, "mode": "shadow", "soak_between_nodes": 10, "soak_after": 10},
    {"phase": 2, "mode": "rust", "soak_between_nodes": 10, "soak_after": 10},
]


def a_node(tmp_path: Path) -> dict[str, Any]:
    """What is read of a node that was never touched, as JSON gives it back."""
    src = tmp_path / "src"
    src.mkdir(exist_ok=True)
    (src / "node.py").write_text("try:\n    from .consensus import ConsensusEngine\nexcept ImportError:\n"
                                 "    from consensus import ConsensusEngine\n")  # fmt: skip
    names = ("socket", "mode_file", "current", "releases", "operator_dir")
    files = {name: str(tmp_path / name) for name in names}
    files |= {
        "settings": "/etc/coinjecture-migration/wrapper.json",
        "drop_in": str(tmp_path / "node.d/50.conf"),
    }

    def run(command: Any) -> str:
        if command[-1] == "coinjecture-restart.service":
            return "inactive"
        if command[0] == "systemctl":
            started = f"python3 {src}/node.py"
            return (
                "LoadState=loaded\nActiveState=active\nSubState=running\nMainPID=0\nNRestarts=0\n"
                f"User=nobody\nExecStart={{ path=python3 ; argv[]={started} ; }}\n"
            )
        return '{"python": "3.11", "libc": "glibc 2.36", "machine": "x86_64"}'

    state = read(
        NodePaths(
            unit="node.service",
            src=str(src),
            entries=(f"{src}/node.py",),
            python="python3",
            user="nobody",
            **files,
        ),
        run,
    )
    copy: dict[str, Any] = json.loads(json.dumps(state))
    return copy


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize(("phase", "node"), [(1, "node1"), (1, "node2"), (2, "node1")])
def test_given_any_decision_then_its_record_fits_the_schema(
    tmp_path: Path, phase: int, node: str, silent: bool
) -> None:
    states = {"node1": a_node(tmp_path), "node2": None if silent else a_node(tmp_path)}
    record = {"schema": 1, **plan(phase, node, states, PHASES, {}, NOW), "finished": None}
    validator("step").validate(record)


def test_given_nodes_that_answer_and_one_that_does_not_then_the_status_fits_the_schema(
    tmp_path: Path,
) -> None:
    states = {"node1": a_node(tmp_path), "node2": None}
    steps = [plan(1, name, states, PHASES, {}, NOW) for name in states]
    chain = {"problems": [], "chain": {"heights": {"node1": 3}, "peers": {"node1": 1}}}
    validator("network").validate(status_report(states, steps, chain, NOW))


def test_given_nodes_in_the_middle_of_it_then_the_status_fits_the_schema(tmp_path: Path) -> None:
    status = a_status("node1", "shadow", NOW, 5.0, 400, {"no_work": 1}) | latched("divergence")
    state = a_node(tmp_path) | {"mode": "shadow", "next_mode": "shadow", "status": status}
    states = {"node1": state, "node2": a_node(tmp_path)}
    steps = [plan(1, name, states, PHASES, {}, NOW) for name in states]
    journal = {"lines": ["journal of node1: empty"], "broken": []}
    report = status_report(states, steps, {}, NOW, journal, ["nobody is at work"])
    validator("network").validate(report)
    assert report["overview"]["node1"]["soak"] == {"started": NOW - 5, "needed": 10.0}
    with pytest.raises(jsonschema.ValidationError):
        validator("network").validate(report | {"next": report["next"] | {"action": "hope"}})


@pytest.mark.parametrize("change", [{"action": "go"}, {"gate": {"outcome": "maybe"}}, {"surprise": 1}])
def test_given_a_record_of_another_form_then_the_schema_says_no(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    states = {"node1": a_node(tmp_path)}
    record = {"schema": 1, **plan(1, "node1", states, PHASES, {}, NOW), "finished": None} | change
    with pytest.raises(jsonschema.ValidationError):
        validator("step").validate(record)


def test_the_recorded_status_of_the_documents_fits_the_schema() -> None:
    recorded = json.loads((ROOT / "tests/report/fixtures/status.json").read_text())
    validator("network").validate(recorded)


def test_given_what_the_plays_write_to_the_journal_then_its_role_and_its_schema_know_it() -> None:
    plays = [*ROOT.glob("playbooks/**/*.yml"), *ROOT.glob("roles/*/tasks/*.yml")]
    told = [line for path in plays for line in re.findall(r"^ *journal_what: (.+)$", path.read_text(), re.M)]
    written = {line for line in told if "{{" not in line} | {"removed", "rollback"}
    specs = yaml.safe_load((ROOT / "roles/journal/meta/argument_specs.yml").read_text())
    choices = set(specs["argument_specs"]["main"]["options"]["journal_what"]["choices"])
    assert "repaired" in written
    assert written <= choices
    assert choices <= set(schema("journal")["properties"]["what"]["enum"])

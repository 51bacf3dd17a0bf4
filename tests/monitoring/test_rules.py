"""The rules: what promtool makes of them, and that no alert is without its yes, its no and its runbook."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.support import CASES, RECORDING, ROOT, render_alerts, tool

PLAN = {
    "consensus_divergence_count",
    "rust_consensus_errors",
    "rust_consensus_latency_ms",
    "block_verification_success_rate",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The rules as promtool wants them: rendered, with their cases beside them."""
    for path in (RECORDING, CASES):
        shutil.copy(path, tmp_path)
    render_alerts(tmp_path / "alerts.yml")
    return tmp_path


def alerts(folder: Path) -> list[dict[str, Any]]:
    groups = yaml.safe_load((folder / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def promtool(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [tool("promtool"), *arguments], cwd=folder, check=False, capture_output=True, text=True
    )


def test_given_the_rules_then_promtool_accepts_them_and_every_case(folder: Path) -> None:
    checked = promtool(folder, "check", "rules", "recording.yml", "alerts.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    tested = promtool(folder, "test", "rules", "alerts_test.yml")
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize(("expr", "expects_none"), [("vector(1) > 2", False), ("vector(1)", True)])
def test_given_an_alert_that_never_or_always_fires_then_its_case_fails(
    folder: Path, expr: str, expects_none: bool
) -> None:
    rules = yaml.safe_load((folder / "alerts.yml").read_text())
    for rule in rules["groups"][0]["rules"]:
        rule["expr"] = expr
        rule.pop("for", None)
    (folder / "alerts.yml").write_text(yaml.safe_dump(rules))
    told = promtool(folder, "test", "rules", "alerts_test.yml")
    assert told.returncode != 0
    failures = re.findall(r'alertname=\\"(\w+)\\".*\n\s+exp: (.*)', told.stdout + told.stderr)
    failed = {name for name, expected in failures if (expected == "nil") is expects_none}
    assert failed == {rule["alert"] for rule in alerts(folder)}


def test_given_the_recording_rules_then_the_plans_four_are_among_them() -> None:
    groups = yaml.safe_load(RECORDING.read_text())["groups"]
    assert {rule["record"] for group in groups for rule in group["rules"]} >= PLAN


def test_given_an_alert_then_it_links_to_a_section_that_says_what_to_do(folder: Path) -> None:
    page = (ROOT / "docs/alerts.md").read_text()
    sections = {title.lower() for title in re.findall(r"^### (\w+)$", page, re.MULTILINE)}
    for rule in alerts(folder):
        notes = rule["annotations"]
        assert {"summary", "description", "runbook_url"} == set(notes)
        link, _, anchor = notes["runbook_url"].partition("#")
        assert link.startswith("file:///"), "a relative link leads nowhere from a chat or a mail"
        assert Path(link.removeprefix("file://")).is_file()
        assert anchor == rule["alert"].lower()
        assert anchor in sections, f"docs/alerts.md says nothing of {rule['alert']}"
        assert rule["labels"]["severity"] in ("page", "ticket")


def test_given_the_alert_on_latency_then_it_says_its_clock_and_that_the_gate_judges_another(
    folder: Path,
) -> None:
    """Its rules read the clock; where they read processor time one day, its text and its page are wrong."""
    (rule,) = [one for one in alerts(folder) if one["alert"] == "RustLatencyAboveLegacy"]
    read = re.findall(r"[a-z_]+_ms", rule["expr"])
    rules = yaml.safe_load((folder / "recording.yml").read_text())["groups"][0]["rules"]
    sources = {
        name for one in rules if one["record"] in read for name in re.findall(r"\w+_bucket", one["expr"])
    }
    assert sources == {"coinjecture_consensus_judge_seconds_bucket"}
    page = (ROOT / "docs/alerts.md").read_text().split("### RustLatencyAboveLegacy")[1].split("###")[0]
    for text in (rule["annotations"]["description"], page):
        assert "by the clock" in text and "processor time" in text and "gate" in text

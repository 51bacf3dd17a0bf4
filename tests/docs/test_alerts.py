"""Each alert has a section: what it means, what users see, where to look, what to type, when it is over."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RULES = (ROOT / "roles/monitoring/templates/alerts.yml.j2").read_text()
ALERTS = re.findall(r"- alert: (\w+)", RULES)
PAGE = (ROOT / "docs/alerts.md").read_text()
PARTS = ("Users see", "Look first", "Then type", "Over when")


def section(alert: str) -> str:
    return re.split(r"^##", PAGE.split(f"### {alert}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize("alert", ALERTS)
def test_given_an_alert_then_its_section_answers_each_question_and_has_its_severity(alert: str) -> None:
    meaning, *parts = re.split(r"^- \*\*", section(alert), flags=re.MULTILINE)
    assert tuple(part.partition("**")[0] for part in parts) == PARTS
    severity = re.search(rf"alert: {alert}\n.*?severity: (\w+)", RULES, re.DOTALL)
    assert severity and f"`{severity[1]}`" in meaning


@pytest.mark.parametrize("alert", ALERTS)
def test_given_an_alert_then_its_section_names_a_command(alert: str) -> None:
    assert re.search(r"`(?:ansible-playbook|journalctl|systemctl|curl)\b", section(alert))


def test_given_a_section_then_a_rule_raises_its_alert() -> None:
    told = PAGE.split("## Alerts\n")[1].split("\n## ")[0]
    assert re.findall(r"^### (\w+)$", told, re.MULTILINE) == ALERTS

"""Each answer of the FAQ names the command that shows it, and the plan's questions are those of preflight."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.answers import QUESTIONS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/faq.md").read_text()


def test_given_a_question_then_its_answer_names_a_command_that_shows_it() -> None:
    others = PAGE.split("## What else people ask\n")[1]
    for question in others.split("\n### ")[1:]:
        assert re.search(r"`(?:ansible-playbook|make) ", question), question.splitlines()[0]


def test_given_the_plans_questions_then_there_is_an_answer_to_each_that_preflight_answers() -> None:
    plan = PAGE.split("## The plan's five questions\n")[1].split("\n## ")[0]
    assert len(QUESTIONS) == len(re.findall("^### ", plan, re.M))

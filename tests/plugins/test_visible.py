"""Text of strangers is text wherever it is printed: a terminal, a diff, the screen, the page."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.coinjecture.migration.plugins.module_utils.visible import visible, visible_in
from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.overview import status_report
from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.screen import (
    status_lines,
    step_lines,
)
from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.words import coloured
from report.page import render
from tests.gate.test_refused_plays import here, play
from tests.plugins.test_screen import NOW, a_node, a_step, latched
from tests.report.material import rehearsal

__all__ = ["here"]  # a fixture

EVIL = "\x1b[2J\x1b]0;owned\x07 \x9b31m \u202eevil\u2066 a\x7fb\u200b\u2028c\r"
CONTROLS = [chr(code) for code in (*range(32), 0x7F, *range(0x80, 0xA0))]
TURNING = list("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def hidden(text: str, but: str = "\n") -> set[str]:
    """Characters of a text that draw nothing."""
    return {
        one for one in text if one not in but and unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    }


@pytest.mark.parametrize("character", [*CONTROLS, *TURNING, "\ud800", "\ufeff", "\u00ad", "\U000e0041"])
def test_given_a_character_that_draws_nothing_then_its_escape_is_shown(character: str) -> None:
    assert visible(f"a{character}b") == f"a{character.encode('unicode_escape').decode()}b"


@pytest.mark.parametrize("text", ["", "plain", "Käse 日本 ✔ █░", "a b", "\\x1b"])
def test_given_text_that_is_text_then_it_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_given_a_value_as_json_has_it_then_every_text_in_it_is_visible_keys_included() -> None:
    assert not hidden(json.dumps(visible_in({EVIL: [EVIL, {"a": EVIL}, 1, None]}), ensure_ascii=False))


@pytest.mark.parametrize("paint", [None, coloured])
def test_given_strangers_words_in_every_place_then_the_screen_and_a_step_steer_no_terminal(
    paint: Any,
) -> None:
    step = a_step(action="fail", reasons=[EVIL], ready_at=None)
    told = a_node(name=EVIL, **latched(EVIL), stopped={"at": NOW, "why": EVIL})
    nodes = {
        EVIL: told,
        "node3": a_node(answering=EVIL),
        "node2": a_node(None) | {"why": EVIL, "service": {"state": EVIL}},
    }
    journal = {"lines": [EVIL], "broken": [EVIL]}
    report = status_report(nodes, [step], {"problems": [EVIL], "chain": {}}, NOW, journal, [EVIL])
    lines = status_lines(report, paint) if paint else status_lines(report)
    drawn = "\n".join(lines) if paint is None else "\n".join(lines).replace("\x1b[", "")
    assert not hidden(drawn + "\n".join(step_lines(step)))
    assert "\\u202eevil" in drawn


def test_given_strangers_words_in_the_material_then_the_page_has_them_as_text() -> None:
    run: Any = rehearsal()
    for gate in run["gates"]:
        gate["reasons"], gate["proven"] = [f"{EVIL}<b>bold</b>"], [EVIL]
    page = render(run)
    assert not hidden(page)
    assert "\\u202eevil" in page and "<b>bold</b>" not in page


def test_given_a_play_that_prints_strangers_words_then_the_terminal_is_not_steered(here: Path) -> None:
    dest = here / "written"
    dest.write_text("before\n")
    tasks = [
        {"name": "Say it", "coinjecture.migration.out": {"lines": ["{{ evil }}"]}},
        {"name": "Tell it", "ansible.builtin.debug": {"msg": "{{ evil }}"}},
        {
            "name": "Write it",
            "ansible.builtin.copy": {"content": "{{ evil }}", "dest": str(dest), "mode": "0644"},
        },
        {"name": "Loop {{ evil }}", "ansible.builtin.debug": {"msg": "x"}, "loop": ["{{ evil }}"]},
        {"name": "Fail with it", "ansible.builtin.fail": {"msg": "{{ evil }}"}},
    ]
    written = [
        {"name": "A play", "hosts": "node1", "gather_facts": False, "vars": {"evil": EVIL}, "tasks": tasks}
    ]
    (here / "play.yml").write_text(yaml.safe_dump(written))
    status, said = play(here, str(here / "play.yml"), "--diff")
    assert status == 2
    assert not hidden(said)
    assert said.count("evil") >= 5

"""The glossary has the words of our own that the pages and screens use."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)[2:]
WORDS = [word.strip() for words, _ in ROWS for word in words.split(",")]


def test_the_words_stand_in_their_order_and_once() -> None:
    first = [words.split(",")[0].strip() for words, _ in ROWS]
    assert first == sorted(first)
    assert len(WORDS) == len(set(WORDS))


@pytest.mark.parametrize(
    "word", ["soak", "pair", "evidence", "wave", "latched", "gate", "step", "wrapper", "wheel"]
)
def test_a_word_that_a_first_reader_stumbles_over_is_there(word: str) -> None:
    assert word in WORDS


def test_every_mode_and_every_outcome_of_a_gate_is_named() -> None:
    text = " ".join(meaning for _, meaning in ROWS)
    for name in ("legacy", "shadow", "rust", "final", "pass", "wait", "fail"):
        assert f"`{name}`" in text

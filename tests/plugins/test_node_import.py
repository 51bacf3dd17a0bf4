"""The import edit in node.py: both lines, nothing else, and back to the very same bytes."""

from __future__ import annotations

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.node_import import (
    ImportEditError,
    complete,
    names,
    state,
    unwrap,
    wrap,
)

PAIR = b'''"""A node."""
import asyncio
try:
    from .consensus import ConsensusConfig, ConsensusEngine  # the engine
    from .storage import Storage
except ImportError:
    from consensus import ConsensusConfig, ConsensusEngine  # the engine
    from storage import Storage

ENGINE = "from consensus import ConsensusEngine"
'''

SHAPES = {
    "plain": PAIR,
    "windows line ends": PAIR.replace(b"\n", b"\r\n"),
    "no final line end": PAIR.rstrip(b"\n"),
    "parentheses": PAIR.replace(
        b"import ConsensusConfig, ConsensusEngine",
        b"import (\n        ConsensusConfig,\n        ConsensusEngine,\n    )",
    ),
    "an alias of its own": PAIR.replace(b"ConsensusEngine  #", b"ConsensusEngine as Engine  #"),
    "a handler for two errors": PAIR.replace(b"except ImportError", b"except (ImportError, ValueError)"),
    "plain import first": PAIR.replace(b".consensus", b"@")
    .replace(b" consensus import C", b" .consensus import C", 1)
    .replace(b"@", b"consensus"),
    "text before in another script": "# Größe 漢字\n".encode() + PAIR,
}


@pytest.mark.parametrize("source", SHAPES.values(), ids=SHAPES.keys())
def test_given_a_pair_when_wrapped_and_unwrapped_then_the_bytes_are_the_same(source: bytes) -> None:
    wrapped = wrap(source)
    assert wrapped != source
    assert state(source) == "legacy"
    assert state(wrapped) == "wrapped"
    assert unwrap(wrapped) == source


def test_given_the_pair_when_wrapped_then_both_lines_change_and_no_other() -> None:
    before, after = PAIR.splitlines(), wrap(PAIR).splitlines()
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [
        b"    from %sconsensus_wrapper import " % dot
        + b"ConsensusConfig, DualRunConsensus as ConsensusEngine  # the engine"
        for dot in (b".", b"")
    ]


def test_given_an_edited_file_when_wrapped_again_then_nothing_changes() -> None:
    wrapped = wrap(PAIR)
    assert wrap(wrapped) == wrapped
    assert unwrap(PAIR) == PAIR


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (b"import asyncio\n", "nothing takes ConsensusEngine from consensus"),
        (
            PAIR.replace(b"ConsensusEngine", b"Engine"),
            "and nothing there takes",
        ),
        (
            PAIR + b"def late():\n    from consensus import Block\n",
            "line 12 takes Block from cons",
        ),
        (PAIR + b"from consensus_wrapper import X\n", "with the wrapper's name"),
        (PAIR + b"from consensus_wrapper import DualRunConsensus as D\n", "half-made edit"),
        (PAIR.replace(b"ConsensusConfig, C", b"ConsensusEngine, C"), "more than once"),
        (PAIR.replace(b"ConsensusEngine  #", b"ConsensusEngine as ConsensusEngine  #"), "byte for byte"),
        (PAIR.replace(b"from .consensus import", b"from .consensus \\\n  import"), None),
        (PAIR.replace(b"from .consensus", b"from \\\n  .consensus"), "cannot be edited"),
        (b"def broken(:\n", "not Python"),
        (b"x = '\xff'\n", "not Python"),
        (b"", "nothing takes ConsensusEngine from consensus"),
    ],
)
def test_given_another_shape_then_the_edit_is_refused_with_a_reason(
    source: bytes, reason: str | None
) -> None:
    if reason is None:
        assert unwrap(wrap(source)) == source
        return
    with pytest.raises(ImportEditError, match=reason):
        wrap(source)


@pytest.mark.parametrize(
    "more",
    [
        b"import consensus\n",
        b"from . import consensus\n",
        b"def late():\n    from consensus import ValidationError\n",
        PAIR,
    ],
)
def test_given_further_imports_of_the_engine_when_wrapped_then_none_is_left(more: bytes) -> None:
    wrapped = wrap(PAIR + more)
    assert state(wrapped) == "wrapped"
    assert unwrap(wrapped) == PAIR + more


@pytest.mark.parametrize("source", SHAPES.values(), ids=SHAPES.keys())
def test_given_any_shape_when_completed_then_both_lines_import_the_rust_engine(source: bytes) -> None:
    completed = complete(wrap(source))
    assert state(completed) == "rust"
    assert completed == complete(source) == complete(completed)
    assert b"consensus_wrapper" not in completed and b"from .consensus" not in completed
    assert completed.count(b"from _coinjecture_release.consensus import") == 2
    assert len(completed.splitlines()) == len(source.splitlines())
    assert names(completed) == names(source) == ["ConsensusConfig", "ConsensusEngine"]


@pytest.mark.parametrize("name", sorted(set(SHAPES) - {"plain import first"}))
def test_given_a_completed_file_when_taken_back_then_the_bytes_are_the_same(name: str) -> None:
    assert wrap(complete(SHAPES[name])) == wrap(SHAPES[name])
    assert unwrap(complete(SHAPES[name])) == SHAPES[name]


def test_given_the_plain_import_first_then_the_way_back_still_imports_what_is_meant() -> None:
    back = wrap(complete(SHAPES["plain import first"]))
    assert state(back) == "wrapped"
    assert complete(back) == complete(SHAPES["plain import first"])


def test_given_a_half_completed_file_then_it_is_refused() -> None:
    half = complete(PAIR).replace(b"from _coinjecture_release.consensus", b"from consensus", 1)
    with pytest.raises(ImportEditError, match="half-made edit"):
        state(half)

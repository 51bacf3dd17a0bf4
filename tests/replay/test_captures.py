"""Divergence files, judged again."""

import json
from pathlib import Path
from typing import Any

import pytest
from coinjecture.replay import captures, legacy
from coinjecture.replay.__main__ import main
from coinjecture.replay.outcome import Outcome
from coinjecture_migration.engines.observation import Observation
from coinjecture_migration.judging.divergence_file import describe

from report.schemas import validator

from .support import (
    GENESIS_BLOCK,
    LEGACY,
    capture_file,
    capture_of,
    child,
    genesis_node,
    run_bare,
    wrong_legacy,
)


def replayed(path: Path) -> captures.Replayed:
    return captures.replay(path, legacy.load(LEGACY))


@pytest.mark.parametrize(
    ("block", "profile", "said"),
    [
        (child(), "full", "accept"),
        (child(index=2), "full", "bad_height"),
        (child(timestamp=0.0), "full", "bad_timestamp"),
        (child(previous_hash="11" * 32), "full", "unknown_parent"),
        (child() | {"block_hash": "22" * 32}, "full", "bad_block_hash"),
        (child() | {"block_hash": "22" * 32}, "header", "accept"),
        (b'{"index": "\xff"}', "full", "malformed"),
        (b"[1]", "full", "malformed"),
    ],
)
def test_given_a_capture_when_both_engines_agree_now_then_the_status_is_0_and_the_verdict_is_said(
    block: Any, profile: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = capture_file(tmp_path, capture_of(block, profile=profile))
    validator("capture").validate(json.loads(path.read_text(encoding="ascii")))
    assert replayed(path).legacy.code == said
    assert main(["--captures", str(path), "--legacy", str(LEGACY)]) == 0
    assert f"{said}\n1 divergence files, 0 still diverge" in capsys.readouterr().out


def test_the_recorded_tip_is_the_one_that_is_beaten_or_not(tmp_path: Path) -> None:
    heavy = genesis_node().__class__(
        **(vars(genesis_node()) | {"block_hash": "aa" * 32, "cumulative": 1e300})
    )
    beaten = replayed(capture_file(tmp_path, capture_of(child())))
    kept = replayed(capture_file(tmp_path, capture_of(child(), tip=heavy)))
    assert beaten.agrees and beaten.legacy.tip_hash_json == json.dumps(child()["block_hash"])
    assert kept.agrees and kept.legacy.tip_hash_json == json.dumps("aa" * 32)
    assert kept.legacy.height == 1


def test_without_a_parent_and_a_tip_there_is_nothing_the_block_could_hang_on(tmp_path: Path) -> None:
    again = replayed(capture_file(tmp_path, capture_of(child(), parent=None, tip=None)))
    assert again.agrees and again.legacy.code == "unknown_parent"


@pytest.mark.parametrize(
    ("right", "wrong", "changes", "differs"),
    [
        (
            'block["timestamp"] <= parent',
            'block["timestamp"] < parent',
            {"timestamp": GENESIS_BLOCK["timestamp"]},
            "verdict",
        ),
        (
            "* weight * size *",
            "* size *",
            {"work": {"problem_class": "NP", "measured_solve_space": 4}},
            "work",
        ),
    ],
)
def test_given_engines_that_differ_when_a_capture_is_replayed_then_the_status_is_1_and_says_in_what(
    right: str,
    wrong: str,
    changes: dict[str, Any],
    differs: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = wrong_legacy(tmp_path / "legacy", right, wrong)
    path = capture_file(tmp_path, capture_of(child(**changes)))
    status = main(["--captures", str(path), "--legacy", str(other), "--json"])
    content = json.loads(capsys.readouterr().out)
    assert status == 1 and content["diverge"] == 1
    assert differs in content["captures"][0]["differs"]


def test_given_a_file_that_the_wrapper_wrote_then_it_replays(tmp_path: Path) -> None:
    block = child()
    told = Observation(
        "legacy", accepted=True, block_hash=block["block_hash"], work=1.0, tip_hash="x", tip_cumulative=1.0
    )
    parent = legacy.Legacy(legacy.load(LEGACY), captures.stand_in(), "full").node_of(genesis_node())
    content = describe(
        block=json.dumps(block).encode(),
        profile="full",
        received_at=2e9,
        parent=parent,
        tip=parent,
        legacy=told,
        rust=told,
        kinds=("work",),
        mode="shadow",
        builds={"legacy": {"file": None, "sha256": None}, "rust": {"release": None}},
    )
    path = tmp_path / "capture.json"
    path.write_text(json.dumps(content), encoding="ascii")
    again = replayed(path)
    assert again.agrees and again.legacy.code == "accept" and again.legacy.height == 1


def test_a_rust_engine_that_breaks_is_a_divergence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = capture_file(tmp_path, capture_of(child()))
    monkeypatch.setattr(captures.Rust, "judge", lambda *_: Outcome("error", "PanicException: at last"))
    again = replayed(path)
    assert not again.agrees and "PanicException" in captures.sentence(again)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: text[:-40], "damaged"),
        (lambda text: text.replace('"schema": 1', '"schema": 2'), "schema 2"),
        (lambda text: text.replace('"profile": "full"', '"profile": "none"'), "profile"),
        (lambda text: text.replace('"parent"', '"mother"'), "'parent' is missing"),
        (lambda text: text.replace('"cumulative_bits": "4', '"cumulative_bits": "'), "damaged"),
        (lambda text: "[]", "damaged"),
    ],
)
def test_given_a_damaged_file_then_the_status_is_2_and_the_file_is_named(
    damage: Any, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = capture_file(tmp_path, capture_of(child()))
    path.write_text(damage(path.read_text(encoding="ascii")), encoding="ascii")
    assert main(["--captures", str(path), "--legacy", str(LEGACY)]) == 2
    error = capsys.readouterr().err
    assert str(path) in error and said in error


@pytest.mark.parametrize("content", [None, "x = (", "import nothing_of_this_name", "x = 1"])
def test_given_no_legacy_engine_then_the_status_is_2(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = tmp_path / "consensus.py"
    if content is not None:
        engine.write_text(content, encoding="ascii")
    path = capture_file(tmp_path, capture_of(child()))
    assert main(["--captures", str(path), "--legacy", str(engine)]) == 2
    assert str(engine) in capsys.readouterr().err


def test_given_nothing_but_the_wheel_and_the_standard_library_then_the_command_works(tmp_path: Path) -> None:
    path = capture_file(tmp_path, capture_of(child()))
    done = run_bare(tmp_path, "--captures", str(path), str(tmp_path / "none.json"), "--legacy", str(LEGACY))
    assert done.returncode == 2 and "none.json" in done.stderr, done.stderr
    done = run_bare(tmp_path, "--captures", str(path), "--legacy", str(LEGACY), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["agree"] == 1

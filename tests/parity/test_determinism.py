"""The same input gives the same bytes: in two processes, whatever Python's hash seed, and in every path."""

import hashlib
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from coinjecture import _core

from .support import GENESIS, scenarios

ROOT = Path(__file__).parents[2]


def told(path: str) -> str:
    """Digest of all that the engine says of every scenario, given by one path."""
    digest = hashlib.sha256()
    for profile in ("header", "full"):
        for scenario in scenarios(profile):
            known = GENESIS[scenario["genesis"]]
            engine = _core.Engine(known["block_json"], known["received_at"])
            rows = [(step["block_json"].encode(), step["received_at"]) for step in scenario["steps"]]
            for verdict in judgements(engine, rows, profile, path):
                digest.update(repr(described(verdict)).encode("utf-8", "surrogatepass"))
            digest.update(engine.export())
    return digest.hexdigest()


def judgements(
    engine: _core.Engine, rows: list[tuple[bytes, float]], profile: str, path: str
) -> list[_core.Judgement | _core.EngineError]:
    if path.startswith("many"):
        return engine.take_many(rows, profile, threads=int(path[-1]))
    found: list[_core.Judgement | _core.EngineError] = []
    for raw, received_at in rows:
        block = json.loads(raw) if path == "object" else raw
        try:
            judgement = engine.judge(_core.capture(block), received_at, profile)
        except _core.EngineError as error:
            found.append(error)
            continue
        engine.apply(judgement)
        found.append(judgement)
    return found


def described(verdict: _core.Judgement | _core.EngineError) -> tuple[object, ...]:
    if isinstance(verdict, _core.EngineError):
        return (type(verdict).__name__, str(verdict))
    work = None if verdict.work is None else verdict.work.hex()
    cumulative = None if verdict.cumulative is None else verdict.cumulative.hex()
    return (
        *(verdict.reason, verdict.block_hash, verdict.computed_hash, work, verdict.height, cumulative),
        *(verdict.moves_tip, verdict.tip_hash, verdict.tip_cumulative.hex()),
    )


def test_every_path_says_the_same_of_every_scenario() -> None:
    paths = ("wire", "object", "many1", "many2", "many5")
    digests = {path: told(path) for path in paths}
    assert len(set(digests.values())) == 1, digests


@pytest.mark.parametrize("path", ["wire", "object", "many2"])
def test_two_processes_with_other_hash_seeds_say_the_same(path: str) -> None:
    program = f"from tests.parity.test_determinism import told; print(told({path!r}))"
    here = told(path)
    for seed in ("random", "random", "0"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        there = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert there.stdout.strip() == here, seed


def test_release_builds_keep_overflow_checks() -> None:
    """The crate's own test shows that arithmetic stops; here is that no build of the wheel says otherwise."""
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())
    profiles = workspace["profile"]
    assert profiles["release"]["overflow-checks"] is True
    assert "panic" not in profiles["release"], "a panic has to unwind, or nobody can catch it"
    assert all("overflow-checks" not in profile for name, profile in profiles.items() if name != "release")
    maturin = tomllib.loads((ROOT / "python/pyproject.toml").read_text())["tool"]["maturin"]
    assert not {"profile", "rustc-args", "cargo-extra-args"} & maturin.keys(), maturin
    assert not (ROOT / ".cargo/config.toml").exists()

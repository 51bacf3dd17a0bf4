"""Form B of the deployed node, through the modules: from its first edit to its completion, and back."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import files
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.test_modules import run

ROOT = Path(__file__).resolve().parents[2]
NODE = ROOT / "testnet/deployed_node"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The node's folder, the release in force beside it, and root's folder."""
    home = tmp_path / "home"
    shutil.copytree(NODE / "service", home)
    shutil.copytree(NODE / "src", home / "src", dirs_exist_ok=True)
    release = tmp_path / "current"
    for package in ("coinjecture", "_coinjecture_release", "consensus_surface"):
        shutil.copytree(ROOT / "python/src" / package, release / package)
    (native,) = (path for path in files("coinjecture") or () if path.match("_core.*.so"))
    shutil.copy(str(native.locate()), release / "coinjecture")
    (release / "x.whl").touch()
    (tmp_path / "operator/backups").mkdir(parents=True)
    (tmp_path / "python").write_text(
        f'#!/bin/sh\nexec {sys.executable} -S "$@"\n'
    )  # without the wheel of its own
    (tmp_path / "python").chmod(0o755)
    return home


def where(home: Path) -> dict[str, Any]:
    """What the inventory of form B says of its files."""
    return {"src": str(home / "src"), "entries": [str(home / "consensus_service.py")]}


def importers(home: Path) -> list[str]:
    """Likewise of the other files that import the legacy engine."""
    return [str(home / name) for name in ("unified_consensus_service.py", "src/network.py", "src/node.py")]


def sources(home: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in home.rglob("*.py")}


def archive(home: Path, state: str, **more: Any) -> dict[str, Any]:
    """What ``sealed_copy`` says."""
    given = {"folder": str(home.parent / "sealed"), "current": str(home.parent / "current")} | where(home)
    return run("sealed_copy", state=state, python=str(home.parent / "python"), user="", **given, **more)


def change(said: list[dict[str, str]]) -> None:
    """Make the changes of a restart."""
    for one in said:
        content = Path(one["from"]).read_bytes() if "from" in one else one["content"].encode()
        Path(one["path"]).write_bytes(content)


def engine_of(home: Path, program: str) -> str:
    """Which module a program of the node has its engine from, when it is loaded as its unit loads it."""
    path = [str(Path(program).parent), "lib", str(home.parent / "current")]
    code = f"import runpy, sys; sys.path[:0] = {path}\n"
    code += f"print(runpy.run_path('{program}')['ConsensusEngine'].__module__)"
    command = [sys.executable, "-I", "-c", code]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_given_form_b_then_what_else_takes_the_legacy_engine_is_found_and_blocks_its_removal(
    home: Path,
) -> None:
    found = archive(home, "looked")["obstacles"]
    assert {text.partition(", line")[0] for text in found} == set(importers(home))
    for choice in ("importers", "ignored"):
        assert archive(home, "looked", **{choice: importers(home)})["obstacles"] == []


def test_given_form_b_when_completed_then_every_program_has_the_rust_engine_and_all_of_it_goes_back(
    home: Path,
) -> None:
    before = sources(home)
    kept = run("displaced_files", state="kept", folder=str(home.parent / "operator"), **where(home))
    assert [Path(path).name for path in kept["kept"]] == ["consensus_wrapper.py"]
    (home / "src/consensus_wrapper.py").write_text(
        "from consensus import ConsensusConfig\nDualRunConsensus = 1\n"
    )
    edited = run("node_import", backups=str(home.parent / "operator/backups"), **where(home))
    assert [Path(one["path"]).name for one in edited["after"]] == ["consensus_service.py"]

    others = {"importers": importers(home)}
    checked = archive(home, "checked", **others)
    assert checked["obstacles"] == [], checked
    assert archive(home, "sealed", **others)["changed"] is True
    change(checked["completed"])
    (home / "src/consensus.py").unlink()
    for program in ("consensus_service.py", "unified_consensus_service.py", "src/node.py"):
        assert engine_of(home, program) == "_coinjecture_release.consensus", "not the node's own coinjecture"

    change(archive(home, "opened", **others)["changes"])
    run("node_import", state="legacy", backups=str(home.parent / "operator/backups"), **where(home))
    run("displaced_files", state="restored", folder=str(home.parent / "operator"), **where(home))
    assert sources(home) == before


def test_given_a_genesis_that_only_the_wrapper_keeps_then_the_legacy_engine_is_not_removed_and_why_is_said(
    home: Path,
) -> None:
    kept = home.parent / "genesis.json"
    given: dict[str, Any] = {"importers": importers(home), "genesis": str(kept)}
    assert archive(home, "checked", **given)["obstacles"] == []
    kept.write_text("{}")
    (said,) = archive(home, "checked", **given)["obstacles"]
    assert f"the wrapper has it, in {kept}" in said
    assert "final, with the wrapper, is where this node's migration ends" in said


def test_given_a_release_that_a_completed_node_could_not_import_then_it_is_said_which_of_the_two_it_is(
    home: Path,
) -> None:
    broken = home.parent / "current/coinjecture/_settings.py"
    broken.write_text("raise ImportError('not whole')\n")
    (said,) = archive(home, "checked", importers=importers(home))["obstacles"]
    assert "cannot be imported (ImportError: not whole); install it anew (repair.yml)" in said
    shutil.rmtree(home.parent / "current/_coinjecture_release")
    (said,) = archive(home, "checked", importers=importers(home))["obstacles"]
    assert "is of an earlier version" in said and "(upgrade.yml)" in said

"""Version and licence are stated in `Cargo.toml`, the reasons of a reject once in each language."""

import re
import subprocess
import tomllib
from importlib.metadata import metadata
from pathlib import Path

import coinjecture
import pytest
from coinjecture import _core, _reject
from consensus_surface import REASONS

ROOT = Path(__file__).resolve().parents[2]
STATED = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]["package"]
CRATES = ("consensus", "python")


def test_the_module_and_the_package_tell_the_version_of_the_crates() -> None:
    told = {coinjecture.__version__, _core.__version__, _core.build_info()["version"]}
    assert told == {STATED["version"]} == {metadata("coinjecture")["Version"]}


def test_the_wheel_has_the_licence_of_the_crates() -> None:
    wheel = metadata("coinjecture")
    assert STATED["license"] in (wheel["License-Expression"], wheel["License"])
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith(f"{STATED['license']} License")


@pytest.mark.parametrize("crate", CRATES)
def test_a_crate_restates_neither(crate: str) -> None:
    package = tomllib.loads((ROOT / "rust" / crate / "Cargo.toml").read_text(encoding="utf-8"))["package"]
    assert package["version"] == package["license"] == {"workspace": True}


def test_no_file_of_crates_and_wheel_restates_the_version() -> None:
    folders = (ROOT / "rust", ROOT / "python")
    files = [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in (".py", ".pyi", ".rs", ".toml")
    ]
    version = re.compile(rf"(?<![\d.]){re.escape(STATED['version'])}(?![\d.])")
    assert [str(path) for path in files if version.search(path.read_text(encoding="utf-8"))] == []


def test_both_languages_know_the_same_reasons_in_the_same_order() -> None:
    source = (ROOT / "rust/consensus/src/rules/reason.rs").read_text(encoding="utf-8")
    assert tuple(re.findall(r'Self::\w+ => "(\w+)"', source)) == REASONS
    assert tuple(_reject._TOLD) == REASONS, "each has its words"


def test_no_other_file_lists_the_reasons() -> None:
    homes = {"python/src/consensus_surface/__init__.py", "python/src/coinjecture/_reject.py"}
    kept = [
        "git",
        "ls-files",
        "*.py",
        "*.pyi",
        "*.json",
        ":!tests/vectors",
        ":!docs/schemas/vocabulary.schema.json",
    ]
    names = subprocess.run(kept, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    listed = re.compile(r"[,\s:\[{(]*(?:\d+[,\s]*)?".join(f'"{reason}"' for reason in REASONS[1:5]))
    files = [name for name in names if name not in homes and (ROOT / name).is_file()]
    assert [name for name in files if listed.search((ROOT / name).read_text(encoding="utf-8"))] == []

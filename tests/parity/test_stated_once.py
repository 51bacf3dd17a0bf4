"""The version and the licence of crates and wheel are stated in `Cargo.toml`, and nowhere again."""

import re
import tomllib
from importlib.metadata import metadata
from pathlib import Path

import coinjecture
import pytest
from coinjecture import _core

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

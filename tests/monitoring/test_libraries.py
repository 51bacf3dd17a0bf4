"""Wheels of pure Python become a folder to import from, and what lay there before is gone."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from tests.monitoring.support import ROOT

UNPACK = ROOT / "roles/libraries/files/unpack.py"


def wheel(folder: Path, name: str, content: str = "told = 1\n") -> Path:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/__init__.py", content)
        archive.writestr(f"{name}/data.pem", "a certificate\n")
    return path


def unpack(site: Path, *wheels: Path) -> int:
    return subprocess.run(
        [sys.executable, UNPACK, site, *wheels], check=False, capture_output=True
    ).returncode


def test_given_wheels_then_they_can_be_imported_with_their_data(tmp_path: Path) -> None:
    site = tmp_path / "site"
    assert unpack(site, wheel(tmp_path, "one"), wheel(tmp_path, "other")) == 0
    ask = "import one, other; print(one.told + other.told)"
    command = [sys.executable, "-S", "-B", "-c", ask]
    told = subprocess.run(command, env={"PYTHONPATH": str(site)}, check=True, capture_output=True, text=True)
    assert told.stdout == "2\n"
    assert (site / "one/data.pem").read_text() == "a certificate\n"
    assert list(site.glob("one/__pycache__/*.pyc")), "compiled once, not at every start"


def test_given_an_older_library_then_nothing_of_it_stays(tmp_path: Path) -> None:
    site = tmp_path / "site"
    unpack(site, wheel(tmp_path, "older"))
    assert unpack(site, wheel(tmp_path, "newer")) == 0
    assert [path.name for path in site.iterdir()] == ["newer"]


def test_given_a_library_that_does_not_compile_then_it_fails(tmp_path: Path) -> None:
    assert unpack(tmp_path / "site", wheel(tmp_path, "broken", "told = (\n")) == 1

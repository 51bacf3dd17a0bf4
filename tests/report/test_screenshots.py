"""The pictures of the documents show what the code draws now, or this says that they are stale."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from report import screenshots
from report.screenshots import DRAWN, IMAGES, PICTURES, digests, drawings, main

STALE = "the pictures in docs/images are stale; draw them anew: scripts/screenshots (needs chromium)"


def test_given_the_code_of_now_then_the_pictures_were_taken_of_what_it_draws() -> None:
    assert json.loads(DRAWN.read_text()) == digests(drawings()), STALE


def test_given_the_pictures_then_every_one_is_there_and_has_its_size() -> None:
    for name, picture in PICTURES.items():
        head = (IMAGES / name).read_bytes()[:24]
        assert head[:8] == b"\x89PNG\r\n\x1a\n"
        size = int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
        assert size == (picture.width, picture.height), STALE
    assert {path.name for path in IMAGES.glob("*.png")} == set(PICTURES)


def test_given_the_documents_then_they_show_every_picture() -> None:
    page = (IMAGES.parent / "status-and-report.md").read_text()
    assert set(re.findall(r"\(images/([\w-]+\.png)\)", page)) == set(PICTURES)


def test_given_a_change_of_what_is_drawn_then_the_pictures_are_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screenshots, "status_lines", lambda report, paint: ["another screen"])
    changed = digests(drawings())
    kept = json.loads(DRAWN.read_text())
    assert changed["status"] != kept["status"]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Recorded material and pictures in a folder of their own, and a stand-in for Chromium."""
    recorded = {name: tmp_path / path.name for name, path in screenshots.RECORDED.items()}
    for name, path in recorded.items():
        path.write_bytes(screenshots.RECORDED[name].read_bytes())
    monkeypatch.setattr(screenshots, "RECORDED", recorded)
    monkeypatch.setattr(screenshots, "ROOT", tmp_path)
    monkeypatch.setattr(screenshots, "IMAGES", tmp_path / "images")
    monkeypatch.setattr(screenshots, "DRAWN", tmp_path / "images/drawn.json")
    program = tmp_path / "chromium"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n'
        'for one in "$@"; do case "$one" in --screenshot=*) echo > "${one#--screenshot=}";; esac; done\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr(screenshots.shutil, "which", lambda name: str(tmp_path / name))
    return tmp_path


def test_given_a_run_and_a_status_then_they_become_the_recorded_ones_before_the_pictures(
    elsewhere: Path,
) -> None:
    run = json.loads(screenshots.RECORDED["run"].read_text()) | {"reason": "another run"}
    (elsewhere / "run.json").write_text(json.dumps(run))
    status = elsewhere / "status-of-now.json"
    status.write_text(screenshots.RECORDED["status"].read_text())
    assert main(["--record", str(elsewhere / "run.json"), str(status)]) == 0
    assert json.loads(screenshots.RECORDED["run"].read_text())["reason"] == "another run"
    assert json.loads(screenshots.DRAWN.read_text()) == digests(drawings())
    assert {path.name for path in (elsewhere / "images").glob("*.png")} == set(PICTURES)
    calls = (elsewhere / "calls").read_text().splitlines()
    assert [screenshots.DARK in call for call in calls] == [picture.dark for picture in PICTURES.values()]


@pytest.mark.parametrize("kept", ["run", "status"])
def test_given_material_of_another_form_then_nothing_is_recorded(elsewhere: Path, kept: str) -> None:
    files: dict[str, Any] = {}
    for name, path in screenshots.RECORDED.items():
        files[name] = elsewhere / f"{name}-of-now.json"
        content = json.loads(path.read_text())
        files[name].write_text(json.dumps(content | ({"surprise": 1} if name == kept else {})))
    before = {name: path.read_bytes() for name, path in screenshots.RECORDED.items()}
    with pytest.raises(Exception, match="surprise"):
        main(["--record", str(files["run"]), str(files["status"])])
    assert {name: path.read_bytes() for name, path in screenshots.RECORDED.items()} == before


def test_given_no_chromium_then_the_command_says_where_it_comes_from(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screenshots.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="apt-get install -y chromium"):
        main([])

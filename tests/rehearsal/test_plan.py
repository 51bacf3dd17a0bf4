"""What is typed follows from what is rehearsed; a short walk has the same criteria, only less of each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from testnet.lab.plan import ROOT
from testnet.rehearsal import rehearse
from testnet.rehearsal.rehearse import SHORT_CALENDAR, Plan


def test_a_plain_rehearsal_types_what_an_operator_would() -> None:
    assert Plan().arguments == []


def test_a_short_walk_names_its_calendar_and_the_wheel_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearse, "LOCAL_WHEELS", tmp_path)
    calendar = ["-e", "@testnet/rehearsal/short.yml"]
    assert Plan(short=True).arguments == calendar
    (tmp_path / "x.whl").touch()
    assert Plan(short=True).arguments == [*calendar, "-e", f"wheel_file={tmp_path}/x.whl"]


def test_a_faulty_rehearsal_says_how_its_wheel_is_built_and_takes_no_other() -> None:
    *_, faulty = Plan("divergence", short=True).arguments
    assert json.loads(faulty) == {"wheel_features": ["faults"], "wrapper_fault": "divergence"}
    assert not any("wheel_file" in argument for argument in Plan("divergence", short=True).arguments)


STATED = yaml.safe_load(SHORT_CALENDAR.read_text())


@pytest.mark.parametrize("name", STATED)
def test_what_a_short_walk_asks_for_less_of_is_asked_for(name: str) -> None:
    criteria = yaml.safe_load((ROOT / "roles/gate/defaults/main.yml").read_text())
    calendar = yaml.safe_load((ROOT / "inventory/local/group_vars/nodes/calendar.yml").read_text())
    usual = (criteria | calendar)[name]
    assert 0 < STATED[name] <= usual

"""What is typed follows from what is rehearsed; a short walk has the same criteria, only less of each."""

from __future__ import annotations

import json

import pytest
import yaml

from testnet.lab.plan import ROOT
from testnet.rehearsal.rehearse import SHORT_CALENDAR, Plan


def test_a_plain_rehearsal_types_what_an_operator_would() -> None:
    assert Plan().arguments == []


def test_a_short_walk_names_its_calendar_and_a_faulty_one_its_wheel() -> None:
    assert Plan(short=True).arguments == ["-e", "@testnet/rehearsal/short.yml"]
    *_, faulty = Plan("divergence", short=True).arguments
    assert json.loads(faulty) == {"wheel_features": ["faults"], "wrapper_fault": "divergence"}


STATED = yaml.safe_load(SHORT_CALENDAR.read_text())


@pytest.mark.parametrize("name", STATED)
def test_what_a_short_walk_asks_for_less_of_is_asked_for(name: str) -> None:
    criteria = yaml.safe_load((ROOT / "roles/gate/defaults/main.yml").read_text())
    calendar = yaml.safe_load((ROOT / "inventory/local/group_vars/nodes/calendar.yml").read_text())
    usual = (criteria | calendar)[name]
    assert 0 < STATED[name] <= usual

"""What a setting may be is stated once: for the node that reads it, the role that writes it, and the page."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from coinjecture_migration.settings import Settings, SettingsError, parse_settings, schema

ROOT = Path(__file__).resolve().parents[2]
WRONG: list[dict[str, Any]] = [
    {"speed": 1},
    {"node": ""},
    {"state_dir": 7},
    {"control_uid": True},
    {"error_allowance": -1},
    {"error_allowance": 0.5},
    {"error_allowance": 10**12},
    {"on_divergence": "toss"},
    {"pin_profile": "half"},
    {"work_budget": 0},
    {"flush_seconds": 0},
    {"flush_seconds": 60},
    {"sentinel_seconds": 0.5},
    {"peers": "http://a"},
    {"peers": ["ftp://a"]},
    {"reveal": None},
    {"api_shape": []},
    {"api_shape": {"newest": "/latest"}},
    {"api_shape": {"block": "/v1/data/block/"}},
    {"api_shape": {"latest": "v1/latest"}},
    {"api_shape": {"hash": ""}},
    {"api_shape": {"time": [1]}},
    {"quiet_legacy": 1},
    {"tree_log": 1},
    {"tree_log_max_bytes": 1024},
]
RIGHT: list[dict[str, Any]] = [
    {},
    {"work_budget": None, "pin_profile": None},
    {"work_budget": 1, "pin_profile": "header", "reveal": "legacy", "quiet_legacy": True},
    {"tree_log": None, "tree_log_max_bytes": 4096},
    {"tree_log": False},
    {"flush_seconds": 1, "sentinel_seconds": 1, "determinism_seconds": 0, "peers": ["https://a"]},
    {"api_shape": {"block": "/b/{height}", "peers": "", "depth": "", "hash": "data.block_hash", "time": ""}},
]


def test_given_the_schema_on_the_page_then_it_is_what_the_reader_states() -> None:
    page = ROOT / "docs/schemas/settings.schema.json"
    told = "run wrapper/coinjecture_migration/settings.py --schema and commit what it printed"
    assert page.read_text() == json.dumps(schema(), indent=1) + "\n", told
    jsonschema.Draft202012Validator.check_schema(schema())
    assert set(schema()["properties"]) == {setting.name for setting in fields(Settings)}


@pytest.mark.parametrize("values", WRONG, ids=json.dumps)
def test_given_what_no_setting_can_be_then_reader_and_schema_say_no(values: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(values))):
        parse_settings(json.dumps(values).encode(), "here")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values, schema())


@pytest.mark.parametrize("values", RIGHT, ids=json.dumps)
def test_given_what_a_setting_can_be_then_reader_and_schema_take_it(values: dict[str, Any]) -> None:
    settings = parse_settings(json.dumps(values).encode(), "here")
    jsonschema.validate(values, schema())
    assert json.loads(json.dumps({name: getattr(settings, name) for name in values})) == values


def checked(folder: Path, settings: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """What the role says of settings before it writes anything."""
    task = {
        "name": "Check its settings",
        "ansible.builtin.include_role": {"name": "coinjecture.migration.wrapper", "tasks_from": "settings"},
    }
    plays = [{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]
    (folder / "play.yml").write_text(yaml.safe_dump(plays))
    given = {
        "migration_root": str(ROOT),
        "wrapper_peers": [],
        "wrapper_api_shape": {},
        "wrapper_settings": settings,
    }
    (folder / "vars.json").write_text(json.dumps(given))
    return subprocess.run(
        ["ansible-playbook", "-i", "localhost,", "-c", "local", "-e", f"@{folder}/vars.json",
         str(folder / "play.yml")],
        cwd=ROOT, env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        check=False, capture_output=True, text=True,
    )  # fmt: skip


def test_given_settings_that_the_node_could_not_follow_then_the_role_refuses_to_write_them(
    tmp_path: Path,
) -> None:
    done = checked(tmp_path, {"flush_seconds": 60})
    assert done.returncode == 2
    assert "wrapper_settings: flush_seconds is 60, must be at most 1" in done.stdout


def test_given_settings_that_the_node_can_follow_then_the_role_goes_on(tmp_path: Path) -> None:
    done = checked(tmp_path, {"sentinel_seconds": 5, "determinism_pause": 0.006})
    assert done.returncode == 0, done.stdout + done.stderr

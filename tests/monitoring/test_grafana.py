"""The role `grafana` with an existing Grafana: every request it makes, against a server that records them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from roles.grafana.dashboard.build import RUNBOOK
from tests.monitoring.recorder import Recorder, Request, recording
from tests.monitoring.support import ROOT

TOKEN = "a-service-accounts-token"


class Grafana:
    """As much of Grafana's API as the role uses: it keeps what it is given."""

    def __init__(self) -> None:
        self.sources: dict[str, Any] = {}
        self.folders: list[dict[str, Any]] = []
        self.boards: dict[str, Any] = {}

    def answer(self, request: Request) -> tuple[int, bytes]:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, b'{"message": "Unauthorized"}'
        body = json.loads(request.body) if request.body else None
        status, answer = self._route(request.method, request.path.partition("?")[0], body)
        return status, json.dumps(answer).encode()

    def _route(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if path == "/api/health":
            return 200, {"version": "11.0.0", "database": "ok"}
        if path == "/api/frontend/settings":
            return 200, {"buildInfo": {"version": "11.0.0"}}
        if path.startswith("/api/datasources"):
            return self._sources(method, path, body)
        if path.startswith("/api/folders"):
            return self._folders(method, body)
        if path == "/api/dashboards/db" and method == "POST":
            self.boards[body["dashboard"]["uid"]] = body
            return 200, {"status": "success", "uid": body["dashboard"]["uid"]}
        if path.startswith("/api/dashboards/uid/"):
            kept = self.boards.get(path.rpartition("/")[2])
            meta = {"folderId": 1, "folderUid": "f1", "version": 1}
            return (
                (200, {"dashboard": kept["dashboard"], "meta": meta}) if kept else (404, {"message": "none"})
            )
        if path == "/api/search":
            return 200, [
                {"uid": uid, "title": board["dashboard"]["title"]} for uid, board in self.boards.items()
            ]
        return 404, {"message": f"{method} {path}"}

    def _sources(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if method == "POST":
            self.sources[body["name"]] = body | {"id": 1, "version": 1}
            return 200, {"datasource": self.sources[body["name"]], "message": "added"}
        if method == "PUT":
            self.sources[body["name"]] = body | {"id": 1, "version": 2}
            return 200, {"message": "updated"}
        kept = self.sources.get(path.rpartition("/")[2])
        return (200, kept) if kept else (404, {"message": "Data source not found"})

    def _folders(self, method: str, body: Any) -> tuple[int, Any]:
        if method == "POST":
            self.folders.append({"id": 1, "uid": "f1", "title": body["title"]})
            return 200, self.folders[-1]
        return 200, self.folders


@pytest.fixture
def grafana() -> Iterator[tuple[Recorder, Grafana]]:
    with recording() as recorder:
        grafana = Grafana()
        recorder.answer = grafana.answer
        yield recorder, grafana


def play(folder: Path, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Play the role on this machine, where it may only ask an API."""
    role = {"ansible.builtin.include_role": {"name": "coinjecture.migration.grafana"}}
    plays = [{"hosts": "localhost", "gather_facts": False, "tasks": [{"name": "Have the dashboard"} | role]}]
    (folder / "play.yml").write_text(yaml.safe_dump(plays))
    given = {"migration_root": str(ROOT), "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    (folder / "vars.json").write_text(json.dumps(given | variables))
    command = ["ansible-playbook", "-i", "localhost,", "-c", "local", "-e", f"@{folder}/vars.json"]
    return subprocess.run(
        [*command, str(folder / "play.yml")],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        check=False,
        capture_output=True,
        text=True,
    )


def test_given_an_existing_grafana_then_it_gets_data_source_folder_and_dashboard(
    tmp_path: Path, grafana: tuple[Recorder, Grafana]
) -> None:
    recorder, kept = grafana
    done = play(tmp_path, grafana_source="api", grafana_url=recorder.url, grafana_token=TOKEN)
    assert done.returncode == 0, done.stdout + done.stderr
    source = kept.sources["coinjecture"]
    assert (source["type"], source["url"], source["uid"]) == (
        "prometheus",
        "http://127.0.0.1:9090",
        "coinjecture",
    )
    assert [folder["title"] for folder in kept.folders] == ["COINjecture"]
    board = kept.boards["coinjecture-migration"]["dashboard"]
    checked_in = json.loads((ROOT / "roles/grafana/files/dashboards/migration.json").read_text())
    assert [panel["title"] for panel in board["panels"]] == [panel["title"] for panel in checked_in["panels"]]
    (runbook,) = [one for one in board["templating"]["list"] if one["name"] == "runbook"]
    assert runbook["query"] == runbook["current"]["value"] == f"file://{ROOT}/docs/alerts.md"
    assert board["panels"][1]["targets"] == checked_in["panels"][1]["targets"], "nothing of it was filled in"


def test_given_where_people_read_the_runbook_then_the_dashboard_leads_there(
    tmp_path: Path, grafana: tuple[Recorder, Grafana]
) -> None:
    recorder, kept = grafana
    there = "https://wiki.example.org/alerts.html"
    told = {"grafana_url": recorder.url, "grafana_token": TOKEN, "monitoring_runbook": there}
    assert play(tmp_path, grafana_source="api", **told).returncode == 0
    assert there in json.dumps(kept.boards) and RUNBOOK not in json.dumps(kept.boards)


def test_given_a_grafana_that_refuses_the_token_then_the_play_fails(
    tmp_path: Path, grafana: tuple[Recorder, Grafana]
) -> None:
    recorder, kept = grafana
    done = play(tmp_path, grafana_source="api", grafana_url=recorder.url, grafana_token="wrong")
    assert done.returncode == 2
    assert not kept.sources and not kept.boards


@pytest.mark.parametrize("missing", ["grafana_url", "grafana_token"])
def test_given_an_api_without_its_address_or_token_then_the_refusal_names_them(
    tmp_path: Path, missing: str
) -> None:
    known = {"grafana_url": "http://127.0.0.1:1", "grafana_token": TOKEN} | {missing: ""}
    done = play(tmp_path, grafana_source="api", **known)
    assert done.returncode == 2
    assert "grafana_url and grafana_token have to be set" in done.stdout


def test_given_no_source_then_nothing_is_asked_and_it_is_said(tmp_path: Path) -> None:
    done = play(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "no Grafana was set up" in done.stdout

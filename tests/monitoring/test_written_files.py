"""The role `monitoring` up to what it hands to `bound_service`: the files of every service."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.support import RECORDING, ROOT, render_alerts, tool

STUB = [
    {
        "name": "Keep what was asked for",
        "ansible.builtin.copy": {
            "content": "{{ bound_service_files | to_json }}",
            "dest": "{{ asked_for }}/{{ bound_service_package }}.json",
            "mode": "0600",
        },
    }
]
HOOKS = [{"url": "http://127.0.0.1:9900/alerts"}]
PEOPLE = {"name": "people", "webhook_configs": HOOKS}


def written(folder: Path, program: str, receivers: Any, **changes: Any) -> dict[str, str]:
    """The content of every file by its path, as the role gives it to a stand-in for `bound_service`."""
    collection = folder / "ansible_collections/coinjecture/migration"
    stub = collection / "roles/bound_service/tasks/main.yml"
    stub.parent.mkdir(parents=True)
    stub.write_text(yaml.safe_dump(STUB))
    for name in ("galaxy.yml", "meta", "plugins", "roles/monitoring"):
        (collection / name).symlink_to(ROOT / name)
    role = {"name": "Have it", "ansible.builtin.include_role": {"name": "coinjecture.migration.monitoring"}}
    plays = [{"hosts": "localhost", "gather_facts": False, "tasks": [role]}]
    (folder / "play.yml").write_text(yaml.safe_dump(plays))
    given = {"migration_root": str(ROOT), "asked_for": str(folder), "monitoring_receivers": receivers}
    given |= changes
    (folder / "vars.json").write_text(json.dumps(given))
    done = subprocess.run(
        [program, "-i", "localhost,", "-c", "local", "-e", f"@{folder}/vars.json", str(folder / "play.yml")],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(folder)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    asked = [json.loads(path.read_text()) for path in sorted(folder.glob("prometheus*.json"))]
    return {file["path"]: file["content"] for files in asked for file in files}


def test_given_a_runbook_without_its_scheme_then_the_role_refuses_it(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"docs/alerts\.md, which leads nowhere from a chat or a mail"):
        written(tmp_path, "ansible-playbook", [PEOPLE], monitoring_runbook="docs/alerts.md")


@pytest.mark.parametrize("program", ["ansible-playbook", ".venv/ansible-oldest/bin/ansible-playbook"])
@pytest.mark.parametrize(
    "receivers", [[PEOPLE], {"webhook": PEOPLE["webhook_configs"]}], ids=["own", "by kind"]
)
def test_given_the_role_then_every_file_is_found_from_where_it_is_written(
    tmp_path: Path, program: str, receivers: Any
) -> None:
    files = written(tmp_path, program, receivers)
    assert set(files) == {
        "/etc/prometheus/alertmanager.yml",
        "/etc/prometheus/blackbox.yml",
        "/etc/prometheus/coinjecture/alerts.yml",
        "/etc/prometheus/coinjecture/recording.yml",
        "/etc/prometheus/prometheus.yml",
    }
    assert yaml.safe_load(files["/etc/prometheus/coinjecture/recording.yml"]) == yaml.safe_load(
        RECORDING.read_text()
    )
    assert (
        files["/etc/prometheus/coinjecture/alerts.yml"] == render_alerts(tmp_path / "alerts.yml").read_text()
    )
    config = tmp_path / "alertmanager.yml"
    config.write_text(files["/etc/prometheus/alertmanager.yml"])
    subprocess.run([tool("amtool"), "check-config", config], check=True, capture_output=True)
    first = yaml.safe_load(config.read_text())["receivers"][0]
    assert first["webhook_configs"][0]["url"] == "http://127.0.0.1:9900/alerts"

"""The archive of the collection: built, installed somewhere else, and used from there without the clone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.usage.support import ROOT, inventory, play

BIN = Path(sys.executable).parent
BOTH = [BIN, ROOT / ".venv/ansible-oldest/bin"]
MODULES = sorted(f"coinjecture.migration.{path.stem}" for path in ROOT.glob("plugins/modules/*.py"))
PLAYBOOKS = sorted(path.stem for path in ROOT.glob("playbooks/*.yml") if path.stem != "phase")
NO_MONITOR = "[WARNING]: Could not match supplied host pattern, ignoring: monitoring"
NO_PART = (
    "conftest.py",
    "tests",
    "testnet",
    "bench",
    "target",
    "build",
    "inventory/local",
    "ansible_collections",
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the built archive has been installed."""
    folder = tmp_path_factory.mktemp("elsewhere")
    galaxy = [str(BIN / "ansible-galaxy"), "collection"]
    for command in (
        ["build", "--output-path", str(folder), str(ROOT)],
        ["install", "--offline", "-p", "here"],
    ):
        archive = [str(path) for path in folder.glob("*.tar.gz")]
        done = subprocess.run(
            [*galaxy, *command, *archive], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "here/ansible_collections/coinjecture/migration"


def settings(installed: Path, **more: str) -> dict[str, str]:
    """What an operator of the installed collection has in an ansible.cfg."""
    return {
        "ANSIBLE_COLLECTIONS_PATH": str(installed.parents[2]),
        "ANSIBLE_CALLBACKS_ENABLED": "coinjecture.migration.run_check",
        "ANSIBLE_STDOUT_CALLBACK": "coinjecture.migration.out",
        **more,
    }


def test_given_the_archive_then_it_has_all_that_roles_reach_by_path_and_nothing_for_tests(
    installed: Path,
) -> None:
    texts = [
        path.read_text() for kind in ("tasks", "defaults") for path in ROOT.glob(f"roles/*/{kind}/*.yml")
    ]
    reached = {
        name for text in texts for name in re.findall(r"migration_root(?: \}\}| ~ ')(/[\w./-]+)", text)
    }
    assert len(reached) >= 5
    for name in [*reached, "/rust", "/python", "/Cargo.lock", "/docs/schemas", "/report", "/LICENSE"]:
        assert (installed / name.lstrip("/")).exists(), name
    assert not [name for name in NO_PART if (installed / name).exists()]
    assert not [path for path in installed.rglob("*") if path.is_symlink() and not path.exists()]


@pytest.mark.parametrize("programs", BOTH, ids=["newest", "oldest"])
def test_given_the_installed_collection_then_its_playbooks_are_found_by_name(
    installed: Path, tmp_path: Path, programs: Path
) -> None:
    hosts = str(inventory(tmp_path))
    named = [f"coinjecture.migration.{name}" for name in PLAYBOOKS]
    done = play(
        named[0], *named[1:], "-i", hosts, "--syntax-check",
        folder=tmp_path, program=programs / "ansible-playbook", **settings(installed),
    )  # fmt: skip
    assert done.status == 0, done.said
    assert "WARNING" not in done.said.replace(NO_MONITOR, "")


@pytest.mark.parametrize("programs", BOTH, ids=["newest", "oldest"])
def test_given_the_installed_collection_then_a_play_runs_from_there(
    installed: Path, tmp_path: Path, programs: Path
) -> None:
    hosts, program = str(inventory(tmp_path)), programs / "ansible-playbook"
    refused = play(
        "coinjecture.migration.unlock", "-i", hosts, folder=tmp_path, program=program, **settings(installed)
    )
    assert refused.status == 1
    assert "[inventory]: any_unparsed_is_failed = true, host_pattern_mismatch = error" in refused.said
    strict = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true", "ANSIBLE_HOST_PATTERN_MISMATCH": "error"}
    done = play(
        "coinjecture.migration.unlock", "-i", hosts,
        folder=tmp_path, program=program, **settings(installed, **strict),
    )  # fmt: skip
    assert done.status == 0, done.said
    assert done.said.count("nobody is at work") == 2


def test_given_every_module_then_its_page_is_shown_from_there(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [str(BIN / "ansible-doc"), "-t", "module", "--json", *MODULES],
        cwd=tmp_path, env=os.environ | settings(installed), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = yaml.safe_load(done.stdout)
    assert sorted(shown) == MODULES
    for told in shown.values():
        assert told["doc"]["short_description"] and told["examples"] and told["return"]


def test_given_the_report_then_it_finds_there_what_it_shares_with_the_plays(installed: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import report.page, report.sources; print(report.__file__)"],
        cwd=installed, env=os.environ | {"PYTHONPATH": str(installed.parents[2])},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert str(installed) in done.stdout

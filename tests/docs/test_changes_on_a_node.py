"""docs/requirements.md names each package, user and unit that the toolkit brings, node-files.md each path."""

from __future__ import annotations

import re

import yaml

from tests.docs.tasks import PLAYS, ROLES, ROOT, _Loader

PAGE = (ROOT / "docs/requirements.md").read_text()
PATHS = PAGE + (ROOT / "docs/reference/node-files.md").read_text()
OF_THE_SYSTEM = ("/usr/", "/etc/systemd/system")
"""What is there anyway; what is written in the second is a unit, and units have a test of their own."""

SHARED = ("/etc", "/opt", "/run", "/opt/coinjecture", "/var/lib", "/var/cache")
"""Folders that others write to as well."""


def variables() -> dict[str, object]:
    """Every default of roles and plays, by its name."""
    files = [*ROLES.glob("*/defaults/*.yml"), *PLAYS.glob("group_vars/all/*.yml")]
    return {k: v for path in files for k, v in (yaml.load(path.read_text(), _Loader) or {}).items()}


def written(pattern: str, *files: str) -> set[str]:
    """What the sources of roles and plays say by a pattern with one group."""
    paths = [path for name in files for path in ROOT.glob(name) if not path.is_symlink()]
    return {found for path in paths if path.is_file() for found in re.findall(pattern, path.read_text())}


def test_given_the_roles_then_the_page_names_every_package_that_they_install() -> None:
    known = variables()
    lists = [known["restart_packages"], known["toolchain_packages"]]
    packages = {str(name) for each in lists if isinstance(each, list) for name in each}
    packages |= written(r"bound_service_package: ([a-z-]+)\n", "roles/*/tasks/*.yml", "playbooks/*.yml")
    assert len(packages) > 10
    assert {name for name in packages if f"`{name}`" not in PAGE} == set()


def test_given_the_roles_then_the_page_names_every_user_that_they_make() -> None:
    known = variables()
    told = written(r'ansible\.builtin\.user:\n +name: "\{\{ (\w+) \}\}"', "roles/*/tasks/*.yml")
    assert {"events_user", "wheel_build_user"} <= told
    users = set()
    for name in told:
        value = str(known[name])
        users.add(str(known[value.strip("{} ")]) if "{{" in value else value)
    assert {user for user in users if f"`{user}`" not in PAGE} == set()


def test_given_the_roles_then_the_page_names_every_unit_of_theirs() -> None:
    units = written(
        r"\b(coinjecture-[a-z-]+)\.service",
        "roles/*/tasks/*.yml",
        "roles/*/defaults/*.yml",
        "roles/*/files/**/*.py",
    )
    units |= {f"{prefix}…" for prefix in written(r'UNIT_PREFIX = "([a-z-]+)"', "roles/*/files/**/*.py")}
    units -= {"coinjecture-node"}  # the node's own
    assert len(units) > 5
    assert {unit for unit in units if f"`{unit}.service`" not in PAGE} == set()


def test_given_the_roles_then_the_pages_name_every_folder_that_they_write_to() -> None:
    paths = written(
        r"((?:/etc|/var|/opt|/run)/[a-z][a-z0-9-]*(?:/[a-z][a-z0-9-]*)?)",
        "roles/*/defaults/*.yml",
        "roles/*/tasks/*.yml",
        "playbooks/group_vars/all/*.yml",
    )
    folders = {path for path in paths if not path.startswith(OF_THE_SYSTEM)}
    assert len(folders) > 10
    assert {path for path in folders if not named(path)} == set()


def test_given_the_folder_of_a_replay_then_removal_takes_it_away() -> None:
    folder = str(variables()["replay_folder"])
    assert f"`/var/cache/{folder}/`" in PATHS
    assert written(
        r"/var/cache/\{\{ replay_folder \| default\('([a-z-]+)'\)", "roles/removal/tasks/*.yml"
    ) == {folder}


def named(path: str) -> bool:
    """Whether a page has a path, or a folder of the toolkit that it lies in."""
    above = path.rpartition("/")[0]
    return path in PATHS or (above not in SHARED and f"`{above}/`" in PATHS)

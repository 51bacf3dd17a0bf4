"""What the wrapper needs against what systemd really says of a unit; Debian 12's was asked for every case."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from ansible_collections.coinjecture.migration.plugins.module_utils import unit_reader
from ansible_collections.coinjecture.migration.plugins.module_utils.unit_files import (
    Unit,
    environment_file_names,
    paths,
    read,
    show,
    split,
    variables,
    with_drop_in,
)
from ansible_collections.coinjecture.migration.plugins.module_utils.unit_needs import (
    LISTS,
    Needs,
    findings,
    foreign_drop_in,
    met_with,
    obstacles,
    process_findings,
    text,
    variable,
)
from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning.troubles import drop_in_is_wrong

ROOT = Path(__file__).resolve().parents[2]
RECORDED = json.loads((Path(__file__).parent / "fixtures/units.json").read_text())
FOLDER = "/etc/systemd/system/coinjecture-node.service.d"
OWN, LATER = (f"{FOLDER}/{name}.conf" for name in ("50-migration", "override"))
FILE = "/etc/systemd/system/coinjecture-node.service"
NEEDS = Needs(
    unit="coinjecture-node.service",
    user="coinjecture",
    python="/opt/coinjecture/venv/bin/python",
    src="/opt/coinjecture/src",
    entry="/opt/coinjecture/src/node.py",
    current="/opt/coinjecture/current",
    releases="/opt/coinjecture/releases",
    settings="/etc/coinjecture-migration/wrapper.json",
    state_dir="/var/lib/coinjecture-migration",
    runtime_dir="/run/coinjecture-migration",
    drop_in=OWN,
)
HARMLESS = (
    "plain", "environment reset earlier", "another PYTHONPATH later, the release first", "any sockets",
    "everything below /var read-only", "opt replaced, the node bound back", "interpreter by its other name",
    "relative node.py", "system service", "memory never both written and executed",
)  # fmt: skip
DEFEATED = {
    "environment reset": ("PYTHONPATH", LATER),
    "another PYTHONPATH later": ("PYTHONPATH", LATER),
    "environment file": ("PYTHONPATH", "/etc/default/coinjecture"),
    "variable taken away": ("PYTHONPATH", LATER),
    "state directory reset": ("StateDirectory", LATER),
    "state directory mode": ("StateDirectoryMode", LATER),
    "runtime directory reset": ("RuntimeDirectory", LATER),
    "no unix sockets": ("RestrictAddressFamilies", LATER),
    "unix sockets denied": ("RestrictAddressFamilies", LATER),
    "no sockets at all": ("RestrictAddressFamilies", LATER),
    "state folder read-only": ("ReadOnlyPaths", LATER),
    "part of the state folder read-only": ("ReadOnlyPaths", LATER),
    "state hidden": ("InaccessiblePaths", LATER),
    "opt replaced by an empty file system": ("TemporaryFileSystem", LATER),
    "another folder bound over the releases": ("BindPaths", LATER),
    "nothing executable outside of the system": ("NoExecPaths", LATER),
    "another root": ("RootDirectory", LATER),
    "another user": ("User", LATER),
    "dynamic user": ("DynamicUser", LATER),
    "isolated interpreter": ("ExecStart", LATER),
    "another interpreter": ("ExecStart", LATER),
    "another node.py": ("ExecStart", LATER),
    "no calls for sockets": ("SystemCallFilter", LATER),
    "few calls": ("SystemCallFilter", LATER),
}
NOT_YET = {
    "untouched node": None,
    "environment reset, nothing installed yet": ("PYTHONPATH", LATER),
    "another PYTHONPATH before": None,
    "runtime directory reset, nothing installed yet": ("RuntimeDirectory", f"{FOLDER}/zz-own.conf"),
}


def recorded(case: str) -> Unit:
    """A unit as systemd told it, with the files that it was made of."""
    told, files = show(RECORDED[case]["show"]), RECORDED[case]["files"]
    return Unit(
        properties=told,
        files={path: files[path] for path in paths(told)},
        environment_files={
            path: variables(split(files[path].replace("# ours", ""))) for path in environment_file_names(told)
        },
    )


def named(found: list[Any]) -> list[tuple[str, str | None]]:
    return [(one["what"], one["file"]) for one in found]


def test_every_recorded_unit_is_judged_by_a_test() -> None:
    assert set(RECORDED) == {*HARMLESS, *DEFEATED, *NOT_YET, "own drop-in is not there"}


@pytest.mark.parametrize("case", HARMLESS)
def test_given_settings_that_leave_the_wrapper_what_it_needs_then_nothing_is_found(case: str) -> None:
    unit = recorded(case)
    assert findings(NEEDS, unit) == obstacles(NEEDS, unit) == []


@pytest.mark.parametrize("case", DEFEATED)
def test_given_a_setting_that_takes_what_the_wrapper_needs_then_it_is_found_with_its_file(case: str) -> None:
    unit = recorded(case)
    assert named(findings(NEEDS, unit)) == [DEFEATED[case]]
    assert str(DEFEATED[case][1]) in text(findings(NEEDS, unit)[0])


@pytest.mark.parametrize("case", DEFEATED)
def test_given_the_same_before_the_drop_in_is_written_then_it_is_foreseen(case: str) -> None:
    with_it = recorded(case)
    lists = {key: _without_own(with_it, key) for key in LISTS}
    before = replace(
        with_it,
        files={path: body for path, body in with_it.files.items() if path != OWN},
        properties={**with_it.properties, **lists},
    )
    assert DEFEATED[case] in named(obstacles(NEEDS, before))


def _without_own(unit: Unit, key: str) -> str:
    """A list of the unit as it is without the migration's drop-in."""
    words: list[str] = []
    for one in unit.assignments(key):
        if one.file != OWN:
            words = [*words, *split(one.value)] if one.value else []
    return " ".join(words)


@pytest.mark.parametrize("case", NOT_YET)
def test_given_a_node_without_the_drop_in_then_what_will_defeat_it_is_foreseen(case: str) -> None:
    unit, expected = recorded(case), NOT_YET[case]
    assert named(obstacles(NEEDS, unit)) == ([] if expected is None else [expected])
    assert findings(NEEDS, unit, "legacy") == [], "nothing is needed yet"


def test_given_a_unit_with_a_path_of_its_own_then_the_drop_in_keeps_it_behind_the_release() -> None:
    unit = recorded("another PYTHONPATH before")
    needs = met_with(NEEDS, unit)
    assert needs.path_word == "PYTHONPATH=/opt/coinjecture/current:/srv/lib"
    assert obstacles(needs, unit) == []
    installed = with_drop_in(unit, OWN, needs.drop_in_text, LISTS)
    assert met_with(NEEDS, installed) == needs, "what is ours is not the unit's own"
    assert findings(needs, installed) == []
    assert variable(installed, "PYTHONPATH") == ("/opt/coinjecture/current:/srv/lib", OWN)


@pytest.mark.parametrize("then", ["/srv/lib:/srv/more", "/srv/other", ""])
def test_given_a_path_of_the_units_own_that_changes_afterwards_then_the_drop_in_is_put_back(
    then: str,
) -> None:
    unit = recorded("another PYTHONPATH before")
    installed = with_drop_in(unit, OWN, met_with(NEEDS, unit).drop_in_text, LISTS)
    changed = {
        path: text.replace("PYTHONPATH=/srv/lib", f"PYTHONPATH={then}") if path != OWN else text
        for path, text in installed.files.items()
    }
    after = replace(installed, files=changed, process={"PYTHONPATH": "/opt/coinjecture/current:/srv/lib"})
    needs = met_with(NEEDS, after)
    (found,) = findings(needs, after)
    assert found["what"] == "PYTHONPATH"
    assert f"the unit sets PYTHONPATH={then} by itself" in found["why"]
    assert drop_in_is_wrong({"unit": {"lacks": [found]}})
    assert findings(needs, with_drop_in(after, OWN, needs.drop_in_text, LISTS)) == []
    assert bool(process_findings(needs, after, "wrapped")) is (then != "")


def test_given_a_node_whose_drop_in_was_deleted_then_that_alone_is_said_and_nothing_to_do_on_the_node() -> (
    None
):
    (found,) = findings(NEEDS, recorded("own drop-in is not there"))
    assert found["what"] == "drop-in"
    assert f"{OWN} is not there" in found["why"]
    assert text(found) == found["why"], "the gate and status.yml name repair.yml"
    assert drop_in_is_wrong({"unit": {"lacks": [found]}})


@pytest.mark.parametrize("left", ["", "[Service]\nStateDirectory=coinjecture-migration\n"])
def test_given_a_deleted_or_changed_drop_in_that_is_still_in_force_then_no_daemon_reload_is_advised(
    left: str,
) -> None:
    unit = recorded("plain")
    stale = replace(
        unit, files={**unit.files, OWN: left}, properties={**unit.properties, "NeedDaemonReload": "yes"}
    )
    (found,) = findings(NEEDS, stale)
    assert found["what"] == "drop-in"
    assert "after a daemon-reload coinjecture-node.service would start without" in found["why"]
    assert "Environment=PYTHONPATH=/opt/coinjecture/current" in found["why"]
    assert text(found) == found["why"]
    assert drop_in_is_wrong({"unit": {"lacks": [found]}})


def test_given_a_drop_in_of_another_content_then_nobody_is_told_to_take_it_out() -> None:
    unit = recorded("plain")
    wrong = with_drop_in(unit, OWN, "[Service]\nEnvironment=PYTHONPATH=/elsewhere\n", LISTS)
    found = findings(NEEDS, wrong)
    assert [one["what"] for one in found] == ["PYTHONPATH", "StateDirectory", "RuntimeDirectory"]
    assert [one["next"] for one in found] == [""] * len(found)
    assert drop_in_is_wrong({"unit": {"lacks": found}})


def test_given_a_drop_in_of_the_same_name_that_counts_more_then_it_is_named() -> None:
    unit, mask = (
        recorded("own drop-in is not there"),
        f"/run/systemd/system.control/{Path(FOLDER).name}/50-migration.conf",
    )
    masked = replace(unit, files={**unit.files, mask: "[Service]\n"})
    assert named(findings(NEEDS, masked)) == [("drop-in", mask)]
    assert ("drop-in", mask) in named(obstacles(NEEDS, masked))


def test_given_files_that_were_changed_and_not_read_then_the_service_manager_is_behind() -> None:
    unit = recorded("plain")
    stale = replace(unit, properties={**unit.properties, "NeedDaemonReload": "yes"})
    (found,) = findings(NEEDS, stale)
    assert found["what"] == "NeedDaemonReload"
    assert drop_in_is_wrong({"unit": {"lacks": [found]}}), "repair.yml has them read"
    assert obstacles(NEEDS, stale) == [], "the step has them read again"


def test_given_a_completed_node_then_only_the_release_is_needed() -> None:
    assert findings(NEEDS, recorded("no unix sockets"), "rust") == []
    assert findings(NEEDS, recorded("runtime directory reset"), "rust") == []
    assert named(findings(NEEDS, recorded("environment reset"), "rust")) == [("PYTHONPATH", LATER)]


@pytest.mark.parametrize(
    ("path", "lacks"), [("/opt/coinjecture/current:/srv/lib", False), ("/srv/lib", True), ("", True)]
)
def test_given_a_process_with_another_environment_than_the_unit_then_it_is_found(
    path: str, lacks: bool
) -> None:
    unit = replace(recorded("plain"), process={"PYTHONPATH": path})
    assert [one["what"] for one in process_findings(NEEDS, unit, "wrapped")] == (["process"] if lacks else [])
    assert process_findings(NEEDS, unit, "legacy") == []


def test_given_a_script_that_starts_the_node_then_the_running_process_tells_the_interpreter() -> None:
    unit = recorded("plain")
    script = unit.get("ExecStart").replace("/opt/coinjecture/venv/bin/python", "/usr/local/bin/start")
    started = replace(unit, properties={**unit.properties, "ExecStart": script})
    assert [one["what"] for one in findings(NEEDS, started)] == ["ExecStart"]
    running = replace(started, command=(NEEDS.python, "/opt/coinjecture/src/node.py"))
    assert findings(NEEDS, running) == []
    assert [
        one["what"] for one in findings(NEEDS, replace(running, command=("/usr/bin/python3", "x.py")))
    ] == ["ExecStart"] * 2


def test_given_settings_that_the_process_reads_elsewhere_then_it_is_found() -> None:
    unit = recorded("plain")
    words = f"{unit.get('Environment')} COINJECTURE_SETTINGS=/srv/wrapper.json"
    moved = replace(unit, properties={**unit.properties, "Environment": words})
    assert [one["what"] for one in findings(NEEDS, moved)] == ["COINJECTURE_SETTINGS"]


def test_given_a_service_manager_that_knows_no_such_setting_then_nothing_is_made_of_it() -> None:
    unit = recorded("plain")
    kept = ("Environment", "StateDirectory", "RuntimeDirectory", "ExecStart", "User", "FragmentPath")
    old = replace(unit, properties={key: value for key, value in unit.properties.items() if key in kept})
    assert findings(NEEDS, old) == []


def test_given_odd_lines_in_a_unit_file_then_they_are_read_as_systemd_reads_them() -> None:
    body = "[Unit]\nEnvironment=A=0\n[Service]\n# Environment=B=1\n"
    body += ' Environment = "C=2 3" \\\n  # aside\n  D=4\n;x\nEnvironment=\n'
    assert [(one.key, one.value) for one in read("f", body)] == [
        ("Environment", '"C=2 3"  D=4'),
        ("Environment", ""),
    ]


def test_given_a_unit_on_a_node_then_files_and_process_are_read_and_secrets_stay_there(
    tmp_path: Path,
) -> None:
    unit, extra = tmp_path / "node.service", tmp_path / "extra"
    unit.write_text(f"[Service]\nEnvironmentFile={extra}\n")
    extra.write_text("# ours\nPYTHONPATH='/srv/lib'\nSECRET=hunter2\n")
    (tmp_path / "42").mkdir()
    (tmp_path / "42/environ").write_bytes(b"PYTHONPATH=/opt/coinjecture/current\0A=b c\0")
    (tmp_path / "42/cmdline").write_bytes(b"/opt/coinjecture/venv/bin/python\0node.py\0")
    told = {"MainPID": "42", "FragmentPath": str(unit), "EnvironmentFiles": f"{extra} (ignore_errors=no)"}
    found = unit_reader.read(told, tmp_path)
    assert variable(found, "PYTHONPATH") == ("/srv/lib", str(extra))
    assert found.process == {"PYTHONPATH": "/opt/coinjecture/current", "A": "b c"}
    assert found.command == ("/opt/coinjecture/venv/bin/python", "node.py")
    said = json.dumps(
        [*findings(NEEDS, found), *obstacles(NEEDS, found), *process_findings(NEEDS, found, "wrapped")]
    )
    assert "hunter2" not in said


def test_the_drop_in_that_is_foreseen_is_the_one_that_the_role_writes() -> None:
    template = (ROOT / "roles/wrapper/templates/50-migration.conf.j2").read_text()
    values = yaml.safe_load((ROOT / "playbooks/group_vars/all/node.yml").read_text())
    environment = jinja2.Environment(autoescape=True)
    environment.filters |= {
        "basename": lambda path: Path(path).name,
        "dirname": lambda path: str(Path(path).parent),
    }
    written = environment.from_string(template).render(**values, wrapper_fault="")
    told = [(one.key, one.value) for one in read("", written)]
    assert told == [(one.key, one.value) for one in read("", NEEDS.drop_in_text)]
    assert {key for key, _ in told} == set(LISTS)


def test_given_a_drop_in_of_the_nodes_own_under_our_name_then_it_is_refused_with_another_name() -> None:
    own = Unit({}, {FILE: "[Service]\n", OWN: "[Service]\nEnvironment=A=1\n"})
    (found,) = foreign_drop_in(NEEDS, own)
    assert found["next"].endswith(f"migration_drop_in: {FOLDER}/55-coinjecture-migration.conf")
    for ours in (NEEDS.drop_in_text, "# Of the migration to the Rust engine; removed with it.\n[Service]\n"):
        assert foreign_drop_in(NEEDS, replace(own, files={OWN: ours})) == []

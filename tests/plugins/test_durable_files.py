"""Every file that is written outside of the wrapper, and how: what must survive a power cut by one helper."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("plugins", "report", "roles")
HELPER = "plugins/module_utils/durable.py"
METHODS = frozenset({"write_text", "write_bytes", "symlink_to", "extractall", "atomic_move"})
FUNCTIONS = frozenset({"os.rename", "os.replace", "os.symlink", "shutil.move", "shutil.copy", "shutil.copy2"})
WRITERS = frozenset({"replace", "replacing", "link", "rename", "remove", "keep_reserve"})

DURABLE = {
    "plugins/action/kept_file.py": "what the controller keeps of a decision",
    "plugins/module_utils/chain_backup.py": "root's copy of the chain",
    "plugins/module_utils/displaced.py": "files of the node's own, kept and put back",
    "plugins/modules/paths_absent.py": "a folder that goes, under another name first",
    "plugins/module_utils/journal_file.py": "the step journal and its head",
    "plugins/plugin_utils/runs/journal_copy.py": "the controller's copy of a journal",
    "plugins/plugin_utils/runs/kept.py": "whose network the kept things of a clone are",
    "plugins/module_utils/pending_operation.py": "the open operation",
    "plugins/module_utils/operator_folder.py": "root's folder, brought over whole, and its reserve",
    "plugins/module_utils/operator_lock.py": "the operator lock, and whose was broken",
    "plugins/module_utils/owned_place.py": "node.py and the mode file, edited or put back",
    "plugins/module_utils/release.py": "a release, and the link to the one in force",
    "plugins/modules/replay_record.py": "the result of a replay",
    "plugins/module_utils/sealed.py": "a sealed copy",
    "plugins/modules/wheel_context.py": "the packed sources of a wheel",
    "plugins/modules/node_import.py": "the entry files as they were before the first edit",
    "plugins/modules/source_tree.py": "the wrapper's and the servers' sources",
    "roles/events/files/coinjecture_events/entries.py": "how far alerts were sent on",
    "roles/restart/files/seamless_restart/host.py": "links and removals of a restart",
}
"""Who writes through the helper, and what."""

OTHERWISE = {
    "plugins/module_utils/as_user.py": "an answer, into a pipe",
    "plugins/module_utils/captures.py": "captures to be judged, in a folder that goes with the task",
    "plugins/module_utils/chain_store.py": "the copy that root takes over from there through the helper",
    "plugins/module_utils/displaced.py": "files of the node's own beside their place, synced, then renamed",
    "plugins/modules/state_record.py": "an archive in /run, fetched and taken away",
    "plugins/module_utils/wheel_file.py": "a release before it has its name: files and folders are synced",
    "plugins/plugin_utils/runs/side_by_side.py": "an answer, into a pipe",
    "report/migration.py": "the page's material, made anew at will",
    "report/page.py": "the page, made anew at will",
    "report/screenshots.py": "pictures for the README",
    "report/watch.py": "nothing, to the null device",
    "roles/grafana/dashboard/__main__.py": "the dashboard, generated anew at will",
    "roles/libraries/files/unpack.py": "libraries, unpacked anew where their stamp is missing",
    "roles/restart/files/seamless_restart/__main__.py": "what is asked of a restart, in /run",
    "roles/restart/files/seamless_restart/host.py": "the detour's settings, in /run",
    "roles/restart/files/seamless_restart/stages.py": "how far a restart is, in /run",
}
"""Who writes past the helper, and why that may be."""


def calls(source: str) -> list[str]:
    """The name of everything that is called, with the number of its arguments where that tells what it is."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            mode = [ast.unparse(argument) for argument in node.args[:2]]
            found.append(f"{name}({len(node.args)}){' for writing' if _writes(name, mode) else ''}")
    return found


def _writes(name: str, arguments: list[str]) -> bool:
    """Whether an `open` is one for writing, as far as its mode is written there."""
    return name.split(".")[-1] in ("open", "fdopen") and any(
        word.strip("'\"")[:1] in ("w", "a", "x") and len(word) <= 5 for word in arguments
    )


def by_helper(called: list[str]) -> bool:
    """Whether the helper writes."""
    return any(name.split("(")[0] in {f"durable.{writer}" for writer in WRITERS} for name in called)


def by_hand(called: list[str]) -> bool:
    """Whether something is written, renamed or unpacked past the helper."""
    for one in called:
        name, count = one.split("(")[0], one.split("(")[1].split(")")[0]
        last = name.split(".")[-1]
        if name.startswith("durable."):
            continue
        if one.endswith("for writing") or last in METHODS or name in FUNCTIONS:
            return True
        if last in ("rename", "replace") and count == "1" and "." in name:
            return True  # of a path; that of a text has two arguments
    return False


def sources() -> dict[str, list[str]]:
    """What every program of these rooms calls, by its path below the root of the clone."""
    found = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    paths = [path for path in found if not path.is_symlink()]
    named = {str(path.relative_to(ROOT)): path for path in paths}
    return {name: calls(path.read_text()) for name, path in sorted(named.items()) if name != HELPER}


def test_given_all_programs_then_these_write_through_the_helper() -> None:
    assert {name for name, called in sources().items() if by_helper(called)} == set(DURABLE)


def test_given_all_programs_then_these_write_past_it_for_a_reason() -> None:
    assert {name for name, called in sources().items() if by_hand(called)} == set(OTHERWISE)


BY_HAND = (
    *("path.rename(other)", "fresh.replace(target)", "os.replace(a, b)", "path.write_text('x')"),
    *("open(path, 'w')", "path.open('wb')", "os.fdopen(handle, 'wb')", "link.symlink_to(target)"),
)
NOT_BY_HAND = (
    *("text.replace('a', 'b')", "path.open()", "open(path)", "durable.rename(a, b)", "replace(unit, a=1)"),
)


@pytest.mark.parametrize("line", BY_HAND)
def test_given_a_line_that_writes_by_hand_then_it_is_found(line: str) -> None:
    assert by_hand(calls(line))


@pytest.mark.parametrize("line", NOT_BY_HAND)
def test_given_a_line_that_writes_nothing_by_hand_then_it_is_not_found(line: str) -> None:
    assert not by_hand(calls(line))


@pytest.mark.parametrize("name", ["durable.py", "visible.py"])
def test_given_a_file_that_node_and_plays_share_then_there_is_one_of_it(name: str) -> None:
    skipped = {".git", ".venv", "build", "target"}
    found = [path for path in ROOT.rglob(name) if not skipped.intersection(path.relative_to(ROOT).parts)]
    assert len(found) > 1
    assert {path.resolve() for path in found} == {ROOT / "plugins/module_utils" / name}

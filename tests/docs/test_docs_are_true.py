"""The documents name commands, playbooks, files and rooms; each of them exists."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("inventory/**/*.md")]
    if path.is_file()
)
FIXED_COMMANDS = [
    *["setup", "rehearsal", "test", "test-quick", "testnet", "testnet-down"],
    *["bench", "fuzz", "watch", "help", "clean"],
]


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def tracked_files() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize("command", FIXED_COMMANDS)
def test_every_fixed_command_is_a_target_that_help_lists(command: str) -> None:
    line = re.search(rf"^{command}:.*## \S", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert line, f"make {command} is fixed by the interface and missing from make help"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_named_exists(document: Path) -> None:
    text = document.read_text()
    for target in re.findall(r"`make ([a-z][a-z-]*)|^make ([a-z][a-z-]*)", text, re.MULTILINE):
        name = target[0] or target[1]
        assert name in make_targets(), f"{document.name} names make {name}"
    for playbook in re.findall(r"ansible-playbook (?:-i \S+ )?((?:playbooks/)?[a-z0-9_]+\.yml)", text):
        path = ROOT / "playbooks" / Path(playbook).name
        assert path.is_file(), f"{document.name} names {playbook}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_inside_the_tree_resolves(document: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text()):
        if "://" in link:
            continue
        assert (document.parent / link).exists(), f"{document.name} links to {link}"


def anchors(page: Path) -> set[str]:
    """What a link to a heading of a page may end with."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_heading_finds_it(document: Path) -> None:
    for link, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", document.read_text()):
        assert anchor in anchors(document.parent / link if link else document), (
            f"{document.name}: {link}#{anchor}"
        )


def test_no_tracked_text_names_a_place_outside_the_tree() -> None:
    """No registry, no mirror, no folder of whoever wrote it: the tree works from any place on any machine."""
    words = [re.escape(f"{ROOT}/"), "--(?:extra-)?index-url", "--trusted-host", "^index-url"]
    words += [re.escape(host) for host in ("files.pythonhosted" + ".org", "static.crates" + ".io")]
    forbidden = re.compile("|".join(words), re.MULTILINE)
    found = []
    for path in tracked_files():
        try:
            text = path.read_text()
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        found += [
            f"{path.relative_to(ROOT)}: {match.group()}"
            for match in forbidden.finditer(text)
            if path != Path(__file__)
        ]
    assert not found


def test_every_room_of_the_architecture_page_exists() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    tree = re.search(r"^```\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert tree, "the page shows the tree"
    for room in re.findall(r"^([a-z]+)/", tree.group(1), re.MULTILINE):
        assert (ROOT / room).is_dir(), f"{room}/ is on the page and not in the tree"

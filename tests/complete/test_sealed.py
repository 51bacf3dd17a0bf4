"""The sealed copy: whole or not there, checked before it is used, and the way back from it."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.entries import Entries
from ansible_collections.coinjecture.migration.plugins.module_utils.node_import import (
    complete,
    state,
    unwrap,
    wrap,
)
from ansible_collections.coinjecture.migration.plugins.module_utils.sealed import (
    SealError,
    changes_back,
    find,
    obstacles,
    seal,
    undecided,
)

LINE = b"    from %sconsensus import ConsensusEngine\n"
PAIR = b"try:\n" + LINE % b"." + b"except ImportError:\n" + LINE % b""


@pytest.fixture
def src(tmp_path: Path) -> Iterator[Path]:
    """A node's sources with the wrapper in, a release with its wheel, and room for sealed copies."""
    folder = tmp_path / "src"
    (tmp_path / "release").mkdir()
    (tmp_path / "release/x.whl").write_bytes(b"wheel")
    folder.mkdir()
    (folder / "node.py").write_bytes(wrap(PAIR))
    (folder / "consensus.py").write_text("class ConsensusEngine: ...\n")
    (folder / "consensus_wrapper.py").write_text("import consensus\n")
    (folder / "network.py").write_text("import os\n")
    yield folder
    for path in (tmp_path / "sealed").glob("*"):
        path.chmod(0o755)


def entries(src: Path, *others: Path) -> Entries:
    return Entries(src, (src / "node.py", *others))


def sealed(src: Path) -> tuple[bool, dict[str, object]]:
    return seal(entries(src), src.parent / "release", src.parent / "sealed", "ops@desk", 1.0)


def completed(src: Path) -> None:
    """What the restart of complete.yml changes."""
    (src / "node.py").write_bytes(complete((src / "node.py").read_bytes()))
    (src / "consensus.py").unlink()


def test_given_a_node_when_sealed_then_everything_beside_node_py_and_the_wheel_is_in_it_read_only(
    src: Path,
) -> None:
    made, copy = sealed(src)
    assert made
    folder = Path(str(copy["folder"]))
    assert {path.name for path in folder.iterdir()} == {
        "manifest.json", "node.py", "consensus.py", "consensus_wrapper.py", "network.py", "x.whl",
    }  # fmt: skip
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o444}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o555
    assert find(src.parent / "sealed") == copy


def test_given_a_sealed_node_then_a_second_time_changes_nothing(src: Path) -> None:
    sealed(src)
    assert sealed(src)[0] is False


def test_given_a_completed_node_then_the_way_back_is_the_sealed_bytes(src: Path) -> None:
    _, copy = sealed(src)
    completed(src)
    assert changes_back(entries(src), src.parent / "sealed") == [
        {"path": str(src / "consensus.py"), "from": f"{copy['folder']}/consensus.py"},
        {"path": str(src / "node.py"), "from": f"{copy['folder']}/node.py"},
    ]
    assert Path(f"{copy['folder']}/node.py").read_bytes() == wrap(PAIR)


def test_given_a_node_py_edited_since_then_its_import_alone_goes_back(src: Path) -> None:
    sealed(src)
    completed(src)
    with (src / "node.py").open("ab") as file:
        file.write(b"EDITED = True\n")
    change = changes_back(entries(src), src.parent / "sealed")[1]
    assert change == {"path": str(src / "node.py"), "content": (wrap(PAIR) + b"EDITED = True\n").decode()}


@pytest.mark.parametrize("name", ["consensus.py", "node.py", "x.whl"])
def test_given_a_sealed_file_that_was_changed_then_it_is_not_used(src: Path, name: str) -> None:
    folder = Path(str(sealed(src)[1]["folder"]))
    completed(src)
    (folder / name).chmod(0o644)
    (folder / name).write_text("another")
    with pytest.raises(SealError, match=f"{name} is not what was sealed"):
        changes_back(entries(src), src.parent / "sealed")


@pytest.mark.parametrize("damage", ["{", "[]", '{"files": {"gone.py": "0"}}'])
def test_given_a_damaged_manifest_then_it_is_told(src: Path, damage: str) -> None:
    folder = Path(str(sealed(src)[1]["folder"]))
    (folder / "manifest.json").chmod(0o644)
    (folder / "manifest.json").write_text(damage)
    with pytest.raises(SealError, match="damaged"):
        find(src.parent / "sealed")


def test_given_no_copy_then_the_way_back_is_refused_with_what_to_do(src: Path) -> None:
    with pytest.raises(SealError, match=r"no sealed copy .* another node"):
        changes_back(entries(src), src.parent / "sealed")


def test_given_a_sealing_that_was_broken_off_then_it_is_done_again(src: Path) -> None:
    _, copy = sealed(src)
    folder = Path(str(copy["folder"]))
    folder.chmod(0o755)
    folder.rename(folder.with_name(f".{folder.name}.new"))
    assert sealed(src) == (True, copy)


@pytest.mark.parametrize("missing", ["src/consensus.py", "release/x.whl"])
def test_given_what_cannot_be_sealed_then_nothing_is(src: Path, missing: str) -> None:
    (src.parent / missing).unlink()
    with pytest.raises(SealError):
        sealed(src)
    assert not (src.parent / "sealed").exists()


def test_given_nothing_in_the_way_then_the_legacy_file_can_be_removed(src: Path) -> None:
    assert obstacles(entries(src), src.parent / "sealed") == []


def test_given_another_file_that_imports_it_then_it_cannot(src: Path) -> None:
    (src / "network.py").write_text("import os\nfrom consensus import ConsensusConfig\n")
    assert obstacles(entries(src), src.parent / "sealed") == [
        f"{src}/network.py, line 2, imports the legacy module too: from consensus import ConsensusConfig"
    ]


LAZY = "def late():\n    try:\n        {}\n    finally:\n        pass\n"


@pytest.mark.parametrize("name", ["network.py", "tools/audit.py", "tools/deep/audit.py"])
@pytest.mark.parametrize(
    "statement",
    [
        "import consensus",
        "import os, consensus as c",
        "import consensus.params",
        "from consensus import ConsensusConfig",
        "from consensus.params import LIMIT",
        "from {dots}consensus import ConsensusConfig",
        "from {dots}consensus.params import LIMIT",
        "from {dots} import consensus",
        "import {package}.consensus",
        "from {package} import consensus as engine",
        "from {package}.consensus import ConsensusEngine",
        "import importlib; importlib.import_module('consensus')",
        "from importlib import import_module as load; load('consensus.params')",
        "import importlib; load = importlib.import_module; load('consensus')",
        "import importlib; importlib.import_module('{dots}consensus', __package__)",
        "import importlib; importlib.import_module(name='consensus')",
        "import importlib.util; importlib.util.find_spec('consensus')",
        "__import__('consensus')",
        "import runpy; runpy.run_module('consensus')",
        "import pkgutil; pkgutil.resolve_name('consensus:ConsensusEngine')",
        "exec('from consensus import ConsensusEngine')",
    ],
)
def test_given_any_way_to_import_it_then_it_is_found_lazy_or_not_in_any_folder(
    src: Path, name: str, statement: str
) -> None:
    path = src / name
    path.parent.mkdir(parents=True, exist_ok=True)
    written = statement.format(dots="." * len(Path(name).parts), package=src.name)
    lazy = LAZY.format(written)
    for_types = f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    {written}\n"
    for text in (written + "\n", lazy, for_types):
        path.write_text(text)
        assert any(f"{path}, line " in found for found in obstacles(entries(src), src.parent / "sealed")), (
            text
        )


@pytest.mark.parametrize(
    "statement",
    [
        "import importlib; importlib.import_module(name)",
        "import importlib; importlib.import_module('con' + 'sensus')",
        "import importlib; importlib.import_module(f'{kind}sensus')",
        "__import__(name)",
        "exec(text)",
        "import mynode.consensus",
        "from mynode.consensus import ConsensusEngine",
        "from ..consensus import ConsensusEngine",
        "consensus = (",
    ],
)
def test_given_what_nobody_can_tell_without_running_it_then_it_is_listed_for_the_operator(
    src: Path, statement: str
) -> None:
    (src / "tools").mkdir()
    (src / "network.py").write_text(statement + "\n")
    (src / "tools/fine.py").write_text("import json\n")
    assert obstacles(entries(src), src.parent / "sealed") == []
    (listed,) = undecided(entries(src))
    assert listed.startswith(f"{src}/network.py")


@pytest.mark.parametrize(
    "statement",
    [
        "from coinjecture.consensus import ConsensusEngine",
        "from coinjecture import consensus",
        "import consensus_wrapper",
        "from .tools.consensus import x",
        "from tools import consensus",
        "import importlib; importlib.import_module('tools.consensus')",
        "import importlib; importlib.import_module('json')",
        "import consensuslib",
        "consensus = 1",
        "'import consensus'",
    ],
)
def test_given_another_module_of_that_name_then_it_is_not_in_the_way(src: Path, statement: str) -> None:
    (src / "tools").mkdir()
    (src / "tools/consensus.py").write_text("x = 1\n")
    (src / "tools/own.py").write_text("from .consensus import x\nfrom . import consensus\n")
    (src / "coinjecture_migration").mkdir()
    (src / "coinjecture_migration/engines.py").write_text("import consensus\n")
    venv = src / "venv/lib/python3.11/site-packages"
    venv.mkdir(parents=True)
    (src / "venv/pyvenv.cfg").write_text("")
    (venv / "other.py").write_text("import consensus\n")
    (src / "network.py").write_text(statement + "\n")
    assert obstacles(entries(src), src.parent / "sealed") == []
    assert undecided(entries(src)) == []


def test_given_a_node_py_that_loads_by_name_then_the_edit_goes_on_and_the_check_lists_it(src: Path) -> None:
    load = b"import importlib\nimportlib.import_module(NAME)\n"
    (src / "node.py").write_bytes(wrap(PAIR + load))
    assert [text.partition(": ")[0] for text in undecided(entries(src))] == [f"{src}/node.py, line 6"]
    by_name = PAIR + load.replace(b"NAME", b"'consensus'")
    assert b"import_module('consensus_wrapper')" in wrap(by_name)
    assert unwrap(wrap(by_name)) == by_name


def test_given_a_node_py_that_cannot_be_edited_then_it_cannot(src: Path) -> None:
    (src / "node.py").write_text("import consensus\n")
    assert "nothing there takes ConsensusEngine from it" in obstacles(entries(src), src.parent / "sealed")[0]


def test_given_a_completed_node_then_only_its_sealed_copy_is_asked_for(src: Path) -> None:
    sealed(src)
    completed(src)
    assert obstacles(entries(src), src.parent / "sealed") == []
    assert "no sealed copy" in obstacles(entries(src), src.parent / "elsewhere")[0]


def test_given_an_entry_outside_of_the_sources_then_it_is_sealed_and_comes_back_too(src: Path) -> None:
    service = src.parent / "consensus_service.py"
    legacy = b"import sys\nsys.path.append('src')\nfrom consensus import ConsensusEngine\n"
    service.write_bytes(wrap(legacy))
    both = Entries(src, (service, src / "node.py"))
    seal(both, src.parent / "release", src.parent / "sealed", "ops@desk", 1.0)
    after = both.edited(both.read(), "rust")
    both.write(both.read(), after)
    (src / "consensus.py").unlink()
    assert obstacles(both, src.parent / "sealed") == []
    back = changes_back(both, src.parent / "sealed")
    assert [change["path"] for change in back] == [
        str(src / "consensus.py"),
        str(src / "node.py"),
        str(service),
    ]
    assert Path(back[2]["from"]).read_bytes() == wrap(legacy)


def test_given_a_copy_of_an_earlier_release_of_the_toolkit_then_it_brings_the_node_back(src: Path) -> None:
    _, copy = sealed(src)
    manifest = Path(str(copy["folder"])) / "manifest.json"
    told = json.loads(manifest.read_text())
    told["completed_node_py"] = told.pop("completed")[str(src / "node.py")]
    manifest.chmod(0o644)
    manifest.write_text(json.dumps(told))
    completed(src)
    assert changes_back(entries(src), src.parent / "sealed")[1] == {
        "path": str(src / "node.py"),
        "from": f"{copy['folder']}/node.py",
    }


def test_given_a_program_above_the_sources_that_imports_it_then_it_is_in_the_way(src: Path) -> None:
    (src.parent / "unified_service.py").write_text("from consensus import ConsensusEngine\n")
    assert obstacles(entries(src), src.parent / "sealed") == [
        f"{src.parent}/unified_service.py, line 1, imports the legacy module too: "
        "from consensus import ConsensusEngine"
    ]


TYPES = (
    b"try:\n    from .consensus import ConsensusEngine, HeaderValidationError\n"
    b"except ImportError:\n    from consensus import ConsensusEngine, HeaderValidationError\n"
)


def test_given_importers_that_are_brought_along_then_they_are_edited_with_the_rest_and_come_back(
    src: Path,
) -> None:
    network, other = src / "network.py", src.parent / "unified_consensus_service.py"
    network.write_bytes(TYPES)
    other.write_bytes(b"import sys\nsys.path.append('src')\nimport consensus\nconsensus.ConsensusEngine\n")
    was = {path: path.read_bytes() for path in (network, other)}
    node = Entries(src, (src / "node.py",), importers=(network, other))
    assert obstacles(node, src.parent / "sealed") == []
    seal(node, src.parent / "release", src.parent / "sealed", "ops@desk", 1.0)
    after = node.brought(node.read(importers=True))
    rust = b"from _coinjecture_release.consensus import ConsensusEngine, HeaderValidationError"
    assert after[network].count(rust) == 2
    assert b"import _coinjecture_release.consensus as consensus\n" in after[other]
    for path, content in after.items():
        path.write_bytes(content)
    completed(src)
    assert obstacles(node, src.parent / "sealed") == []
    back = {change["path"]: Path(change["from"]) for change in changes_back(node, src.parent / "sealed")}
    assert {path: back[str(path)].read_bytes() for path in was} == was


def test_given_an_importer_that_was_edited_since_then_its_import_alone_goes_back(src: Path) -> None:
    network = src / "network.py"
    network.write_bytes(TYPES)
    node = Entries(src, (src / "node.py",), importers=(network,))
    seal(node, src.parent / "release", src.parent / "sealed", "ops@desk", 1.0)
    network.write_bytes(node.brought(node.read(importers=True))[network] + b"SINCE = 1\n")
    completed(src)
    change = changes_back(node, src.parent / "sealed")[1]
    assert change == {"path": str(network), "content": (TYPES + b"SINCE = 1\n").decode()}


def test_given_an_importer_that_takes_what_only_the_legacy_module_has_then_it_is_in_the_way(
    src: Path,
) -> None:
    (src / "network.py").write_text("from consensus import _private_cache\n")
    node = Entries(src, (src / "node.py",), importers=(src / "network.py",))
    assert "line 1 takes _private_cache from consensus" in obstacles(node, src.parent / "sealed")[0]


def test_given_an_importer_that_is_left_as_it_is_then_it_is_not_in_the_way(src: Path) -> None:
    (src / "network.py").write_text("from consensus import _private_cache\n")
    node = Entries(src, (src / "node.py",), ignored=(src / "network.py",))
    assert obstacles(node, src.parent / "sealed") == []


def test_given_a_node_that_an_earlier_version_has_completed_then_it_is_known_and_goes_back(src: Path) -> None:
    former = complete(PAIR).replace(b"_coinjecture_release", b"coinjecture")
    assert state(former) == "rust"
    assert wrap(former) == wrap(PAIR)

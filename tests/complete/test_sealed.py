"""The sealed copy: whole or not there, checked before it is used, and the way back from it."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from node_import import complete, wrap
from sealed import SealError, changes_back, find, obstacles, seal

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


def sealed(src: Path) -> tuple[bool, dict[str, object]]:
    return seal(src, src.parent / "release", src.parent / "sealed", "ops@desk", 1.0)


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
    assert changes_back(src, src.parent / "sealed") == [
        {"path": str(src / "consensus.py"), "from": f"{copy['folder']}/consensus.py"},
        {"path": str(src / "node.py"), "from": f"{copy['folder']}/node.py"},
    ]
    assert Path(f"{copy['folder']}/node.py").read_bytes() == wrap(PAIR)


def test_given_a_node_py_edited_since_then_its_import_alone_goes_back(src: Path) -> None:
    sealed(src)
    completed(src)
    with (src / "node.py").open("ab") as file:
        file.write(b"EDITED = True\n")
    change = changes_back(src, src.parent / "sealed")[1]
    assert change == {"path": str(src / "node.py"), "content": (wrap(PAIR) + b"EDITED = True\n").decode()}


@pytest.mark.parametrize("name", ["consensus.py", "node.py", "x.whl"])
def test_given_a_sealed_file_that_was_changed_then_it_is_not_used(src: Path, name: str) -> None:
    folder = Path(str(sealed(src)[1]["folder"]))
    completed(src)
    (folder / name).chmod(0o644)
    (folder / name).write_text("another")
    with pytest.raises(SealError, match=f"{name} is not what was sealed"):
        changes_back(src, src.parent / "sealed")


@pytest.mark.parametrize("damage", ["{", "[]", '{"files": {"gone.py": "0"}}'])
def test_given_a_damaged_manifest_then_it_is_told(src: Path, damage: str) -> None:
    folder = Path(str(sealed(src)[1]["folder"]))
    (folder / "manifest.json").chmod(0o644)
    (folder / "manifest.json").write_text(damage)
    with pytest.raises(SealError, match="damaged"):
        find(src.parent / "sealed")


def test_given_no_copy_then_the_way_back_is_refused_with_what_to_do(src: Path) -> None:
    with pytest.raises(SealError, match=r"no sealed copy .* another node"):
        changes_back(src, src.parent / "sealed")


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
    assert obstacles(src, src.parent / "sealed") == []


def test_given_another_file_that_imports_it_then_it_cannot(src: Path) -> None:
    (src / "network.py").write_text("import os\nfrom consensus import ConsensusConfig\n")
    assert obstacles(src, src.parent / "sealed") == [
        f"{src}/network.py, line 2, imports the legacy module too"
    ]


def test_given_a_node_py_that_cannot_be_edited_then_it_cannot(src: Path) -> None:
    (src / "node.py").write_text("import consensus\n")
    assert "no try/except pair" in obstacles(src, src.parent / "sealed")[0]


def test_given_a_completed_node_then_only_its_sealed_copy_is_asked_for(src: Path) -> None:
    sealed(src)
    completed(src)
    assert obstacles(src, src.parent / "sealed") == []
    assert "no sealed copy" in obstacles(src, src.parent / "elsewhere")[0]

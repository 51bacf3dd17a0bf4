"""The same sources give the same name and the same bytes, and nothing else does."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from ansible_collections.coinjecture.migration.plugins.modules.wheel_context import (
    context_hash,
    pack,
    source_files,
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small source tree with what tools leave behind."""
    root = tmp_path / "tree"
    for name in ("Cargo.toml", "rust/lib.rs", "rust/target/junk", "python/a.py", "python/__pycache__/a.pyc"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "python" / "core.so").write_text("binary")
    return root


INCLUDE = ["python", "rust", "Cargo.toml"]


def test_given_a_tree_then_only_sources_are_taken_in_order(tree: Path) -> None:
    assert source_files(tree, INCLUDE) == ["Cargo.toml", "python/a.py", "rust/lib.rs"]


def test_given_vendored_crates_then_nothing_is_left_out(tree: Path) -> None:
    assert "rust/target/junk" in source_files(tree, INCLUDE, everything=True)


def test_given_a_file_that_is_missing_then_the_error_names_it(tree: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"Cargo\.lock"):
        source_files(tree, ["Cargo.lock"])


def test_given_other_times_then_the_archive_has_the_same_bytes(tree: Path, tmp_path: Path) -> None:
    names = source_files(tree, INCLUDE)
    pack(tree, names, tmp_path / "one.tar.gz")
    os.utime(tree / "Cargo.toml", (1, 1))
    pack(tree, names, tmp_path / "two.tar.gz")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()
    with tarfile.open(tmp_path / "one.tar.gz") as tar:
        assert tar.getnames() == names


def test_given_any_difference_then_the_hash_is_another(tree: Path) -> None:
    names = source_files(tree, INCLUDE)
    seen = {context_hash(tree, names), context_hash(tree, names, ["faults"]), context_hash(tree, names[1:])}
    (tree / "rust/lib.rs").write_text("changed")
    seen.add(context_hash(tree, names))
    assert len(seen) == 4


def test_given_bytes_that_moved_between_name_and_content_then_the_hash_is_another(tmp_path: Path) -> None:
    (tmp_path / "ab").write_bytes(b"c")
    (tmp_path / "a").write_bytes(b"bc")
    assert context_hash(tmp_path, ["ab"]) != context_hash(tmp_path, ["a"])

"""Folders of another user than root's, for what root reads and writes there."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder of root's that every user can enter; pytest's own lie below one that only root can."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


def give_to_nobody(*paths: Path) -> None:
    """Let files and folders belong to the user nobody, as the node's own would; a link stays one."""
    nobody = pwd.getpwnam("nobody")
    for path in paths:
        os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)

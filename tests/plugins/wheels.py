"""Wheels for tests: with a true record, or with a false one."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

DIST_INFO = "coinjecture-4.0.0.dist-info"
RECORD = f"{DIST_INFO}/RECORD"


def record(files: Mapping[str, bytes], name: str = RECORD) -> bytes:
    """The record of these files."""
    lines = []
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(content)}\n")
    return "".join([*lines, f"{name},,\n"]).encode()


def write_wheel(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write a wheel of these files; its record is made anew, in the place where they have one."""
    name = next((name for name in files if name.endswith(".dist-info/RECORD")), RECORD)
    others = {other: content for other, content in files.items() if other != name}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for other, content in (others | {name: record(others, name)}).items():
            archive.writestr(zipfile.ZipInfo(other), content, zipfile.ZIP_DEFLATED)
    return path

"""What the droplet image is made of, and the key that says whether an image is still that."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "testnet" / "image"
REQUIREMENTS = ROOT / "requirements" / "node.txt"
REPOSITORY = "coinjecture-droplet"
CODENAME = "bookworm"
"""The Debian release of a droplet; the machine's own apt sources have to be of the same one."""


@dataclass(frozen=True)
class Recipe:
    """The ingredients of an image.

    Attributes:
        files: Name and content of every file that has a part in it. What runs inside is in the shell scripts;
            the Python beside them only drives and is no ingredient.
        architecture: The processor it is made for, as `platform.machine()` says it.
    """

    files: tuple[tuple[str, bytes], ...]
    architecture: str

    @property
    def key(self) -> str:
        """12 hex digits that change with any name, any content and the architecture."""
        return _digest(self.files, self.architecture)

    @property
    def wheels_key(self) -> str:
        """Like `key`, of that alone which decides the compiled wheels: they outlive a change of the image."""
        parts = tuple(file for file in self.files if file[0] in ("node.txt", "wheels.sh"))
        return _digest(parts, self.architecture)

    @property
    def tag(self) -> str:
        """The name of the image of exactly this recipe."""
        return f"{REPOSITORY}:{self.key}"


def read_recipe(folder: Path = FOLDER, requirements: Path = REQUIREMENTS) -> Recipe:
    """The recipe as it stands in the tree.

    Args:
        folder: The folder whose files make the image.
        requirements: The hash-locked libraries of the node.
    """
    names = sorted(
        path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")
    )
    files = [(path.relative_to(folder).as_posix(), path.read_bytes()) for path in names]
    files.append(("node.txt", requirements.read_bytes()))
    return Recipe(tuple(files), platform.machine())


def packages() -> list[str]:
    """What a droplet has installed, from `packages.txt`, where `#` starts a comment."""
    lines = (FOLDER / "packages.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _digest(files: tuple[tuple[str, bytes], ...], architecture: str) -> str:
    """Hash names and contents so that no content can pass for a boundary between two files."""
    digest = hashlib.sha256(f"{CODENAME} {architecture}\n".encode())
    for name, content in files:
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:12]

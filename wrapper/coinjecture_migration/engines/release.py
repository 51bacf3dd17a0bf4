"""The installed wheel, loaded by where it lies and not by a name that a node may own.

A node's folder of sources stands first on the path of the programs in it, and one of them may be a package
called `coinjecture`. So the package of the release is loaded from its folder, under a name that no node
has. Where there is no release (a development environment has the wheel installed instead) it is imported as
any package is.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

PACKAGE = "coinjecture"
PRIVATE = "_coinjecture_release"
"""The name of the release's package in this process."""
NEEDED = ("consensus", "_core")


class ReleaseImportError(ImportError):
    """The wheel itself is at fault: it is not there, not whole, or its native module does not load."""


def engine_module(link: Path | None) -> ModuleType:
    """The module with the Rust engine's class.

    Args:
        link: Symlink to the release, a folder with the package in it.

    Raises:
        ReleaseImportError: It cannot be imported; the cause says why.
    """
    importlib.invalidate_caches()
    folder = folder_of(link)
    try:
        if folder is None:
            return _as_installed(link)
        _load_package(folder)
        return importlib.import_module(f"{PRIVATE}.consensus")
    except Exception as error:
        place = folder or f"the package {PACKAGE} of this interpreter"
        raise ReleaseImportError(f"{place} cannot be imported: {type(error).__name__}: {error}") from error


def _as_installed(link: Path | None) -> ModuleType:
    """The package by its name, where no release is linked."""
    module = importlib.import_module(f"{PACKAGE}.consensus")
    if not hasattr(module, "ConsensusEngine"):
        raise ImportError(
            f"no release is linked at {link}, and {module.__file__} is the node's own package of that name"
        )
    return module


def is_imported(link: Path | None) -> bool:
    """Whether the module with the engine's class is in this process already."""
    name = PACKAGE if folder_of(link) is None else PRIVATE
    return f"{name}.consensus" in sys.modules


def is_there(link: Path | None) -> bool:
    """Whether the files of the wheel are found; nothing is imported for that."""
    try:
        folder = folder_of(link)
        if folder is not None:
            places = [str(folder)]
        else:
            importlib.invalidate_caches()
            package = PathFinder.find_spec(PACKAGE)
            places = list(package.submodule_search_locations or ()) if package else []
        return all(PathFinder.find_spec(f"{PACKAGE}.{name}", places) for name in NEEDED)
    except Exception:
        return False


def folder_of(link: Path | None) -> Path | None:
    """The release's package as a folder; None where no release is linked."""
    folder = link.resolve() / PACKAGE if link is not None else None
    return folder if folder is not None and folder.is_dir() else None


def _load_package(folder: Path) -> None:
    """Make the package known under its private name; its parts are then imported as those of any other."""
    known = sys.modules.get(PRIVATE)
    if known is not None and list(known.__path__) == [str(folder)]:
        return
    _forget()  # of another release, which could not be imported to its end
    spec = importlib.util.spec_from_file_location(
        PRIVATE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} is no package")
    module = importlib.util.module_from_spec(spec)
    sys.modules[PRIVATE] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        _forget()
        raise


def _forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == PRIVATE]:
        del sys.modules[name]

"""A unit as its files and the service manager tell it: who assigns what, in the order in which it counts.

The service manager says what is in force, not who said so. The files say who, and what would be in force
with one more of them. Both are put together here, as far as the migration needs it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import NamedTuple

BEFORE_ETC = ("/etc/systemd/system.control/", "/run/systemd/system.control/", "/run/systemd/transient/")
"""Folders whose drop-ins replace one of the same name in /etc/systemd/system."""


class Assignment(NamedTuple):
    """A line of the section ``[Service]``; an empty value resets what is a list."""

    file: str
    key: str
    value: str


@dataclass(frozen=True)
class Unit:
    """A service.

    Attributes:
        properties: What ``systemctl show`` says; several lines of one property are one text.
        files: Text of the unit's file and of its drop-ins, by path, in the order in which they count.
        environment_files: Variables of every file that ``EnvironmentFile=`` names, in that order.
        process: Variables that the running process was started with; None where none runs.
        command: Command line of the running process; empty where none runs.
    """

    properties: Mapping[str, str]
    files: Mapping[str, str]
    environment_files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    process: Mapping[str, str] | None = None
    command: tuple[str, ...] = ()

    def get(self, name: str) -> str:
        """A property, empty where the service manager does not know it."""
        return self.properties.get(name, "")

    def words(self, name: str) -> list[str]:
        """A property that is a list."""
        return split(self.get(name))

    def assignments(self, key: str) -> list[Assignment]:
        """Every line that assigns a setting, in the order in which they count."""
        return [one for path, text in self.files.items() for one in read(path, text) if one.key == key]

    def source(self, key: str, word: str = "") -> str | None:
        """The file that wins: the last one to assign a setting, of those that name the word if any do."""
        found = self.assignments(key)
        named = [one for one in found if word and word in one.value]
        return (named or found)[-1].file if found else None


def read(path: str, text: str) -> Iterator[Assignment]:
    """The assignments of a unit file or drop-in in its section ``[Service]``."""
    section, begun = "", ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith(("#", ";")) or (not line and not begun):
            continue
        begun += line
        if begun.endswith("\\"):
            begun = begun[:-1] + " "
            continue
        line, begun = begun.strip(), ""
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line:
            key, value = line.split("=", 1)
            yield Assignment(path, key.strip(), value.strip())


def split(value: str) -> list[str]:
    """Words as the service manager writes and reads them, quotes taken off."""
    try:
        return shlex.split(value)
    except ValueError:
        return value.split()


def programs(exec_start: str) -> list[tuple[str, str]]:
    """Every command of ``ExecStart`` as ``systemctl show`` writes it: the program, and its command line."""
    found = []
    for line in exec_start.splitlines():
        program, argv = (line.partition(mark)[2].partition(" ; ")[0] for mark in ("path=", "argv[]="))
        found.append((program.strip(), argv))
    return found


def variables(words: Sequence[str]) -> dict[str, str]:
    """``NAME=value`` words as a mapping."""
    return dict(word.split("=", 1) for word in words if "=" in word)


def composed(assigned: Sequence[Assignment]) -> list[str]:
    """What the lines of a list add up to: an empty one takes away all that came before."""
    words: list[str] = []
    for one in assigned:
        words = [*words, *split(one.value)] if one.value else []
    return words


def show(text: str) -> dict[str, str]:
    """The output of ``systemctl show`` as properties."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, separator, value = line.partition("=")
        if separator:
            found[name] = f"{found[name]}\n{value}" if name in found else value
    return found


def paths(properties: Mapping[str, str]) -> list[str]:
    """The files of a unit in the order in which they count."""
    listed = [properties.get("FragmentPath", ""), *split(properties.get("DropInPaths", ""))]
    return [path for path in listed if path]


def environment_file_names(properties: Mapping[str, str]) -> list[str]:
    """What ``EnvironmentFile=`` names, in order; ``systemctl show`` puts a note in brackets behind each."""
    lines = properties.get("EnvironmentFiles", "").splitlines()
    return [line.rsplit(" (", 1)[0].strip() for line in lines if line.strip()]


def with_drop_in(unit: Unit, path: str, text: str, keys: Sequence[str]) -> Unit:
    """The unit as it would be with another drop-in, or with other content of one that is there.

    Args:
        unit: The unit as it is.
        path: Where the drop-in is to lie.
        text: What it is to hold.
        keys: Settings that it assigns, all of them lists; the rest stays as the service manager says.
    """
    name = PurePosixPath(path).name
    listed = [one for one in unit.files if one == path or not _replaced(one, name)]
    if not masked_by(unit, path) and path not in listed:
        listed.append(path)
    own = [one for one in unit.files if not _is_drop_in(one)]
    drop_ins = sorted((one for one in listed if _is_drop_in(one)), key=lambda one: PurePosixPath(one).name)
    files = {one: text if one == path else unit.files[one] for one in (*own, *drop_ins)}
    changed = replace(unit, files=files)
    lists = {key: shlex.join(composed(changed.assignments(key))) for key in keys}
    return replace(changed, properties={**unit.properties, **lists})


def masked_by(unit: Unit, path: str) -> str | None:
    """The drop-in of the same name in a folder that counts more, if there is one."""
    name = PurePosixPath(path).name
    same = [one for one in unit.files if PurePosixPath(one).name == name and one != path]
    return next((one for one in same if one.startswith(BEFORE_ETC)), None)


def _replaced(path: str, name: str) -> bool:
    """Whether a file gives way to a drop-in of this name in /etc/systemd/system."""
    return PurePosixPath(path).name == name and not path.startswith(BEFORE_ETC)


def _is_drop_in(path: str) -> bool:
    return PurePosixPath(path).parent.name.endswith(".d")

"""What the wrapper needs of the node's unit against what is in force there, and which file is to blame.

A drop-in that is written is not one that counts: a later one may reset it, and hardening in any file may
take from the process what the wrapper lives on. `findings` is a pure function of both.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TypedDict

from . import unit_paths
from .unit_files import Unit, composed, masked_by, programs, read, split, variables, with_drop_in
from .vocabulary import SETTINGS_FILE

DROP_IN = "drop-in"
BROUGHT = ("PYTHONPATH", "StateDirectory", "RuntimeDirectory")
OF_THE_DROP_IN = (DROP_IN, "NeedDaemonReload", *BROUGHT)
"""What `repair.yml` puts back, where no other file is to blame."""
MARK = "# Of the migration to the Rust engine"
"""How the migration's drop-in begins."""
LISTS = ("Environment", "StateDirectory", "RuntimeDirectory")
"""Settings of the migration's drop-in; each of them adds up over the files of the unit."""
CALLS = (
    *(("socket",), ("bind",), ("listen",), ("accept4", "accept"), ("getsockopt",), ("connect",)),
    *(("sendto", "send"), ("recvfrom", "recv"), ("fsync",), ("fdatasync",), ("ftruncate",)),
    *(("rename", "renameat", "renameat2"), ("unlink", "unlinkat"), ("mkdir", "mkdirat")),
    *(("chmod", "fchmodat", "fchmod"), ("clone3", "clone"), ("mmap", "mmap2"), ("getrandom",)),
)
"""System calls of control socket, mode file, evidence and threads; of each group one is enough."""
NO_PATH_FLAGS = {
    "I": "ignores PYTHONPATH and the folder of what it starts",
    "E": "ignores PYTHONPATH",
    "P": "ignores the folder of what it starts",
}
_WITH_VALUE = ("-X", "-W", "--check-hash-based-pycs")


class Finding(TypedDict):
    """Something that the wrapper needs and does not have.

    ``what`` is the setting, ``why`` a sentence, ``file`` the file that says so, None where none does, and
    ``next`` what to do on the node; empty where that is a command of the controller's, see `troubles`.
    """

    what: str
    why: str
    file: str | None
    next: str


@dataclass(frozen=True)
class Needs:
    """What the wrapper needs of its unit; paths as in docs/reference/node-files.md."""

    unit: str
    user: str
    python: str
    src: str
    entry: str
    current: str
    releases: str
    settings: str
    state_dir: str
    runtime_dir: str
    drop_in: str
    own_path: str = ""
    """The PYTHONPATH that the unit sets by itself; the migration's drop-in keeps it behind the release."""

    @property
    def path(self) -> str:
        """The PYTHONPATH that the process is to have."""
        return ":".join(filter(None, (self.current, self.own_path)))

    @property
    def path_word(self) -> str:
        """The same as an assignment of the drop-in."""
        return shlex.quote(f"PYTHONPATH={self.path}")

    @property
    def drop_in_text(self) -> str:
        """The migration's drop-in, as far as it decides over findings; a test compares it with the role's."""
        return (
            f"[Service]\nEnvironment={self.path_word}\n"
            f"StateDirectory={PurePosixPath(self.state_dir).name}\n"
            f"RuntimeDirectory={PurePosixPath(self.runtime_dir).name}\n"
        )


def met_with(needs: Needs, unit: Unit) -> Needs:
    """The same needs, with the PYTHONPATH that the unit sets by itself."""
    files = {path: text for path, text in unit.files.items() if path != needs.drop_in}
    set_by_itself = composed(Unit(unit.properties, files).assignments("Environment"))
    had = variables(set_by_itself).get("PYTHONPATH", "")
    return replace(needs, own_path=":".join(part for part in had.split(":") if part != needs.current))


def findings(needs: Needs, unit: Unit, engine: str = "wrapped") -> list[Finding]:
    """What is needed and not in force.

    Args:
        needs: What the wrapper needs.
        unit: The unit, see `predicted` for one whose drop-in is still to come.
        engine: Which engine the entry file imports: ``wrapped``, or ``rust``, which needs the release alone;
            with ``legacy`` nothing is needed.
    """
    if engine not in ("wrapped", "rust"):
        return []
    found = [*_release(needs, unit), *_command(needs, unit), *_seen(needs, unit, engine)]
    if engine == "wrapped":
        found += [*_directories(needs, unit), *_identity(needs, unit), *_kernel(needs, unit)]
    found = _one_for_a_missing_drop_in(needs, unit, found)
    if unit.get("NeedDaemonReload") == "yes":
        found.append(_unread(needs, unit))
    return [_to_be_repaired(needs, unit, one) for one in found]


def predicted(needs: Needs, unit: Unit) -> Unit:
    """The unit as it will be once the migration's drop-in is written, and read by the service manager."""
    coming = with_drop_in(unit, needs.drop_in, needs.drop_in_text, LISTS)
    read = {**coming.properties, "NeedDaemonReload": "no"}
    return Unit(read, coming.files, coming.environment_files, None, coming.command)


def obstacles(needs: Needs, unit: Unit) -> list[Finding]:
    """What would be missing once the migration's drop-in is written."""
    return findings(needs, predicted(needs, unit))


def foreign_drop_in(needs: Needs, unit: Unit) -> list[Finding]:
    """A drop-in of the node's own under the name of the migration's, which would take its place."""
    text = unit.files.get(needs.drop_in, "")
    state_folder = PurePosixPath(needs.state_dir).name
    if not text or MARK in text or any(state_folder in one.value for one in read(needs.drop_in, text)):
        return []
    other = PurePosixPath(needs.drop_in).with_name("55-coinjecture-migration.conf")
    why = f"{needs.drop_in} is there and not of the migration, which would put its own in that place"
    name = f"let the migration's have another name in the inventory: migration_drop_in: {other}"
    return [Finding(what="name of the drop-in", why=why, file=needs.drop_in, next=name)]


def process_findings(needs: Needs, unit: Unit, engine: str) -> list[Finding]:
    """What the running process lacks of what the drop-in gives, whatever the unit says by now."""
    if unit.process is None or engine not in ("wrapped", "rust"):
        return []
    has = unit.process.get("PYTHONPATH", "")
    if _first(has) == needs.current and not _lacking(needs, has):
        return []
    started = f"the running process of {needs.unit} was started with {_set_to('PYTHONPATH', has)}"
    own = f" and {needs.own_path} behind it" if needs.own_path else ""
    why = f"{started}, not with {needs.current} first{own}"
    return [Finding(what="process", why=why, file=None, next="")]


def text(finding: Finding) -> str:
    """A finding in a sentence, with what to do about it on the node."""
    return "; ".join(filter(None, (finding["why"], finding["next"])))


def _release(needs: Needs, unit: Unit) -> Iterator[Finding]:
    """The release comes first on the interpreter's path; the settings that are written are those read."""
    value, file = variable(unit, "PYTHONPATH")
    if _first(value or "") != needs.current:
        why = f"{_set_to('PYTHONPATH', value)}{_by(file)}; the release is found with {needs.current} first"
        yield _mend("PYTHONPATH", why, file, needs)
    elif _lacking(needs, value or "") or (file == needs.drop_in and value != needs.path):
        why = f"the unit sets PYTHONPATH={needs.own_path} by itself, and {value} is in force{_by(file)}"
        yield Finding(what="PYTHONPATH", why=why, file=None, next="")
    value, file = variable(unit, "PYTHONSAFEPATH")
    if value:
        why = f"PYTHONSAFEPATH={value}{_by(file)} hides what lies beside {PurePosixPath(needs.entry).name}"
        yield _mend("PYTHONSAFEPATH", why, file, needs)
    settings, file = variable(unit, "COINJECTURE_SETTINGS")
    if (settings or SETTINGS_FILE) != needs.settings:
        read = f"the wrapper reads its settings from {settings or SETTINGS_FILE}{_by(file)}"
        why = f"{read}, they are written to {needs.settings}"
        yield _mend("COINJECTURE_SETTINGS", why, file, needs)


def _command(needs: Needs, unit: Unit) -> Iterator[Finding]:
    """The unit starts the first entry file with the node's own interpreter, which looks where it is told."""
    file = unit.source("ExecStart")
    argv = command(unit)
    program = argv[0] if argv else ""
    if not PurePosixPath(program).name.startswith("python"):
        begun = f"ExecStart={program or 'nothing'}{_by(file)}"
        why = f"{begun} does not tell which Python runs {PurePosixPath(needs.entry).name}, nor does a process"
        yield _mend("ExecStart", why, file, needs)
        return
    if "/" in program and PurePosixPath(program).parent != PurePosixPath(needs.python).parent:
        why = f"ExecStart={program}{_by(file)} is another interpreter than {needs.python}"
        yield _mend("ExecStart", why, file, needs, "coinjecture_python")
    flags, script = _parsed(argv)
    for flag in flags:
        if flag in NO_PATH_FLAGS:
            why = f"ExecStart starts Python with -{flag}{_by(file)}, which {NO_PATH_FLAGS[flag]}"
            yield _mend("ExecStart", why, file, needs)
    wanted = PurePosixPath(needs.entry)
    if PurePosixPath(unit.get("WorkingDirectory").lstrip("!-") or "/") / script != wanted:
        why = f"ExecStart runs {script or 'no file'}{_by(file)}, not {wanted}"
        yield _mend("ExecStart", why, file, needs, "coinjecture_entries")


def _seen(needs: Needs, unit: Unit, engine: str) -> Iterator[Finding]:
    """The process sees the host's own paths, may read and load the release and write its folders."""
    for key in ("RootDirectory", "RootImage"):
        if value := unit.get(key):
            file = unit.source(key)
            why = f"{key}={value}{_by(file)}: the process does not see the host's {needs.current}"
            yield _mend(key, why, file, needs)
    known = unit_paths.rules(unit)
    readable = [needs.src, needs.current, needs.releases, str(PurePosixPath(needs.settings).parent)]
    made = [path for key, path in _folders(needs) if PurePosixPath(path).name in unit.words(key)]
    writable = made if engine == "wrapped" else []  # one that nobody makes is a finding of its own
    hindered: dict[unit_paths.Rule, list[str]] = {}
    for path, write in [*((one, False) for one in readable), *((one, True) for one in writable)]:
        if rule := unit_paths.hindrance(known, path, write):
            hindered.setdefault(rule, []).append(path)
    for rule, paths in hindered.items():
        file = unit.source(rule.key, rule.word)
        said = f"{rule.key}={rule.word or unit.get(rule.key)}{_by(file)}"
        can = "written" if rule.effect == unit_paths.READ_ONLY else "seen"
        yield _mend(rule.key, f"{said}: {', '.join(paths)} cannot be {can} by the process", file, needs)
    if rule := unit_paths.not_executable(unit, needs.releases):
        file = unit.source(rule.key, rule.word)
        why = f"{rule.key}={rule.word}{_by(file)}: native code in {needs.releases} cannot be loaded"
        yield _mend(rule.key, why, file, needs)


def _directories(needs: Needs, unit: Unit) -> Iterator[Finding]:
    """The service manager makes the wrapper's two folders, and their owner may write there."""
    for key, path in _folders(needs):
        name = PurePosixPath(path).name
        if name not in unit.words(key):
            file = unit.source(key)
            why = f"{key}={unit.get(key)}{_by(file)} is without {name}: nobody makes {path} for the wrapper"
            yield _mend(key, why, file, needs)
        mode = unit.get(f"{key}Mode")
        if mode and int(mode, 8) & 0o700 != 0o700:
            file = unit.source(f"{key}Mode")
            yield _mend(
                f"{key}Mode", f"{key}Mode={mode}{_by(file)}: the wrapper may not write to {path}", file, needs
            )


def _folders(needs: Needs) -> tuple[tuple[str, str], ...]:
    """The settings that make the wrapper's folders."""
    return ("StateDirectory", needs.state_dir), ("RuntimeDirectory", needs.runtime_dir)


def _identity(needs: Needs, unit: Unit) -> Iterator[Finding]:
    """The process runs as the user to whom the wrapper's folders are given."""
    if unit.get("DynamicUser") == "yes":
        file = unit.source("DynamicUser")
        yield _mend(
            "DynamicUser", f"DynamicUser=yes{_by(file)}: the folders belong to {needs.user}", file, needs
        )
    elif (user := unit.get("User") or "root") != needs.user:
        file = unit.source("User")
        why = (
            f"User={user}{_by(file)}, the folders of the migration belong to {needs.user} (coinjecture_user)"
        )
        yield _mend("User", why, file, needs)


def _kernel(needs: Needs, unit: Unit) -> Iterator[Finding]:
    """Sockets and system calls; MemoryDenyWriteExecute is no obstacle: the engine loads and runs with it."""
    key = "RestrictAddressFamilies"
    if not _allowed(unit.properties.get(key), ("AF_UNIX",)):
        file = unit.source(key)
        listed = f"{key}={unit.get(key)}{_by(file)}"
        yield _mend(key, f"{listed} is without AF_UNIX: the control socket cannot be opened", file, needs)
    key = "SystemCallFilter"
    if refused := [group[0] for group in CALLS if not _allowed(unit.properties.get(key), group)]:
        file = unit.source(key)
        why = f"{key}{_by(file)} refuses {', '.join(refused)}, which the wrapper calls"
        yield _mend(key, why, file, needs)


def _one_for_a_missing_drop_in(needs: Needs, unit: Unit, found: list[Finding]) -> list[Finding]:
    """Where the migration's drop-in is not read, that is the one finding in place of what it would bring."""
    if needs.drop_in in unit.files or not any(one["what"] in BROUGHT for one in found):
        return found
    mask = masked_by(unit, needs.drop_in)
    why = f"{needs.drop_in} is {f'replaced by {mask}' if mask else 'not there, or not read'}"
    lacking = ", ".join(one["what"] for one in found if one["what"] in BROUGHT)
    missing = Finding(
        what=DROP_IN,
        why=f"{why}: {needs.unit} would start without {lacking}",
        file=mask,
        next=f"remove {mask}, then: systemctl daemon-reload" if mask else "",
    )
    return [missing, *(one for one in found if one["what"] not in BROUGHT)]


def _unread(needs: Needs, unit: Unit) -> Finding:
    """What the service manager has not read yet; where the drop-in is gone, to have it read would do harm."""
    if lost := _lost(needs, unit):
        why = f"{needs.drop_in} was deleted or changed, and the service manager has not read that: after a"
        why = f"{why} daemon-reload {needs.unit} would start without {', '.join(lost)}"
        return Finding(what=DROP_IN, why=why, file=None, next="")
    why = f"files of {needs.unit} have changed since the service manager read them"
    return Finding(what="NeedDaemonReload", why=why, file=None, next="")


def _lost(needs: Needs, unit: Unit) -> list[str]:
    """What the migration's drop-in does not hold any more, although it is one of the unit's files."""
    if needs.drop_in not in unit.files:
        return []
    held = list(read(needs.drop_in, unit.files[needs.drop_in]))
    wanted = read(needs.drop_in, needs.drop_in_text)
    return [f"{one.key}={one.value}" for one in wanted if one not in held]


def _to_be_repaired(needs: Needs, unit: Unit, found: Finding) -> Finding:
    """A finding without an advice of its own where the drop-in is written anew, from the controller."""
    own = found["file"] in (None, needs.drop_in) or (found["what"] in BROUGHT and _lost(needs, unit))
    if found["what"] in OF_THE_DROP_IN and own:
        return Finding(what=found["what"], why=found["why"], file=None, next="")
    return found


def variable(unit: Unit, name: str) -> tuple[str | None, str | None]:
    """What a variable is for the process, None where it is not set, and the file that decides so."""
    path = _in_files(unit, name)
    value = unit.environment_files[path][name] if path else variables(unit.words("Environment")).get(name)
    if value is not None and {name, f"{name}={value}"} & set(unit.words("UnsetEnvironment")):
        return None, unit.source("UnsetEnvironment", name)
    if path:
        return value, path
    for one in reversed(unit.assignments("Environment")):
        if not one.value or name in variables(split(one.value)):
            return value, one.file
    return value, None


def command(unit: Unit) -> list[str]:
    """The command line of the interpreter: the unit's, or where that starts something else, the process's."""
    program, line = (programs(unit.get("ExecStart")) or [("", "")])[-1]
    argv = [program, *line.split()[1:]]
    if PurePosixPath(program).name.startswith("python") or not unit.command:
        return argv
    return list(unit.command)


def _parsed(argv: list[str]) -> tuple[list[str], str]:
    """The interpreter's flags of one letter, and the file it runs, empty where it runs none."""
    flags: list[str] = []
    words = iter(argv[1:])
    for word in words:
        if word in ("-c", "-m", "-"):
            return flags, ""
        if not word.startswith("-"):
            return flags, word
        if word in _WITH_VALUE:
            next(words, None)
        elif not word.startswith(("--", "-X", "-W")):
            flags += word[1:]
    return flags, ""


def _allowed(listed: str | None, any_of: tuple[str, ...]) -> bool:
    """Whether a filter lets something through: it lists what is allowed, or after a ``~`` what is not."""
    if listed is None:  # a service manager that knows no such filter
        return True
    words = {word.partition(":")[0] for word in listed.lstrip("~").split()}
    return not words & set(any_of) if listed.startswith("~") else bool(words & set(any_of))


def _in_files(unit: Unit, name: str) -> str | None:
    """The last environment file that sets a variable."""
    return next(
        (path for path in reversed(list(unit.environment_files)) if name in unit.environment_files[path]),
        None,
    )


def _lacking(needs: Needs, value: str) -> bool:
    """Whether a PYTHONPATH is without something that the unit sets by itself."""
    return bool(set(filter(None, needs.own_path.split(":"))) - set(value.split(":")))


def _first(value: str) -> str:
    return value.split(":")[0].rstrip("/")


def _set_to(name: str, value: str | None) -> str:
    return f"{name}={value}" if value else f"no {name}"


def _by(file: str | None) -> str:
    return f" ({file})" if file else ""


def _mend(what: str, why: str, file: str | None, needs: Needs, named: str = "") -> Finding:
    """A finding that is mended in the file which wins, or in the inventory's variable that names another."""
    where = f"take that out of {file}" if file else f"look into: systemctl cat {needs.unit}"
    other = f" (or name it in the inventory: {named})" if named else ""
    return Finding(what=what, why=why, file=file, next=f"{where}, then: systemctl daemon-reload{other}")

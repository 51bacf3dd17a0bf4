"""What a service may do with a path, from the settings of its unit that hide, replace or protect paths."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from .unit_files import Unit

PROTECTED = {
    "yes": ("/usr", "/boot", "/efi"),
    "full": ("/usr", "/boot", "/efi", "/etc"),
    "strict": ("/",),
}
"""What ``ProtectSystem=`` makes read-only."""
HOMES = ("/home", "/root", "/run/user")
"""What ``ProtectHome=`` hides."""
HIDDEN, READ_ONLY, WRITABLE = "hidden", "read-only", "writable"
_ORDER = (HIDDEN, READ_ONLY, WRITABLE)


@dataclass(frozen=True)
class Rule:
    """What a setting makes of a path and of everything below it.

    Attributes:
        key: The setting.
        word: The path as the setting names it.
        path: The path.
        effect: ``hidden``, ``read-only`` or ``writable``.
        shows: Whether it brings the path back where a folder above it is replaced by an empty one.
        empties: Whether what lies there is replaced by something else, which a rule below it may bring back.
    """

    key: str
    word: str
    path: PurePosixPath
    effect: str
    shows: bool = False
    empties: bool = False

    @property
    def weight(self) -> tuple[int, int]:
        """The longest path counts, of the same paths the strictest rule."""
        return len(self.path.parts), -_ORDER.index(self.effect)


def rules(unit: Unit) -> list[Rule]:
    """Every rule of a unit about paths."""
    found = [
        Rule(key, word, _plain(word), effect)
        for key, effect in (
            ("ReadWritePaths", WRITABLE),
            ("ReadOnlyPaths", READ_ONLY),
            ("InaccessiblePaths", HIDDEN),
        )
        for word in unit.words(key)
    ]
    for word in unit.words("TemporaryFileSystem"):
        found.append(Rule("TemporaryFileSystem", word.split(":")[0], _plain(word), HIDDEN, empties=True))
    for key, effect in (("BindPaths", WRITABLE), ("BindReadOnlyPaths", READ_ONLY)):
        found += [_bound(key, word, effect) for word in unit.words(key)]
    for key, base in (("StateDirectory", "/var/lib"), ("RuntimeDirectory", "/run")):
        for word in unit.words(key):
            found.append(Rule(key, word, PurePosixPath(base) / word.split(":")[0], WRITABLE, shows=True))
    for path in PROTECTED.get(unit.get("ProtectSystem"), ()):
        found.append(Rule("ProtectSystem", "", PurePosixPath(path), READ_ONLY))
    home = unit.get("ProtectHome")
    for path in HOMES if home not in ("", "no") else ():
        found.append(
            Rule(
                "ProtectHome",
                "",
                PurePosixPath(path),
                READ_ONLY if home == "read-only" else HIDDEN,
                empties=home == "tmpfs",
            )
        )
    return found


def hindrance(known: list[Rule], path: str, write: bool) -> Rule | None:
    """The rule that keeps a service from a path that it needs, None where nothing does.

    Args:
        known: The rules of its unit.
        path: The path; where it is to be written, everything below it is meant too.
        write: Whether it is to be written.
    """
    wanted = PurePosixPath(path)
    above = sorted((rule for rule in known if wanted.is_relative_to(rule.path)), key=lambda rule: rule.weight)
    back = max((len(rule.path.parts) for rule in above if rule.shows), default=-1)
    for rule in above:
        if rule.effect == HIDDEN and not (rule.empties and back >= len(rule.path.parts)):
            return rule
    visible = [rule for rule in above if rule.effect != HIDDEN]
    if write and visible and visible[-1].effect == READ_ONLY:
        return visible[-1]
    below = [rule for rule in known if write and wanted in rule.path.parents and rule.effect != WRITABLE]
    return below[0] if below else None


def not_executable(unit: Unit, path: str) -> Rule | None:
    """The rule that keeps a service from loading native code below a path, None where nothing does."""
    wanted = PurePosixPath(path)
    found = [
        Rule(key, word, _plain(word), effect)
        for key, effect in (("NoExecPaths", HIDDEN), ("ExecPaths", WRITABLE))
        for word in unit.words(key)
        if wanted.is_relative_to(_plain(word))
    ]
    last = max(found, key=lambda rule: rule.weight, default=None)
    return last if last is not None and last.effect == HIDDEN else None


def _plain(word: str) -> PurePosixPath:
    """The path in a word, without ``-`` (may be absent), ``+`` (of the service's root) and options."""
    return PurePosixPath(word.lstrip("-+").split(":")[0])


def _bound(key: str, word: str, effect: str) -> Rule:
    """A path bound to itself is shown; another one bound over it replaces what lies there."""
    source, _, rest = word.lstrip("-+").partition(":")
    target = rest.split(":")[0] or source
    shown = target == source
    return Rule(key, source, PurePosixPath(target), effect if shown else HIDDEN, shows=shown)

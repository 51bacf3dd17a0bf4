"""The wrapper's settings: one small JSON file, every value with a default."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from coinjecture_migration import vocabulary

SETTINGS_VARIABLE = "COINJECTURE_SETTINGS"
DEFAULT_SETTINGS = Path(vocabulary.SETTINGS_FILE)
PROFILES = ("header", "full")
ON_DIVERGENCE = vocabulary.ENGINES
REVEAL = ("compare", "legacy")


class SettingsError(ValueError):
    """The settings file cannot be followed; the message names file, value and remedy."""


@dataclass(frozen=True)
class Settings:
    """Where the wrapper keeps its files, and the few choices of policy it leaves to the operator.

    Attributes:
        node: Name of the node in the evidence.
        state_dir: Folder of mode file, evidence and captures.
        control_socket: Path of the control socket.
        control_uid: The one user id the control socket serves.
        release_link: Symlink to the installed wheel; the name it points to is the release.
        node_config: The node's configuration, part of the fingerprint that a soak belongs to.
        on_divergence: Which verdict answers a block the engines disagree on in mode `rust`.
        error_allowance: Rust errors a soak in mode `rust` bears before the node demotes itself.
        pin_profile: Profile for both judging calls, or None: the call decides.
        work_budget: Units of work the Rust engine may spend on a block, or None for its own default.
        max_captures: Divergence files kept; further ones are counted, and written only where they demote.
        flush_seconds: How often the evidence reaches the disk, at most 1.
        drain_seconds: How long a mode change waits for the last call on the old engines.
        peers: Base URLs of the peers' APIs, which the fork sentinel asks.
        sentinel_seconds: Time between two of its looks.
        determinism_seconds: Time between two samples of the determinism arm; 0 switches it off.
        determinism_pause: Time before each of its judgements.
        reveal: Whether both engines check a reveal and are compared, or the legacy engine alone does, whose
            own form of commitment no other engine knows.
        quiet_legacy: Whether what the legacy engine prints is left out.
    """

    node: str = socket.gethostname()
    state_dir: Path = Path(vocabulary.STATE_DIR)
    control_socket: Path = Path(vocabulary.CONTROL_SOCKET)
    control_uid: int = 0
    release_link: Path = Path("/opt/coinjecture/current")
    node_config: Path = Path("/etc/coinjecture/node.json")
    on_divergence: str = "legacy"
    error_allowance: int = 0
    pin_profile: str | None = None
    work_budget: int | None = None
    max_captures: int = 200
    flush_seconds: float = 0.5
    drain_seconds: float = 10.0
    peers: tuple[str, ...] = ()
    sentinel_seconds: float = 30.0
    determinism_seconds: float = 600.0
    determinism_pause: float = 0.25
    reveal: str = "compare"
    quiet_legacy: bool = False

    @property
    def mode_file(self) -> Path:
        """The mode file."""
        return self.state_dir / "mode.json"

    @property
    def genesis_file(self) -> Path:
        """The genesis, where the configuration names none."""
        return self.state_dir / "genesis.json"

    @property
    def evidence_file(self) -> Path:
        """The evidence database."""
        return self.state_dir / "evidence.db"

    @property
    def reserve_file(self) -> Path:
        """Room that gives way to a way back on a full disk."""
        return self.state_dir / "reserve"

    @property
    def captures_dir(self) -> Path:
        """The folder of divergence files."""
        return self.state_dir / "captures"

    @property
    def forks_dir(self) -> Path:
        """The folder of both sides of a fork."""
        return self.state_dir / "forks"


def load_settings(path: Path | None = None) -> Settings:
    """Read `path`, else the file `COINJECTURE_SETTINGS` names, else the default one; missing means defaults.

    Raises:
        SettingsError: The file is unreadable, not a JSON object, or has an unknown name or an impossible
            value.
    """
    path = path or Path(os.environ.get(SETTINGS_VARIABLE, DEFAULT_SETTINGS))
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{path}: cannot be read as JSON ({error}); mend the file or remove it"
        ) from error
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: must hold a JSON object, holds a {type(values).__name__}")
    return Settings(**{name: _checked(path, name, value) for name, value in values.items()})


def _checked(path: Path, name: str, value: Any) -> Any:
    """One setting, converted, or a SettingsError that says what would be right."""
    kinds = {field.name: str(field.type) for field in fields(Settings)}
    if name not in kinds:
        raise SettingsError(f"{path}: unknown setting {name!r}; known are {', '.join(sorted(kinds))}")
    choices = {"on_divergence": ON_DIVERGENCE, "pin_profile": (*PROFILES, None), "reveal": REVEAL}.get(name)
    if choices is not None:
        if value not in choices:
            raise SettingsError(f"{path}: {name} is {value!r}, must be one of {choices}")
        return value
    kind = kinds[name]
    if kind == "bool":
        if not isinstance(value, bool):
            raise SettingsError(f"{path}: {name} is {value!r}, must be true or false")
        return value
    if value is None and "None" in kind:
        return None
    if kind in ("Path", "str"):
        if not isinstance(value, str) or not value:
            raise SettingsError(f"{path}: {name} is {value!r}, must be a non-empty string")
        return Path(value) if kind == "Path" else value
    if kind.startswith("tuple"):
        if not isinstance(value, list) or not all(
            isinstance(one, str) and one.startswith(("http://", "https://")) for one in value
        ):
            raise SettingsError(f"{path}: {name} is {value!r}, must be a list of http(s) URLs")
        return tuple(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise SettingsError(f"{path}: {name} is {value!r}, must be a number that is not negative")
    if name == "sentinel_seconds" and value < 1:
        raise SettingsError(f"{path}: {name} is {value!r}, must be at least 1")
    if (name == "flush_seconds" and not 0 < value <= 1) or (name == "work_budget" and value < 1):
        raise SettingsError(f"{path}: {name} is {value!r}, out of its range")
    if kind.startswith("int") and not isinstance(value, int):
        raise SettingsError(f"{path}: {name} is {value!r}, must be a whole number")
    return value

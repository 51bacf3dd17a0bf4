"""Switches of a whole interpreter that change what Python accepts, or what it computes.

Both engines are compared as this process runs them, so a soak belongs to these as it does to Python's
version. Run as a file it prints what it finds as JSON; pure standard library without any import of its own
siblings, so that the controller can ask a node's interpreter the same questions.
"""

from __future__ import annotations

import codecs
import importlib
import json
import locale
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Switch:
    """One switch.

    Attributes:
        name: What it is called in the evidence.
        read: What it is set to in this process.
        usual: What it is set to in a Python that nobody has touched.
        why: What it changes in a verdict.
    """

    name: str
    read: Callable[[], object]
    usual: str
    why: str


def _digits() -> object:
    read = getattr(sys, "get_int_max_str_digits", None)  # 3.10.7 and later
    return read() if read else "none"


def _encoding() -> str:
    return codecs.lookup(locale.getpreferredencoding(False)).name


def _subnormals() -> str:
    """A library built for speed may have told the processor to take tiny numbers for zero."""
    smallest_normal, two = sys.float_info.min, 2.0
    return "kept" if smallest_normal / two else "lost"


def _rounding() -> str:
    one, half_an_ulp = 1.0, sys.float_info.epsilon / 2
    up, down = one + half_an_ulp, -one - half_an_ulp
    return "nearest" if (up, down) == (1.0, -1.0) else "directed"


def _warnings() -> str:
    return "raise" if any(action == "error" for action, *_ in warnings.filters) else "told"


def _json_scanner() -> str:
    return "c" if getattr(importlib.import_module("json.scanner"), "c_make_scanner", None) else "python"


SWITCHES = (
    Switch("bytes_warning", lambda: sys.flags.bytes_warning, "0", "text made of bytes raises (-bb)"),
    Switch("float_repr", lambda: sys.float_repr_style, "short", "the digits that a hash is made of"),
    Switch("implementation", lambda: sys.implementation.name, "cpython", "the rules are those of CPython"),
    Switch("int_max_str_digits", _digits, "4300", "an integer of more digits in a block is refused"),
    Switch("json", _json_scanner, "c", "the scanner in Python breaks off at another depth"),
    Switch("optimize", lambda: sys.flags.optimize, "0", "an engine's assertions are left out (-O)"),
    Switch("recursion_limit", sys.getrecursionlimit, "1000", "how deep a block may be nested"),
    Switch("rounding", _rounding, "nearest", "every sum and quotient"),
    Switch("subnormals", _subnormals, "kept", "a work score near zero becomes zero"),
    Switch("text_encoding", _encoding, "utf-8", "how node.json, and with it the genesis, is read"),
    Switch("warnings", _warnings, "told", "a warning raises, and the block is refused (-W error)"),
)
"""By name. Rounding and subnormals are those of the thread that asks."""
NOT_COMPARED = {
    "PYTHONHASHSEED": "the order of sets alone; no rule goes through a set",
    "dev_mode": "shows more warnings and checks memory; it raises nothing (its filters are in `warnings`)",
    "utf8_mode": "its one effect on a verdict is `text_encoding`",
    "safe_path, isolated, no_user_site": "which files are found, not what they do; the release is compared",
    "debug builds, tracing, malloc, switch interval, bytecode caches": "speed and memory alone",
}
"""What was looked at and left out, and why."""


def found() -> dict[str, str]:
    """Every switch as it is in this process, by name."""
    return {switch.name: str(switch.read()) for switch in SWITCHES}


def unusual(values: Mapping[str, str]) -> dict[str, str]:
    """Of some values of switches, those that nobody would have without having set them."""
    usual = {switch.name: switch.usual for switch in SWITCHES}
    return {name: value for name, value in values.items() if value != usual.get(name)}


def summary() -> str:
    """What is unusual about this process, as a soak keeps it: `name=value` each, or `usual`."""
    return " ".join(f"{name}={value}" for name, value in sorted(unusual(found()).items())) or "usual"


if __name__ == "__main__":
    values = found()
    print(json.dumps({"switches": values, "unusual": unusual(values)}))

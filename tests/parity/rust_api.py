"""Lists what the Rust core offers: `python -m tests.parity.rust_api` writes `rust/consensus/api.txt`."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "rust/consensus/src"
RECORD = ROOT / "rust/consensus/api.txt"
ITEM = re.compile(r"^pub (?:const )?(?:fn|struct|enum|static|const|type) (\w+)", re.M)
EXPORT = re.compile(r"^pub use ([\w:]+)::(?:\{([^}]*)\}|(\w+)(?: as (\w+))?);", re.M)


def _code(path: Path) -> str:
    text = path.read_text(encoding="utf-8").partition("#[cfg(test)]\nmod tests")[0]
    return re.sub(r"^\s*(//|#\[).*\n", "", text, flags=re.M)


def _body(code: str, start: int) -> str:
    """The lines of an item between its braces."""
    opening = code.index("{", start)
    return code[opening + 1 : code.index("\n}", opening) + 1]


def _signature(code: str, start: int) -> str:
    """A function up to its body, on one line."""
    text = re.sub(r"\s+", " ", code[start : code.index(" {\n", start)]).strip()
    return text.replace("( ", "(").replace(", )", ")")


def _members(name: str, code: str) -> Iterator[str]:
    """Public fields or variants of a type, and its public methods."""
    for found in re.finditer(rf"^pub (struct|enum) {name}\b[^;(]*\{{$", code, re.M):
        pattern = r"^    (\w.*?),$" if found[1] == "enum" else r"^    pub (\w+: .*?),$"
        yield from re.findall(pattern, _body(code, found.start()), re.M)
    for found in re.finditer(rf"^impl(?:<[^>]*>)? {name}\b[^\n]*\{{$", code, re.M):
        body = _body(code, found.start())
        methods = re.finditer(r"^    pub (?:const )?fn", body, re.M)
        yield from (_signature(body, method.start()) for method in methods)


def _exported(code: str) -> Iterator[str]:
    """Names that a room's own file offers."""
    yield from ITEM.findall(code)
    for _, several, one, renamed in EXPORT.findall(code):
        yield from re.findall(r"\w+", several) or [renamed or one]


def listed() -> str:
    """Everything that is public, a line each."""
    root = _code(CORE / "lib.rs")
    lines = []
    for room in re.findall(r"^pub mod (\w+);", root, re.M):
        path = CORE / f"{room}.rs"
        files = [path] if path.exists() else sorted((CORE / room).glob("*.rs"))
        code = "".join(_code(file) for file in files)
        for name in _exported(_code(path if path.exists() else CORE / room / "mod.rs")):
            lines.append(f"{room}::{name}")
            lines += [f"{room}::{name}: {member}" for member in _members(name, code)]
    for room, several, one, _ in EXPORT.findall(root):
        lines += [f"{name} is {room}::{name}" for name in re.findall(r"\w+", several or one)]
    return "\n".join(sorted(lines)) + "\n"


if __name__ == "__main__":
    RECORD.write_text(listed(), encoding="utf-8")

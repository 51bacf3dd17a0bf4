"""No file of the tree leads back to itself by what it imports, and no folder to another one and back."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = "ansible_collections.coinjecture.migration."
Graph = dict[str, set[str]]


def _files() -> list[Path]:
    said = subprocess.run(
        ["git", "ls-files", "*.py", "*.pyi"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    paths = [ROOT / name for name in said if not name.startswith("tests/")]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imports(path: Path) -> Iterator[tuple[str, ...]]:
    """For each import the names that it could mean, the longest first; those inside functions, too."""
    package = _dotted(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in _running(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((name.name,) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            yield from ((f"{module}.{name.name}", module) for name in node.names)


def _running(tree: ast.Module) -> Iterator[ast.AST]:
    """All that runs: what stands under TYPE_CHECKING is read by a type checker alone."""
    left: list[ast.AST] = [tree]
    while left:
        node = left.pop()
        yield node
        types = (
            isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        )
        left += [] if types else ast.iter_child_nodes(node)


def _resolved(name: str, importer: str, modules: Mapping[str, Path]) -> str | None:
    """The file of the tree that an import means: the one of the importer's own part of the tree first."""
    name = name.removeprefix(COLLECTION)
    if name in modules:
        return name
    if name.partition(".")[0] in sys.stdlib_module_names:
        return None
    part = importer.partition(".")[0]
    own = [one for one in modules if one.endswith(f".{name}") and one.startswith(f"{part}.")]
    return own[0] if len(own) == 1 else None


def graph_of(paths: list[Path]) -> Graph:
    modules = {_dotted(path): path for path in paths}
    graph: Graph = {}
    for name, path in modules.items():
        meant = (
            next(filter(None, (_resolved(one, name, modules) for one in names)), None)
            for names in _imports(path)
        )
        graph[name] = {one for one in meant if one and one != name}
    return graph


def _circle(graph: Graph) -> list[str] | None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return None


def _folders(graph: Graph) -> Graph:
    """The same by folders. A package's own file lies in the package; one beside folders stands for itself."""
    packages = {name.rpartition(".")[0] for name in graph}
    parents = {name.rpartition(".")[0] for name in packages}

    def folder(name: str) -> str:
        above = name.rpartition(".")[0]
        return name if name in packages or above in parents else above

    found: Graph = {}
    for name, used in graph.items():
        found.setdefault(folder(name), set()).update(folder(one) for one in used)
    return {name: used - {name} for name, used in found.items()}


GRAPH = graph_of(_files())


def test_no_file_leads_back_to_itself() -> None:
    assert _circle(GRAPH) is None


def test_no_folder_leads_back_to_itself() -> None:
    assert _circle(_folders(GRAPH)) is None


def test_the_search_reads_what_the_tree_imports() -> None:
    edges = sum(len(used) for used in GRAPH.values())
    assert len(GRAPH) > 200 and edges > 300, "a search that resolves nothing finds no circle either"


@pytest.mark.parametrize(
    ("graph", "circle"),
    [
        ({"t.a.x": {"t.b.y"}, "t.b.y": {"t.a.x"}}, True),
        ({"t.a.x": {"t.b.y"}, "t.b.y": set(), "t.b.z": {"t.a.x"}}, False),
    ],
)
def test_a_circle_is_found(graph: Graph, circle: bool) -> None:
    assert (_circle(graph) is not None) is circle
    assert _circle(_folders(graph)) is not None, "by folders, both are one"

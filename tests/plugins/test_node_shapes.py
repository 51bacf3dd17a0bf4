"""Files as people write them: each is edited so that it runs on the engine meant, or refused in words.

A shape that is edited is also run: in a folder with three modules in the places of the engines, before the
edit, wrapped, completed, and taken back.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.engine_imports import OFFERED
from ansible_collections.coinjecture.migration.plugins.module_utils.importers import Place
from ansible_collections.coinjecture.migration.plugins.module_utils.node_import import (
    ImportEditError,
    complete,
    state,
    unwrap,
    wrap,
)

TAIL = "\nprint(ENGINE.told)\n"
ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Place(own=(("mynode",),))

EDITED = {
    "pair, relative first": """
try:
    from .consensus import ConsensusConfig, ConsensusEngine
except ImportError:
    from consensus import ConsensusConfig, ConsensusEngine
ENGINE = ConsensusEngine
""",
    "pair, plain first": """
try:
    from consensus import ConsensusEngine
except ImportError:
    from .consensus import ConsensusEngine
ENGINE = ConsensusEngine
""",
    "pair that catches everything": """
try:
    from .consensus import ConsensusEngine
except Exception:
    from consensus import ConsensusEngine
ENGINE = ConsensusEngine
""",
    "pair with a bare except": """
try:
    from .consensus import ConsensusEngine
except:
    from consensus import ConsensusEngine
ENGINE = ConsensusEngine
""",
    "one plain import": """
from consensus import ConsensusEngine, ConsensusConfig
ENGINE = ConsensusEngine
""",
    "one plain import after a path is added": """
import sys
sys.path.append('src')
from consensus import ConsensusEngine, ConsensusConfig
ENGINE = ConsensusEngine
""",
    "names on lines of their own": """
from consensus import (  # the engine
    ConsensusConfig,
    ConsensusEngine,  # here
)
ENGINE = ConsensusEngine
""",
    "an alias": """
from consensus import ConsensusEngine as Engine
ENGINE = Engine
""",
    "two imports, the class in one": """
from consensus import ConsensusConfig
from consensus import ConsensusEngine
ENGINE = ConsensusEngine
""",
    "inside a function": """
def main():
    from consensus import ConsensusEngine
    return ConsensusEngine
ENGINE = main()
""",
    "inside a method, with another one above for types": """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from consensus import ConsensusEngine
class Node:
    def engine(self):
        from consensus import ConsensusEngine
        return ConsensusEngine
ENGINE = Node().engine()
""",
    "the module": """
import consensus
ENGINE = consensus.ConsensusEngine
""",
    "the module by another name": """
import consensus as c
ENGINE = c.ConsensusEngine
""",
    "the module among others": """
import os, consensus, sys
ENGINE = consensus.ConsensusEngine
""",
    "the module in a pair": """
try:
    from . import consensus
except ImportError:
    import consensus
ENGINE = consensus.ConsensusEngine
""",
    "the module by its name": """
import importlib
ENGINE = importlib.import_module("consensus").ConsensusEngine
""",
    "the module by its name, renamed function": """
from importlib import import_module as load
engine = load('consensus')
ENGINE = engine.ConsensusEngine
""",
    "a fallback without an engine": """
try:
    from consensus import ConsensusEngine
except ImportError:
    ConsensusEngine = None
ENGINE = ConsensusEngine
""",
    "an error of the engine's taken elsewhere": """
from consensus import ConsensusEngine
def judge():
    from consensus import HeaderValidationError
    return HeaderValidationError
judge()
ENGINE = ConsensusEngine
""",
    "by the name of its package": """
from mynode.consensus import ConsensusEngine
ENGINE = ConsensusEngine
""",
    "the module out of its package": """
from mynode import consensus
ENGINE = consensus.ConsensusEngine
""",
    "the module of its package under another name": """
import mynode.consensus as engine
ENGINE = engine.ConsensusEngine
""",
    "backslash": """
from consensus \\
    import ConsensusEngine
ENGINE = ConsensusEngine
""",
    "semicolon": """
import os; from consensus import ConsensusEngine; import sys
ENGINE = ConsensusEngine
""",
    "a text that looks like an import": '''
"""from consensus import ConsensusEngine"""
from consensus import ConsensusEngine  # from consensus import ConsensusEngine
ENGINE = ConsensusEngine
''',
}

REFUSED = {
    "no engine": (
        "import asyncio\n",
        "nothing takes ConsensusEngine from consensus; write: from consensus import",
    ),
    "an engine of another module": (
        "from engine import ConsensusEngine\n",
        "nearest: line 1: from engine import ConsensusEngine; write: from consensus import ConsensusEngine",
    ),
    "for types alone": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from consensus import ConsensusEngine\n",
        "line 3 imports consensus, and nothing there takes ConsensusEngine from it",
    ),
    "only its configuration": (
        "from consensus import ConsensusConfig\n",
        "line 1 imports consensus, and nothing there takes ConsensusEngine from it",
    ),
    "the module, unused": ("import consensus\n", "nothing there takes ConsensusEngine from it"),
    "everything": ("from consensus import *\n", "line 1: it takes everything (*) from consensus; name what"),
    "the class and everything": (
        "from consensus import ConsensusEngine\nfrom consensus import *\n",
        "line 2: it takes everything (*) from consensus; name what the file needs",
    ),
    "a name that is bound again": (
        "from consensus import ConsensusEngine\nfrom fast import ConsensusEngine\n",
        "line 1 takes ConsensusEngine from consensus, and line 2 gives that name another meaning",
    ),
    "a name that is bound again by a class": (
        "from consensus import ConsensusEngine\nclass ConsensusEngine(ConsensusEngine):\n    pass\n",
        "line 2 gives that name another meaning",
    ),
    "another engine that is tried first": (
        "try:\n    from fast import ConsensusEngine\n"
        "except ImportError:\n    from consensus import ConsensusEngine\n",
        "line 4 takes ConsensusEngine from consensus, and line 2 gives that name another meaning",
    ),
    "the package alone is bound": (
        "import mynode.consensus\nENGINE = mynode.consensus.ConsensusEngine\nx = mynode.ConsensusEngine\n",
        "write: from mynode import consensus",
    ),
    "a package of which nobody knows": (
        "from somebody.consensus import ConsensusEngine\n",
        "nearest: line 1: from somebody.consensus import ConsensusEngine",
    ),
    "a name that is put together": (
        "import importlib\nENGINE = importlib.import_module(NAME).ConsensusEngine\n",
        "nearest: line 2: importlib.import_module(NAME)",
    ),
    "run as a text": (
        "exec('from consensus import ConsensusEngine')\nENGINE = x.ConsensusEngine\n",
        "line 1: the module's name is in a text that cannot be edited; write: import consensus",
    ),
    "what only the legacy module has": (
        "from consensus import Block, ConsensusEngine\n",
        "line 1 takes Block from consensus, which no other engine has",
    ),
    "what only the legacy module has, of the module": (
        "import consensus\nENGINE = consensus.ConsensusEngine\nx = consensus.score\n",
        "line 1 takes score from consensus, which no other engine has",
    ),
    "something inside of it": (
        "from consensus import ConsensusEngine\nfrom consensus.params import LIMIT\n",
        "line 2: from consensus.params import LIMIT takes something inside of consensus",
    ),
    "two modules of a package on one line": (
        "from . import consensus, network\nENGINE = consensus.ConsensusEngine\n",
        "line 1: import consensus on a line of its own",
    ),
    "twice in one line": (
        "from consensus import ConsensusEngine, ConsensusEngine\n",
        "line 1 imports ConsensusEngine more than once",
    ),
    "renamed to itself": (
        "from consensus import ConsensusEngine as ConsensusEngine\n",
        "the edit could not be taken back byte for byte",
    ),
    "a wrapper of the node's own": (
        "from consensus import ConsensusEngine\nfrom consensus_wrapper import Dual\n",
        "a file of the node's own with the wrapper's name? Give it another name first",
    ),
    "half edited": (
        "from consensus import ConsensusEngine as A\nfrom consensus_wrapper import DualRunConsensus as B\n",
        "line 1 imports consensus and line 2 imports consensus_wrapper: a half-made edit",
    ),
    "no Python": ("def broken(:\n", "not Python that can be parsed"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The engines, each telling its name, beside the file and in a package `mynode`."""
    surface = "\n".join(f"class {name}: told = {{told!r}}" for name in OFFERED)
    legacy, rust = surface.format(told="legacy"), surface.format(told="rust")
    wrapper = surface.format(told="wrapped") + "\nDualRunConsensus = ConsensusEngine\n"
    for place in (tmp_path / "src", tmp_path / "mynode"):
        place.mkdir()
        (place / "consensus.py").write_text(legacy)
        (place / "consensus_wrapper.py").write_text(wrapper)
    for package in (tmp_path / "coinjecture", tmp_path / "src/coinjecture"):
        package.mkdir()
        (package / "__init__.py").touch()
    (tmp_path / "coinjecture/consensus.py").write_text(rust)
    (tmp_path / "src/coinjecture/consensus.py").write_text("# the node's own package of that name\n")
    shutil.copytree(ROOT / "python/src/_coinjecture_release", tmp_path / "_coinjecture_release")
    return tmp_path


def runs_on(folder: Path, source: bytes) -> str:
    """Which engine a file takes when it runs."""
    (folder / "src/node.py").write_bytes(source + TAIL.encode())
    done = subprocess.run(
        [sys.executable, "-B", "src/node.py"],
        cwd=folder,
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
    )
    assert done.returncode == 0, f"{source.decode()}\n{done.stderr.decode()}"
    return done.stdout.decode().strip()


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize("name", EDITED)
def test_given_a_shape_then_it_runs_on_each_engine_and_comes_back_byte_for_byte(
    name: str, ends: bytes, folder: Path
) -> None:
    source = EDITED[name].encode().replace(b"\n", ends)
    wrapped = wrap(source, PACKAGE)
    completed = complete(wrapped, PACKAGE)
    found = [state(one, PACKAGE) for one in (source, wrapped, completed)]
    assert found == ["legacy", "wrapped", "rust"]
    assert [runs_on(folder, one) for one in (source, wrapped, completed)] == found
    assert runs_on(folder, wrap(completed, PACKAGE)) == "wrapped"
    assert unwrap(wrapped, PACKAGE) == source
    assert wrap(wrapped, PACKAGE) == wrapped and complete(completed, PACKAGE) == completed
    assert len(wrapped.splitlines()) == len(source.splitlines())


@pytest.mark.parametrize("name", REFUSED)
def test_given_a_shape_that_cannot_be_edited_then_it_is_said_where_and_what_to_write(name: str) -> None:
    source, says = REFUSED[name]
    with pytest.raises(ImportEditError) as refused:
        wrap(source.encode(), PACKAGE)
    assert says in str(refused.value)


def test_the_names_that_are_offered_are_those_of_the_wrapper_and_of_the_rust_engine() -> None:
    import consensus_wrapper
    from coinjecture import consensus

    assert set(OFFERED) == set(consensus_wrapper.__all__) & set(consensus.__all__)

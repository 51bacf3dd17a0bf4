"""The package `coinjecture` beside this one, under a name that no node has.

A node may own a package `coinjecture` in its folder of sources, which stands before the release on the path
of whatever it starts. What is imported by this name comes from the folder that this file lies in.
"""

from pathlib import Path

__path__ = [str(Path(__file__).resolve().parent.parent / "coinjecture")]

"""For every run of pytest in this tree, the tests' and Molecule's."""

pytest_plugins = ["tests.failures.keeping"]

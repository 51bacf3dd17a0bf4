"""Each role's README says what its argument specs say, and one page names every variable."""

import re
import subprocess
import sys
from pathlib import Path

from ansible_collections.coinjecture.migration.plugins.plugin_utils.messages.extra_variables import table

ROOT = Path(__file__).resolve().parents[2]


def test_each_role_has_a_readme_that_is_up_to_date() -> None:
    said = subprocess.run(
        [sys.executable, "scripts/role-readmes", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert said.returncode == 0, said.stdout
    assert {path.parent for path in ROOT.glob("roles/*/README.md")} == {
        path for path in ROOT.glob("roles/*") if path.is_dir()
    }


def test_given_a_variable_that_may_be_typed_then_the_page_of_variables_has_it() -> None:
    page = (ROOT / "docs/reference/variables.md").read_text()
    assert table().keys() - set(re.findall(r"^\| `(\w+)` \|", page, re.M)) == set()

"""Each role's README says what its argument specs say."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_each_role_has_a_readme_that_is_up_to_date() -> None:
    said = subprocess.run(
        [sys.executable, "scripts/role-readmes", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert said.returncode == 0, said.stdout
    assert {path.parent for path in ROOT.glob("roles/*/README.md")} == {
        path for path in ROOT.glob("roles/*") if path.is_dir()
    }

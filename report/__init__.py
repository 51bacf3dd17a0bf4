"""What a person sees of a migration: the live screen, and the page that remains of a run.

`report.watch` draws the screen of playbooks/status.yml again and again; `report` makes one self-contained
HTML page of a run's material, whose form is docs/schemas/run.schema.json. Neither decides anything: every
number comes from the nodes, from the step journal or from a ledger, and what nobody measured is called so.
"""

import sys
from pathlib import Path

# What the screen and the page share with the playbooks lies there: the words and the numbers of a status.
sys.path.append(str(Path(__file__).resolve().parents[1] / "plugins/module_utils"))

"""What a person sees of a migration: the live screen, and the page that remains of a run.

`report.watch` draws the screen of playbooks/status.yml again and again; `report` makes one self-contained
HTML page of a run's material, whose form is docs/schemas/run.schema.json. Neither decides anything: every
number comes from the nodes, from the step journal or from a ledger, and what nobody measured is called so.
"""

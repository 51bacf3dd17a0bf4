"""`python -m testnet.rehearsal`: 0 only if the migration is complete; 2 if it halted, 1 if it failed."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext

from testnet.machine.command import CommandError, RefusalError
from testnet.rehearsal.burners import Burners
from testnet.rehearsal.kinds import KINDS
from testnet.rehearsal.rehearse import BUILD, Plan, Rehearsal
from testnet.rehearsal.summary import COMPLETE, HALTED, narrate

FAULTS = ("none", "divergence", "error", "panic", "loop", "slow")


def main(argv: list[str] | None = None) -> int:
    """Rehearse what the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m testnet.rehearsal", description=__doc__)
    parser.add_argument("--fault", choices=FAULTS, default="none", help="what is wrong with the wheel")
    parser.add_argument("--plan", choices=("once", "there-and-back"), default="once")
    parser.add_argument("--load", choices=("none", "busy"), default="none", help="what else the cores do")
    parser.add_argument("--node", choices=KINDS, default="reference", help="what the network is made of")
    parser.add_argument("--short", action="store_true", help="soaks of seconds, and no monitoring")
    options = parser.parse_args(argv)
    fault = None if options.fault == "none" else options.fault
    try:
        with Burners() if options.load == "busy" else nullcontext():
            back, kind = options.plan == "there-and-back", KINDS[options.node]
            plan = Plan(fault, there_and_back=back, kind=kind, short=options.short)
            summary = Rehearsal(plan).run()
    except (RefusalError, CommandError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"\n{narrate(summary)}\n\nwritten to {BUILD / 'summary.json'}; the page: {BUILD / 'report.html'}")
    return {COMPLETE: 0, HALTED: 2}.get(summary.result, 1)


if __name__ == "__main__":
    sys.exit(main())

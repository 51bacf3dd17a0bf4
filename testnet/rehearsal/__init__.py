"""The rehearsal: a whole migration of the local network by an operator's own commands, measured.

Its calendar is compressed (seconds of soak, not days); nothing else is. Every number of the summary is
read from the nodes, from the users' ledger or from a clock; none is assumed.
"""

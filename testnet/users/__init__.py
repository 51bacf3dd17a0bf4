"""Users of the network: real clients that read and submit, and a ledger of everything they were answered."""

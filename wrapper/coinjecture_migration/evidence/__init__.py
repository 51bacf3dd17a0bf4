"""The evidence of a soak: counted in memory, kept in `evidence.db`."""

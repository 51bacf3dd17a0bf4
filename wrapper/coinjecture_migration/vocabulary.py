"""The words that wrapper, plugins and exporter share, each stated here and nowhere else.

This one file is shipped to all of them, so it imports nothing; `plugins/module_utils/vocabulary.py` is a link
to it.
"""

MODES = ("legacy", "shadow", "rust", "final")
"""The modes of a node, from the old engine to the new one; a step goes up by one."""
ENGINES = ("legacy", "rust")
ANSWERING = {"legacy": "legacy", "shadow": "legacy", "rust": "rust", "final": "rust"}
"""The engine whose verdict the node acts on, by mode."""
NEEDED = {"legacy": ("legacy",), "shadow": ENGINES, "rust": ENGINES, "final": ("rust",)}
"""The engines that a mode has loaded."""
COMPARING = ("shadow", "rust")
"""The modes in which both engines judge every block."""
OUTCOMES = ("match", "divergence", "rust_error", "legacy_error", "skipped", "alone")
"""Every call that a node judges ends in exactly one of these."""
FAULTS = ("divergence", "rust_error", "legacy_error")
"""The outcomes that no soak may have."""

LATENCY_EDGES = tuple(10 ** (k / 6 - 6) for k in range(37))
"""Upper edges of durations in seconds, 1 us to 1 s, each 10^(1/6) = 1.47 times the one before."""
RATIO_EDGES = tuple(10 ** (k / 12) for k in range(-36, 37))
"""Upper edges of Rust's duration over legacy's, 0.001 to 1000, each 1.21 times the one before; one is 1.0."""
QUANTILES = (("p50", 0.5, "median"), ("p90", 0.9, "90th percentile"), ("p99", 0.99, "99th percentile"))
"""What is told of how long engines take: each quantile's short name, its share of all values, its words."""

DROPPED = ("consensus_wrapper.py", "coinjecture_migration", "consensus_surface")
"""What the migration drops beside the legacy engine."""
STATE_DIR = "/var/lib/coinjecture-migration"
CONTROL_SOCKET = "/run/coinjecture-migration/control.sock"
SETTINGS_FILE = "/etc/coinjecture-migration/wrapper.json"

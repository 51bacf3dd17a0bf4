"""The metrics of a node, served by a process of its own: it reads files and the node's API, nothing else."""

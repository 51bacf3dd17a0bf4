"""The local test network: droplets in containers on a private bridge, reached by ssh like real ones."""

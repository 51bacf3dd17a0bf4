"""A hostile peer: it gossips blocks that break one rule each, so that rejects are compared too."""

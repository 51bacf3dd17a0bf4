"""Replay: blocks of the past, and mutants of them, through the legacy engine and the Rust engine, compared.

``python -m coinjecture.replay --captures FILE...`` judges divergence files again, ``python -m
coinjecture.replay CHAIN.db`` a node's whole log. Pure Python beside the native module, so it runs on a node
from the installed wheel. The fuzzer drives the engines through the same modules.
"""

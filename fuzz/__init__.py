"""Differential fuzzing: the Rust engine against the legacy Python engine, which is the oracle.

`python -m fuzz --seconds 60` grows block trees of valid, changed and odd blocks, gives the same text and the
same receipt time to both engines and compares everything that the rules determine after each block.
"""

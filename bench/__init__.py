"""Benchmarks: the Rust engine against the legacy Python engine, both measured in one run.

`python -m bench` prints a table and writes `build/bench.json`. Ratios are oracle time over Rust time: higher
is better. What a machine does besides changes the times, hardly the ratios: the engines take turns.
"""

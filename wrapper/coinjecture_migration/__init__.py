"""What the wrapper needs beside it on a node: plain Python, no dependency, installed apart from the wheel.

A broken wheel can therefore not take the way back with it, and a failure in here never stops a block from
being judged.
"""

"""The mode: read at the start, prepared, changed, lowered, remembered. `manager.py` is the way in."""

"""One call of the node from the block to the answer."""

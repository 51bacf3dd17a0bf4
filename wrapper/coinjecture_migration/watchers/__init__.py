"""What watches a node beside the comparison of each call: fork sentinel and self-check."""

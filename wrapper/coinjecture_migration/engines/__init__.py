"""The engines: an adapter for each, what loads them, what they answer, and what keeps their trees alike."""

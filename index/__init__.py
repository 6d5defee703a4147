"""Documents in a folder become searchable passages. Knows nothing of answers."""

"""Records that callers receive: `Answer`, `Turn` and their parts."""

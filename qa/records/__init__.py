"""The records that callers get: `Answer`, `Turn` and what they hold."""

"""Sessions, passwords, rate limits, headers and request checks."""

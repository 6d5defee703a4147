"""Metrics on question files, and the log of predictions."""

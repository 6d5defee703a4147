"""Evaluation metrics on question files, and a log of predictions."""

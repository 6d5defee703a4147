"""Fitting of confidence and of fusion weights."""

"""Texts in markup languages, rendered without their marks."""

"""Conversations: follow-up questions are rewritten to stand alone."""

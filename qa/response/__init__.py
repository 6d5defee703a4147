"""Responses of the chat: lists, contradictions, evidence, suggestions."""

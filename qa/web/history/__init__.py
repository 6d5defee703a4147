"""Conversations that are kept: their store, routes and export."""

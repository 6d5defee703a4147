"""The chat page."""

from qa.web.server import build_page, serve

__all__ = ["build_page", "serve"]

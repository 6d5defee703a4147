"""The chat page."""

from qa.web.serving import build_page, serve

__all__ = ["build_page", "serve"]

"""The web server: chat page and routes for programs."""

from qa.web.server import build_page, serve

__all__ = ["build_page", "serve"]

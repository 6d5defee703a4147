"""What is served: the chat page, and beside it the same for programs."""

from pathlib import Path

import gradio as gr
from fastapi import FastAPI

from qa.answering import QuestionAnswerer
from qa.web.documents import documents_router
from qa.web.feedback import feedback_routes
from qa.web.page import make_page
from qa.web.settings import settings_routes

_STATIC = Path(__file__).parent / "static"
_STYLES = ("page.css", "source.css", "documents.css", "feedback.css", "settings.css")
_SCRIPTS = ("page.js", "source.js", "tour.js", "documents.js", "announcing.js", "feedback.js", "settings.js")
"""In the order in which the browser runs them; the first makes `verbatim`, which the others add to."""


def application(answerer: QuestionAnswerer) -> FastAPI:
    """All that is served, as an ASGI application that asks nothing of the network.

    Args:
        answerer: What answers the questions.

    Returns:
        The application.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    # Routes of our own go before the page, which is mounted at the root and takes what is left.
    app.include_router(documents_router(answerer))
    app.include_router(feedback_routes(answerer))
    app.include_router(settings_routes(answerer))
    _mount_page(app, answerer)
    return app


def _mount_page(app: FastAPI, answerer: QuestionAnswerer) -> None:
    gr.mount_gradio_app(
        app,
        make_page(answerer),
        path="/",
        # Fonts given as plain names are the reader's own; Gradio's default would fetch some.
        theme=gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        head=f"<style>{_joined(_STYLES)}</style><script>{_joined(_SCRIPTS)}</script>",
        favicon_path=str(_STATIC / "favicon.svg"),
        footer_links=[],
        show_error=False,  # what fails unforeseen is for the log; errors meant for people are shown anyway
        ssr_mode=False,
        mcp_server=False,
        run_history=False,
        enable_monitoring=False,
    )


def _joined(names: tuple[str, ...]) -> str:
    return "\n".join((_STATIC / name).read_text(encoding="utf-8") for name in names)

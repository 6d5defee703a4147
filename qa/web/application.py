"""What is served: the chat page, and beside it the same for programs."""

from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.routing import Mount

from qa.answering import QuestionAnswerer
from qa.web import guarding
from qa.web.access import Access, SignedInOnly, login_routes
from qa.web.gradio_routes import NeededRoutes, OwnEvents
from qa.web.guarding import Guards
from qa.web.headers import SafeHeaders
from qa.web.page import make_page

_STATIC = Path(__file__).parent / "static"
_STYLES = ("page.css", "access.css")
_SCRIPTS = ("page.js", "access.js")
"""In the order in which the browser runs them; the first makes `verbatim`, which the others add to."""


def application(answerer: QuestionAnswerer, access: Access | None = None, guards: Guards | None = None) -> FastAPI:
    """All that is served, as an ASGI application that asks nothing of the network.

    Args:
        answerer: What answers the questions.
        access: Who may use it; None is whoever reaches it.
        guards: What it lets in; None is what suits a server on loopback.

    Returns:
        The application.
    """
    access = Access() if access is None else access
    guards = Guards() if guards is None else guards
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, middleware=_middleware(access, guards))
    # Routes of our own go before the page, which is mounted at the root and takes what is left.
    app.include_router(login_routes(access))
    _mount_page(app, answerer, signs_out=access.is_asked)
    return app


def _middleware(access: Access, guards: Guards) -> list[Middleware]:
    """What every request passes, in this order, whichever route it is for."""
    limits = guards.limits
    return [
        Middleware(SafeHeaders, scripts=[_joined(_SCRIPTS)]),
        Middleware(guarding.SmallHeads, limits=limits),
        Middleware(guarding.KnownHosts, names=guards.names, any_address=guards.any_address),
        Middleware(guarding.SameOrigin, names=guards.outside_names),
        Middleware(guarding.StalledBodies, limits=limits),
        Middleware(RequestBodyLimitMiddleware, max_body_size=limits.body_bytes),
        Middleware(SignedInOnly, access=access),
        Middleware(guarding.Throttled, limits=limits),
        Middleware(OwnEvents),
    ]


def _mount_page(app: FastAPI, answerer: QuestionAnswerer, *, signs_out: bool) -> None:
    gr.mount_gradio_app(
        app,
        make_page(answerer, signs_out=signs_out),
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
    for mount in app.routes:
        if isinstance(mount, Mount):
            mount.app = NeededRoutes(mount.app)


def _joined(names: tuple[str, ...]) -> str:
    return "\n".join((_STATIC / name).read_text(encoding="utf-8") for name in names)
